// Package stages knows the folders outside the dataset that jobs run in: it notes
// what was put there, lists them and prunes those of closed jobs. How they are
// filled is the business of package staging.
package stages

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/stage"
)

// Note says what an isolated job's folder was given. It is kept beside the
// ledger from before the folder is made until after it is removed, so that no
// folder is ever forgotten.
type Note struct {
	Root     string         `json:"root"`
	Folder   string         `json:"folder"`
	Row      int64          `json:"row"` // of the ledger, which may have been rebuilt since
	WorkTree string         `json:"worktree"`
	Created  time.Time      `json:"created"`
	Files    []stage.Placed `json:"files,omitempty"` // none while they are being put there
}

// Summary is what the record says of it.
func (n *Note) Summary() *jobrec.Staged {
	s := &jobrec.Staged{Files: len(n.Files)}
	for _, f := range n.Files {
		s.Bytes += f.Size
	}
	return s
}

func dir(d *dataset.Dataset) string { return filepath.Join(commit.StateDir(d.Repo), "stages") }

// NotePath is where the note of a folder is kept.
func NotePath(d *dataset.Dataset, folder string) string {
	return filepath.Join(dir(d), filepath.Base(folder)+".json")
}

// Keep writes the note. Paths that are not UTF-8 would not survive JSON, so
// that they are quoted.
func (n Note) Keep(d *dataset.Dataset) error {
	files := make([]stage.Placed, len(n.Files))
	for i, f := range n.Files {
		files[i] = f
		files[i].Path = ledger.QuoteBytes(f.Path)
	}
	n.Files, n.Root, n.Folder, n.WorkTree = files, ledger.QuoteBytes(n.Root), ledger.QuoteBytes(n.Folder), ledger.QuoteBytes(n.WorkTree)
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	path := NotePath(d, n.Folder)
	err = fsx.WriteFileVia(commit.TempDir(d.Repo), path, data, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		if err = d.Repo.MakeShared(filepath.Dir(path)); err == nil {
			err = fsx.WriteFileVia(commit.TempDir(d.Repo), path, data, 0o666)
		}
	}
	if err == nil {
		err = d.Repo.Share(path)
	}
	if err != nil {
		return fmt.Errorf("note staging folder: %w", err)
	}
	return nil
}

// Forget removes the note, if it is there.
func (n Note) Forget(d *dataset.Dataset) error {
	err := os.Remove(NotePath(d, n.Folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// maxNote bounds what is read of a note.
const maxNote = 1 << 30

// ReadNote reads one note. It must lead to a folder that can be a job's.
func ReadNote(path string) (n Note, err error) {
	fi, err := os.Stat(path)
	if err != nil {
		return n, err
	}
	if fi.Size() > maxNote {
		return n, fmt.Errorf("%s is too large", path)
	}
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &n)
	}
	n.Root, n.Folder, n.WorkTree = ledger.UnquoteBytes(n.Root), ledger.UnquoteBytes(n.Folder), ledger.UnquoteBytes(n.WorkTree)
	for i := range n.Files {
		n.Files[i].Path = ledger.UnquoteBytes(n.Files[i].Path)
	}
	if err == nil && (!stage.IsFolder(n.Root, n.Folder) || filepath.Base(n.Folder)+".json" != filepath.Base(path)) {
		err = errors.New("it names no folder of a job")
	}
	if err != nil {
		return n, fmt.Errorf("read note of a staging folder %s: %w", path, err)
	}
	return n, nil
}

// NoteOf returns the note of an isolated job; ok is false where there is none.
func NoteOf(d *dataset.Dataset, j *ledger.Job) (n Note, ok bool, err error) {
	n, err = ReadNote(NotePath(d, j.AltDir))
	if errors.Is(err, fs.ErrNotExist) {
		return n, false, nil
	}
	return n, err == nil && n.Folder == j.AltDir, err
}
