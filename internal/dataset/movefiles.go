package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// move is what is written down while git brings the work tree from one commit to
// another.
type move struct {
	From, To gitobj.OID
	Branch   string    `json:",omitempty"` // full name of the branch that is checked out; "": the present one goes there
	Merge    bool      `json:",omitempty"` // To is the tree of a merge with conflicts
	Who      fsx.Owner // whose work it is
}

// moveNote is where it is written down.
func (d *Dataset) moveNote() string { return filepath.Join(d.Repo.GitDir, "stemma-merge") }

// MoveFiles runs what lets git bring the work tree, and then HEAD, from one
// commit to another, and gives unlocked files their content: on the present
// branch, or, if branch is not "", by checking that out. If this process dies on
// the way, ResumeMove makes up for it before anybody commits the half of it.
func (d *Dataset) MoveFiles(ctx context.Context, from, to gitobj.OID, branch string, run func() error) error {
	if err := d.noteMove(move{From: from, To: to, Branch: branch}); err != nil {
		return err
	}
	if err := run(); err != nil {
		if ctx.Err() == nil && Declined(err) {
			err = errors.Join(err, os.Remove(d.moveNote()))
		}
		return err
	}
	return os.Remove(d.moveNote())
}

// noteMove writes down what this process begins.
func (d *Dataset) noteMove(m move) error {
	m.Who = fsx.Self()
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return os.WriteFile(d.moveNote(), append(text, '\n'), 0o666)
}

// Declined reports that git has not begun, for something would be lost.
func Declined(err error) bool {
	var failed *git.CommandError
	return errors.As(err, &failed) && strings.Contains(failed.Stderr, "would be overwritten")
}

// Resume completes what killed commands have left half done here: first what was
// half published, then the files that git was bringing to another commit.
func (d *Dataset) Resume(ctx context.Context) error {
	if err := d.Publisher().Settle(ctx); err != nil {
		return err
	}
	return d.ResumeMove(ctx)
}

// ResumeMove makes up for a process that died while git was bringing the work
// tree to a commit: what git had finished is taken for done, and else the files
// of before come back, so that nobody commits that they are gone. What differs
// from both versions is somebody's, and stays. While somebody is at it, it waits.
func (d *Dataset) ResumeMove(ctx context.Context) error {
	m, err := d.deadMove(ctx)
	if err != nil || m == nil {
		return err
	}
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	switch {
	case head.OID == "", m.Merge && m.From != head.OID:
	case m.To == head.OID:
		err = d.fillMoved(ctx)
	case m.From == head.OID && d.Repo.Has(ctx, m.To):
		if err = d.awaitLocks(ctx, head); err != nil {
			break
		}
		if m.Merge {
			err = d.undoMerge(ctx, *m)
		} else {
			err = d.goBack(ctx, *m)
		}
	}
	if err != nil {
		return err
	}
	return ignoreAbsent(os.Remove(d.moveNote()))
}

// fillMoved gives unlocked files their content, as the process that died would
// have done.
func (d *Dataset) fillMoved(ctx context.Context) error {
	if d.Annex == nil {
		return nil
	}
	keys, err := d.UnlockedKeys(ctx)
	if err != nil || len(keys) == 0 {
		return err
	}
	return d.populate(ctx, keys)
}

// These say how long others are waited for that bring the work tree elsewhere,
// and a git process that has outlived them.
const (
	movePatience = 30 * time.Second
	lockPatience = 2 * time.Second
	movePause    = 20 * time.Millisecond
)

// deadMove reads the note of a move that nobody will complete; nil: there is none.
func (d *Dataset) deadMove(ctx context.Context) (*move, error) {
	for end := time.Now().Add(movePatience); ; {
		text, err := os.ReadFile(d.moveNote())
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		m := &move{}
		if json.Unmarshal(text, m) != nil {
			return m, nil // cut off: nothing had begun
		}
		if m.Who == fsx.Self() || m.Who.Fate() == fsx.Dead || m.Who.Fate() == fsx.Unknown && d.untouched() {
			return m, nil
		}
		if time.Now().After(end) {
			return nil, errs.WithHint(fmt.Errorf("%s is bringing the files here to another commit", m.Who),
				"wait for it to end; if it is no more, remove %s and look at `git status` before you save", d.moveNote())
		}
		if err := wait(ctx, movePause); err != nil {
			return nil, err
		}
	}
}

// untouched reports that the note is so old that its process, on another host,
// must have ended.
func (d *Dataset) untouched() bool {
	fi, err := os.Stat(d.moveNote())
	return err == nil && time.Since(fi.ModTime()) > 10*time.Minute
}

// awaitLocks waits for a git process that goes on where its parent was killed. The
// locks of one that was killed, too, stay for ever: only the user can know.
func (d *Dataset) awaitLocks(ctx context.Context, head git.Head) error {
	names := []string{d.Repo.IndexPath() + ".lock", filepath.Join(d.Repo.GitDir, "HEAD.lock")}
	if head.Ref != "" {
		names = append(names, filepath.Join(d.Repo.CommonDir, filepath.FromSlash(head.Ref)+".lock"))
	}
	for end := time.Now().Add(lockPatience); ; {
		left := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			_, err := os.Lstat(name)
			return err != nil
		})
		if len(left) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return errs.WithHint(fmt.Errorf("a command died while git was bringing the files here to another commit, and left %s", strings.Join(left, " and ")),
				"if no git command is running here any more, remove that and repeat the command: the files are put in order then, before anything is saved")
		}
		if err := wait(ctx, movePause); err != nil {
			return err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// arrive moves HEAD where the files are.
func (d *Dataset) arrive(ctx context.Context, m move) error {
	args := []string{"update-ref", "-m", "merge: completed", "HEAD", string(m.To), string(m.From)}
	if m.Branch != "" {
		args = []string{"symbolic-ref", "-m", "checkout: completed", "HEAD", m.Branch}
	}
	if _, err := d.Repo.Output(ctx, args...); err != nil {
		return err
	}
	return d.fillMoved(ctx)
}
