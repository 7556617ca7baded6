package annex

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// What is here is found in both layouts, by a look at each and by a glance at all.
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
	glance := a.glance()
	for content, want := range map[string]bool{"mixed": true, "lower": true, "folder alone": false, "nowhere": false} {
		if has, seen := a.Has(key(content)), glance(key(content)); has != want || seen != want {
			t.Errorf("%s: has %t, at a glance %t, want %t", content, has, seen, want)
		}
	}
	if err := os.RemoveAll(a.Dir("objects")); err != nil {
		t.Fatal(err)
	}
	if a.glance()(key("mixed")) {
		t.Error("without a folder of objects there is content")
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
	here := newContent(nil, nil, []LogEdit{edit}, a.glance())
	if got := status(here); got != annexlog.StatusPresent || !bytes.Equal(here, edit.Change(nil)) {
		t.Errorf("here: %q, %q", here, edit.Change(nil))
	}
	if err := os.Remove(object); err != nil {
		t.Fatal(err)
	}
	if got := newContent(here, nil, []LogEdit{edit}, a.glance()); status(got) != annexlog.StatusAbsent {
		t.Errorf("gone: %q", got)
	}
	if got := newContent(nil, nil, []LogEdit{edit}, a.glance()); got != nil {
		t.Errorf("never here: %q", got)
	}
}
