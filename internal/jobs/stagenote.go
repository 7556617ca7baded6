package jobs

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
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/stage"
)

// stageNote says what an isolated job's folder was given. It is kept beside the
// ledger from before the folder is made until after it is removed, so that no
// folder is ever forgotten.
type stageNote struct {
	Root     string         `json:"root"`
	Folder   string         `json:"folder"`
	Row      int64          `json:"row"` // of the ledger, which may have been rebuilt since
	WorkTree string         `json:"worktree"`
	Created  time.Time      `json:"created"`
	Files    []stage.Placed `json:"files,omitempty"` // none while they are being put there
}

func (n *stageNote) summary() *stagedInfo {
	s := &stagedInfo{Files: len(n.Files)}
	for _, f := range n.Files {
		s.Bytes += f.Size
	}
	return s
}

func stagesDir(d *dataset.Dataset) string { return filepath.Join(commit.StateDir(d.Repo), "stages") }

func notePath(d *dataset.Dataset, folder string) string {
	return filepath.Join(stagesDir(d), filepath.Base(folder)+".json")
}

// keep writes the note. Paths that are not UTF-8 would not survive JSON, so
// that they are quoted.
func (n stageNote) keep(d *dataset.Dataset) error {
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
	path := notePath(d, n.Folder)
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

func (n stageNote) forget(d *dataset.Dataset) error {
	err := os.Remove(notePath(d, n.Folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// maxNote bounds what is read of a note.
const maxNote = 1 << 30

// readNote reads one note. It must lead to a folder that can be a job's.
func readNote(path string) (n stageNote, err error) {
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

// noteOf returns the note of an isolated job; ok is false where there is none.
func noteOf(d *dataset.Dataset, j *ledger.Job) (n stageNote, ok bool, err error) {
	n, err = readNote(notePath(d, j.AltDir))
	if errors.Is(err, fs.ErrNotExist) {
		return n, false, nil
	}
	return n, err == nil && n.Folder == j.AltDir, err
}
