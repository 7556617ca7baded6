package annex

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// What is here is found in both layouts.
func TestContentIsFoundInBothLayouts(t *testing.T) {
	a := bareAnnex(t)
	put := func(content, place string) {
		t.Helper()
		object := a.Dir("objects", filepath.FromSlash(place))
		if err := os.MkdirAll(filepath.Dir(object), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(object, []byte(content), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	key := func(content string) annexkey.Key { return keyFor([]byte(content)) }
	put("mixed", key("mixed").ObjectPath())
	put("lower", key("lower").ObjectPathLower())
	if err := os.MkdirAll(filepath.Dir(a.ObjectPath(key("folder alone"))), 0o777); err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]bool{"mixed": true, "lower": true, "folder alone": false, "nowhere": false} {
		if has := a.Has(key(content)); has != want {
			t.Errorf("%s: %t, want %t", content, has, want)
		}
	}
}

// An edit that was made while the content was here records that it is gone, and
// claims nothing of content that never was.
func TestRecordHereLooksWhenTheLogIsWritten(t *testing.T) {
	a := bareAnnex(t)
	k := keyFor([]byte("x"))
	object := a.ObjectPath(k)
	if err := os.MkdirAll(filepath.Dir(object), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(object, []byte("x"), 0o444); err != nil {
		t.Fatal(err)
	}
	edit := a.RecordHere(k, annexlog.Clock{})
	status := func(text []byte) annexlog.Status {
		line, _ := annexlog.ParsePresence(text).Get(a.UUID)
		return line.Status
	}
	here := edit.Change(nil)
	if status(here) != annexlog.StatusPresent {
		t.Errorf("here: %q", here)
	}
	if err := os.Remove(object); err != nil {
		t.Fatal(err)
	}
	if got := edit.Change(here); status(got) != annexlog.StatusAbsent {
		t.Errorf("gone: %q", got)
	}
	if got := edit.Change(nil); got != nil {
		t.Errorf("never here: %q", got)
	}
}
