package annex

import (
	"testing"

	"github.com/stemma-data/stemma/internal/annexlog"
)

func TestASnapshotStaysWhatItWas(t *testing.T) {
	a := bareAnnex(t)
	write := func(path, text string) {
		t.Helper()
		if err := a.WriteJournal(t.Context(), path, "", func([]byte) []byte { return []byte(text) }); err != nil {
			t.Fatal(err)
		}
	}
	write(annexlog.TrustFile, "before\n")
	s, err := a.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write(annexlog.GroupFile, "after\n")
	for path, want := range map[string]string{annexlog.TrustFile: "before\n", annexlog.GroupFile: "", "no/such.log": ""} {
		if got, err := s.ReadLog(t.Context(), path); string(got) != want || err != nil {
			t.Errorf("%s: %q %v, want %q", path, got, err, want)
		}
		if got, err := a.ReadLog(t.Context(), annexlog.GroupFile); string(got) != "after\n" || err != nil {
			t.Errorf("the annex itself: %q %v", got, err)
		}
	}
}
