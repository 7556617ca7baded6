package annex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// BranchRef is the ref that holds git-annex's logs.
const BranchRef = "refs/heads/git-annex"

// commitMessage is git-annex's own for changes of its branch; like there it
// ends without a newline.
const commitMessage = "update"

// LogEdit changes one log file of the git-annex branch.
type LogEdit struct {
	Path string
	// Change gets the effective old content (nil for a new file) and returns
	// the new one; returning the old one unchanged makes no edit. It may be
	// called again if another writer was faster, and at the same time as those of
	// other paths.
	Change func(old []byte) []byte
	// UUID is the one repository that the edit tells of; "" for others.
	UUID string
}

// SetLocation is the edit that records whether uuid has the key's content.
func SetLocation(k annexkey.Key, uuid string, status annexlog.Status, now annexlog.Clock) LogEdit {
	return LogEdit{Path: annexlog.LocationPath(k), UUID: uuid, Change: func(old []byte) []byte {
		out, _ := annexlog.ParsePresence(old).Set(uuid, status, now)
		return out
	}}
}

// Journal is the exclusive right to change the git-annex branch. Until Unlock
// every git-annex process waits.
type Journal struct {
	annex *Annex
	lock  *fsx.FileLock
	names []string // journal files that the prepared commit folds in
}

// LockJournal takes git-annex's journal lock, waiting as long as ctx lives.
func (a *Annex) LockJournal(ctx context.Context) (*Journal, error) {
	if err := a.Repo.MakeShared(a.dir); err != nil {
		return nil, fmt.Errorf("lock journal: %w", err)
	}
	lock, err := fsx.LockFile(ctx, a.Dir("journal.lck"), true)
	if err != nil {
		return nil, fmt.Errorf("lock journal: %w", err)
	}
	return &Journal{annex: a, lock: lock}, nil
}

// Unlock gives the lock back.
func (j *Journal) Unlock() { j.lock.Unlock() }

// readJournal lists journal files by their path in the branch.
func (j *Journal) readJournal() (map[string][]byte, error) {
	entries, err := os.ReadDir(j.annex.Dir("journal"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	files := map[string][]byte{}
	j.names = nil
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		data, err := os.ReadFile(j.annex.Dir("journal", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		if path := annexlog.FromJournalName(e.Name()); safeLogPath(path) {
			files[path] = data
			j.names = append(j.names, e.Name())
		}
	}
	return files, nil
}

// safeLogPath refuses names that are no paths of a tree.
func safeLogPath(p string) bool {
	for _, part := range strings.Split(p, "/") {
		if part == "" || part == "." || part == ".." || gitobj.IsDotGit(part) {
			return false
		}
	}
	return !strings.ContainsAny(p, "\x00\n")
}

// readLogs reads the paths from the branch; missing ones are left out.
func (j *Journal) readLogs(ctx context.Context, tip gitobj.OID, paths []string) (map[string][]byte, error) {
	logs := map[string][]byte{}
	if tip == "" {
		return logs, nil
	}
	for _, p := range paths {
		data, ok, err := j.annex.Repo.BlobAt(ctx, tip, p)
		if err != nil {
			return nil, err
		}
		if ok {
			logs[p] = data
		}
	}
	return logs, nil
}

// Folded removes the journal files that the commit of Prepare contains; it is
// called after the ref has moved and before Unlock.
func (j *Journal) Folded() error {
	for _, name := range j.names {
		if err := os.Remove(filepath.Join(j.annex.Dir("journal"), name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("clean journal: %w", err)
		}
	}
	j.names = nil
	return nil
}

// JournalFile returns the journal's version of a log, which replaces the
// branch's; ok is false where there is none.
func (a *Annex) JournalFile(path string) (data []byte, ok bool, err error) {
	data, err = os.ReadFile(a.Dir("journal", annexlog.JournalName(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read %s: %w", path, err)
	}
	return data, true, nil
}

// ReadLog returns the effective content of one log: the journal's version if
// there is one, else the branch's, and what is private; nil where there is
// none.
func (a *Annex) ReadLog(ctx context.Context, path string) ([]byte, error) {
	data, err := a.publicLog(ctx, path)
	if err != nil || len(a.privates()) == 0 {
		return data, err
	}
	private, err := a.privateFile(path)
	return append(data[:len(data):len(data)], private...), err
}

// publicLog is the log as others may see it.
func (a *Annex) publicLog(ctx context.Context, path string) ([]byte, error) {
	data, ok, err := a.JournalFile(path)
	if !ok && err == nil {
		data, err = a.branchFile(ctx, path)
	}
	return data, err
}

// branchFile is a log as the branch has it now.
func (a *Annex) branchFile(ctx context.Context, path string) ([]byte, error) {
	if !a.Repo.NativeRefs() {
		_, data, err := a.Repo.Object(ctx, BranchRef+":"+path, -1)
		return data, err
	}
	tip, err := a.Repo.Ref(ctx, BranchRef)
	if err != nil || tip == "" {
		return nil, err
	}
	data, _, err := a.Repo.BlobAt(ctx, tip, path)
	return data, err
}

// WriteJournal changes one log by git-annex's journal: cheap, durable, and
// committed by whoever commits to the branch next. The change function gets
// the effective old content; where it returns that, nothing is written. uuid is
// the one repository that the change tells of; "" for others.
func (a *Annex) WriteJournal(ctx context.Context, path, uuid string, change func(old []byte) []byte) error {
	return a.Note(ctx, []LogEdit{{Path: path, UUID: uuid, Change: change}})
}
