package repodates

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseReference(t *testing.T) {
	for date, want := range map[string]int64{
		"@1514764800": 1514764800, "2018-01-01": 1514764800, "2018-01-01T01:00:00+01:00": 1514764800,
		"01 Jan, 2018": 1514764800, "1 Jan 2018 00:00:00 +0000": 1514764800, "@-1": -1,
	} {
		if got, err := ParseReference(date); got != want || err != nil {
			t.Errorf("%s: %d %v, want %d", date, got, err, want)
		}
	}
	for _, date := range []string{"", "@", "@foo", "yesterday", "2018-13-01", "@99999999999999999999"} {
		if got, err := ParseReference(date); err == nil {
			t.Errorf("%q was read as %d", date, got)
		}
	}
}

func TestTimestamps(t *testing.T) {
	log := "1523283745.683191724s 1 uuid\n5s 0 x\nuuid name timestamp=7.1s\nno 9s\n99999999999999999999s 1 y\n"
	if diff := cmp.Diff([]int64{1523283745, 5, 7}, timestamps([]byte(log))); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseReference(f *testing.F) {
	f.Add("@1514764800")
	f.Add("2018-01-01")
	f.Fuzz(func(t *testing.T, date string) { ParseReference(date) })
}
