package annex

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// ObjectPath is where a new object of the key is stored.
func (a *Annex) ObjectPath(k annexkey.Key) string { return a.objectAt(a.layouts()[0](k)) }

// layouts are the paths that an object of a key can have below the folder of
// objects, the usual one first: where names that differ in case alone must not
// occur (bare repositories, and where no link needs the others), the lower one.
func (a *Annex) layouts() [2]func(annexkey.Key) string {
	c := a.Repo.Config
	if a.Repo.Bare || c.Bool("annex.crippledfilesystem", false) && !c.Bool("core.symlinks", true) {
		return [2]func(annexkey.Key) string{annexkey.Key.ObjectPathLower, annexkey.Key.ObjectPath}
	}
	return [2]func(annexkey.Key) string{annexkey.Key.ObjectPath, annexkey.Key.ObjectPathLower}
}

func (a *Annex) objectAt(place string) string { return a.Dir("objects", filepath.FromSlash(place)) }

// Object returns where the key's object lies, whatever is in it, and its state;
// nil where there is none. Both hash layouts are tried.
func (a *Annex) Object(k annexkey.Key) (path string, fi fs.FileInfo) {
	return a.objectIn(k, func(string) bool { return true })
}

// objectIn is Object; of the less usual layout are only the first folders looked
// into that may be there.
func (a *Annex) objectIn(k annexkey.Key, mayBe func(folder string) bool) (path string, fi fs.FileInfo) {
	if k.Safe() != nil {
		return "", nil
	}
	for i, layout := range a.layouts() {
		place := layout(k)
		if folder, _, _ := strings.Cut(place, "/"); i > 0 && !mayBe(folder) {
			continue
		}
		path := a.objectAt(place)
		if fi, err := os.Lstat(path); err == nil && fi.Mode().IsRegular() {
			return path, fi
		}
	}
	return "", nil
}

// Locate returns where the key's content lies; ok is false where it is not
// here, or what is here was written to (annex.thin).
func (a *Annex) Locate(k annexkey.Key) (path string, ok bool) {
	path, fi := a.Object(k)
	if fi == nil || !a.guard.Intact(path, fi, k) {
		return "", false
	}
	return path, true
}

// Has reports whether the key's content is here.
func (a *Annex) Has(k annexkey.Key) bool {
	_, ok := a.Locate(k)
	return ok
}

// RecordHere is the edit that records whether the key's content is here at the
// moment in which the log is written, whatever happened since the edit was made.
func (a *Annex) RecordHere(k annexkey.Key, now annexlog.Clock) LogEdit {
	change := func(old []byte, has func(annexkey.Key) bool) []byte {
		status := annexlog.StatusAbsent
		if has(k) {
			status = annexlog.StatusPresent
		} else if _, known := annexlog.ParsePresence(old).Get(a.UUID); !known {
			return old
		}
		return SetLocation(k, a.UUID, status, now).Change(old)
	}
	return LogEdit{
		Path: annexlog.LocationPath(k), UUID: a.UUID, changeHere: change,
		Change: func(old []byte) []byte { return change(old, a.Has) },
	}
}

// glance returns a Has for the next moment, in which many keys may be asked about
// that are not here. At the first of these the first folders of all objects are
// listed: to look for each that never was there would wait for whoever removes
// folders among them, as the end of a drop does.
func (a *Annex) glance() func(annexkey.Key) bool {
	list := sync.OnceValues(func() (map[string]bool, error) {
		entries, err := os.ReadDir(a.Dir("objects"))
		folders := make(map[string]bool, len(entries))
		for _, e := range entries {
			folders[e.Name()] = true
		}
		return folders, err
	})
	return func(k annexkey.Key) bool {
		path, fi := a.objectIn(k, func(folder string) bool {
			folders, err := list()
			return err != nil || folders[folder]
		})
		return fi != nil && a.guard.Intact(path, fi, k)
	}
}
