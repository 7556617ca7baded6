package annex

import (
	"io/fs"
	"os"
	"path/filepath"

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
	if k.Safe() != nil {
		return "", nil
	}
	for _, layout := range a.layouts() {
		path := a.objectAt(layout(k))
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
	return LogEdit{Path: annexlog.LocationPath(k), UUID: a.UUID, Change: func(old []byte) []byte {
		status := annexlog.StatusAbsent
		if a.Has(k) {
			status = annexlog.StatusPresent
		} else if _, known := annexlog.ParsePresence(old).Get(a.UUID); !known {
			return old
		}
		return SetLocation(k, a.UUID, status, now).Change(old)
	}}
}
