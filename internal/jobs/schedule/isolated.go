package schedule

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/committed"
	"github.com/stemma-data/stemma/internal/jobs/stages"
	"github.com/stemma-data/stemma/internal/jobs/staging"
	"github.com/stemma-data/stemma/internal/sched/sbatchline"
	"github.com/stemma-data/stemma/internal/stage"
)

// isolation is what an isolated job has: a folder of its own, in which the
// commit it is scheduled on is checked out as far as it has declared it.
type isolation struct {
	root   string // the area
	folder string // takes the place of the dataset
	files  *committed.Tree
}

// errTwoPlaces refuses two places for one job.
var errTwoPlaces = errs.WithExit(errors.New("schedule: --isolated and --alt-dir exclude each other"), errs.ExitUsage)

// planIsolated names the folder of an isolated job and makes inputs those of
// the commit. Nothing is made yet.
func (c *Job) planIsolated(ctx context.Context) error {
	if c.opt.Isolated == "" {
		return nil
	}
	if c.opt.AltDir != "" {
		return errTwoPlaces
	}
	dir := c.opt.Isolated
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(c.d.Env.Cwd, dir)
	}
	root, err := stage.FindArea(dir)
	if err != nil {
		return err
	}
	for _, own := range []string{c.w.Top, c.d.Repo.CommonDir, c.d.Repo.GitDir} {
		if root == own || strings.HasPrefix(root, own+"/") {
			return errs.WithHint(fmt.Errorf("staging folder %s lies in the dataset", c.opt.Isolated), "choose a folder outside of it, on the same file system if possible")
		}
	}
	if c.start.head.OID == "" {
		return errs.WithHint(errors.New("isolated jobs see what is committed, and nothing is"), "save the inputs first")
	}
	c.iso = &isolation{root: root, folder: stage.NewName(root)}
	c.iso.files = &committed.Tree{Ctx: ctx, Tree: c.start.committed, Top: c.w.Top}
	c.w.Files, c.w.Place = c.iso.files, c.iso.folder
	return nil
}

// renew looks at the branch again if it has moved since the plan.
func (c *Job) renew() {
	if c.iso.files.Tree != c.start.committed {
		c.iso.files.Tree = c.start.committed
		c.w.In.Refresh()
		c.w.ExtraIn.Refresh()
	}
}

// fillIsolated notes in the job that it is isolated.
func (c *Job) fillIsolated() {
	if c.iso == nil {
		return
	}
	c.renew()
	c.job.AltDir, c.job.Isolated = c.iso.folder, c.iso.root
	row := 0
	if c.prov.Sweep != nil {
		row = c.prov.Sweep.Row // replicates may differ in nothing else
	}
	words, err := json.Marshal([]any{c.job.Scheduler, c.job.Pwd, c.job.Isolated, c.job.Message, c.job.Cmd, c.job.Branch,
		c.job.Inputs, c.job.ExtraInputs, c.job.Outputs, c.job.Chain, row})
	if err == nil {
		sum := sha256.Sum256(words)
		c.job.Words = hex.EncodeToString(sum[:16])
	}
}

// isolate makes the job's folder. undo removes it.
func (c *Job) isolate(ctx context.Context) (undo func() error, err error) {
	if err := c.obtain(ctx); err != nil {
		return nil, err
	}
	missing := c.w.CheckInputs()
	if c.iso.files.Err != nil {
		return nil, c.iso.files.Err
	}
	if missing != nil {
		return nil, errs.WithHint(missing, "isolated jobs see what is committed; save the inputs first")
	}
	s := &staging.Staging{
		Dataset: c.d, Work: c.w, Files: c.iso.files, Base: c.start.base, Folder: c.iso.folder, Claims: c.out.Claims,
		Present: either(c.opt.AssumeReady, "inputs"), Jobs: c.opt.Jobs, Sink: c.sink, IDs: map[string]string{},
	}
	if err := s.Collect(ctx); err != nil {
		return nil, err
	}
	c.prov.Script, c.job.Script = s.Script, s.OwnScript
	area, err := stage.OpenArea(c.iso.root, stage.Options{Shared: c.d.Repo.SharedMode()})
	if err != nil {
		return nil, errs.WithHint(err, "choose a folder that you can write to")
	}
	note := stages.Note{Root: c.iso.root, Folder: c.iso.folder, Row: c.job.ID, WorkTree: c.w.Top, Created: c.d.Now().UTC()}
	undo = func() error { return errors.Join(area.Discard(c.iso.folder), note.Forget(c.d)) }
	if err := note.Keep(c.d); err != nil {
		return undo, err
	}
	c.opt.Step.At("staging")
	if err := area.Make(c.iso.folder); err != nil {
		return undo, err
	}
	if err = area.MakeFolders(c.iso.folder, s.Places()); err == nil {
		note.Files, err = s.Place(ctx, area)
	}
	if err == nil {
		err = area.MakeFolders(c.iso.folder, c.logFolders())
	}
	if err != nil {
		return undo, spaceHint(err)
	}
	if err := note.Keep(c.d); err != nil {
		return undo, err
	}
	c.opt.Step.At("staged")
	c.job.InputIDs = s.IDs
	c.prov.Staged = note.Summary()
	c.prov.Store(&c.job)
	c.tellStaged(note.Files)
	return undo, nil
}

// spaceHint says what to do about a full disk.
func spaceHint(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return errs.WithHint(err, "free space there, with `stemma stage prune` for one, or choose another folder")
	}
	return err
}

// tellStaged says what was done, unless many jobs are scheduled at once.
func (c *Job) tellStaged(files []stage.Placed) {
	if c.batch != nil {
		return
	}
	n := map[stage.Method]int{}
	for _, f := range files {
		n[f.Method]++
	}
	var how []string
	for _, m := range []stage.Method{stage.Linked, stage.Cloned, stage.Copied, stage.Symlink} {
		if n[m] > 0 {
			how = append(how, fmt.Sprintf("%d %s", n[m], m))
		}
	}
	text := fmt.Sprintf("the job has the folder %s with %d staged file(s)", c.iso.folder, len(files))
	if len(how) > 0 {
		text += " (" + strings.Join(how, ", ") + ")"
	}
	if n[stage.Cloned] == 0 && otherDevice(c.iso.root, c.w.Top) {
		text += "; it is on another file system than the dataset, where contents are copied"
	}
	c.d.Env.Log.Info(text)
}

func otherDevice(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX != nil || errY != nil {
		return false
	}
	sx, okX := x.Sys().(*syscall.Stat_t)
	sy, okY := y.Sys().(*syscall.Stat_t)
	return okX && okY && sx.Dev != sy.Dev
}

// logFolders are folders of log files, which a scheduler does not make.
func (c *Job) logFolders() (list []string) {
	for _, folder := range sbatchline.LogFolders(c.staged, c.submitted()) {
		list = append(list, path.Join(c.w.Pwd, folder))
	}
	return list
}
