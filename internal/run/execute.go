package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// execute runs the command and saves its results.
func (t *task) execute(ctx context.Context, sink result.Sink) error {
	head, err := t.d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if _, err := t.d.Repo.ReadIndex(); err != nil && !errors.Is(err, gitindex.ErrUnsupported) {
		return err // nothing that the command makes could be saved
	}
	t.before, t.branch = head.OID, head.Ref
	if t.base, err = t.d.RecordedHead(ctx); err != nil {
		return err
	}
	t.d.Env.Log.Info("== Command start (output follows) =====")
	exit, err := t.shellRun(ctx)
	if err != nil {
		return err
	}
	t.d.Env.Log.Info("== Command exit (modification check follows) =====")
	t.makeRecord(exit)
	return t.finish(ctx, exit, sink)
}

// shellRun runs the user's line as DataLad does, by the shell.
func (t *task) shellRun(ctx context.Context) (int, error) {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", t.shell)
	cmd.Dir = t.pwd
	cmd.Env = append(append([]string{}, t.d.Env.Vars...), "PWD="+t.pwd, t.mark())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.opt.Stdin, t.opt.Stdout, t.opt.Stderr
	if !t.opt.Terminal {
		leadGroup(cmd)
	}
	err := cmd.Run()
	if ctx.Err() != nil && !t.opt.Terminal {
		endGroup(cmd)
	}
	var ee *exec.ExitError
	if errors.As(err, &ee) && ctx.Err() == nil {
		if code := ee.ExitCode(); code >= 0 {
			return code, nil
		}
		return 128 + signalOf(ee), nil
	}
	if err != nil {
		return 0, fmt.Errorf("run: %w", err)
	}
	return 0, nil
}

// makeRecord builds the record of what was executed.
func (t *task) makeRecord(exit int) {
	t.record = &runrec.Record{
		Chain: orEmpty(t.opt.chain), Cmd: t.cmd, DSID: t.d.ID, Exit: &exit,
		Inputs: orEmpty(t.specs[0]), ExtraInputs: orEmpty(t.specs[1]), Outputs: orEmpty(t.specs[2]),
		Pwd: t.relPwd, Extra: t.opt.extra,
	}
	if t.opt.Expand.has(Inputs) {
		t.record.Inputs = t.inputs.Expand()
	}
	if t.opt.Expand.has(Outputs) {
		t.outputs.Refresh()
		t.record.Outputs = t.outputs.Expand()
	}
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// finish reports the execution and saves. A failed command's changes are left
// in the work tree, with the message ready for the user, unless KeepGoing.
func (t *task) finish(ctx context.Context, exit int, sink result.Sink) error {
	message, sidecar, err := t.message()
	if err != nil {
		return err
	}
	r := t.runRecord(exit)
	if exit == 0 || t.opt.expectedExit != nil && exit == *t.opt.expectedExit {
		if err := sink.Emit(r.With("msg_path", nil)); err != nil {
			return err
		}
		return t.save(ctx, message, sidecar, sink)
	}
	r = r.As(result.Error).With("msg_path", nil)
	if !t.opt.again && !t.opt.NoMessageFile {
		msgPath, err := t.keepMessage(message)
		if err != nil {
			return err
		}
		r = r.With("msg_path", msgPath)
	}
	r = r.With("exception", fmt.Sprintf("CommandError: '%s' failed with exitcode %d under %s", t.shell, exit, t.pwd)).
		With("exception_traceback", "")
	if !t.opt.KeepGoing && t.opt.again {
		return sink.Emit(r)
	}
	if !t.opt.KeepGoing {
		t.d.Env.Log.Info("The command had a non-zero exit code. If this is expected, you can save the changes with 'datalad save -d . -r -F .git/COMMIT_EDITMSG'")
		return sink.Emit(r)
	}
	if err := sink.Emit(r); err != nil {
		return err
	}
	return t.save(ctx, message, sidecar, sink)
}

// keepMessage leaves the commit message for the user, where git keeps that of a
// commit which did not come about.
func (t *task) keepMessage(message string) (path string, err error) {
	path = filepath.Join(t.d.Repo.GitDir, "COMMIT_EDITMSG")
	return path, fsx.WriteFile(path, []byte(message), 0o644)
}

// switched reports that another branch is checked out than before: what the
// command changed belongs to neither of them for certain.
func (t *task) switched(now git.Head, message string, sink result.Sink) error {
	path, err := t.keepMessage(message)
	if err != nil {
		return err
	}
	return sink.Emit(result.New("run", result.Error, t.d.Path(), result.Dataset).With("msg_path", path).
		Msg(fmt.Sprintf("command switched branches from %s to %s; its changes were not saved, its record is in %s", branchName(t.branch), branchName(now.Ref), path)))
}

func branchName(ref string) string {
	if ref == "" {
		return "a detached HEAD"
	}
	return strings.TrimPrefix(ref, "refs/heads/")
}

func (t *task) runRecord(exit int) result.Record {
	r := result.New("run", result.OK, t.d.Path(), result.Dataset).
		Msg(runrec.ShortCommand(t.shell)).With("exit_code", exit).With("run_info", t.record.Fields())
	return r
}

// message is the commit's, and the sidecar's path if the record goes there.
func (t *task) message() (message, sidecar string, err error) {
	title := t.opt.Message
	if title == "" {
		title = runrec.ShortCommand(t.shell)
	}
	if !t.useSidecar() {
		return runrec.Message(runrec.RunKind, title, t.record), "", nil
	}
	id, content, err := runrec.Sidecar(t.record)
	if err != nil {
		return "", "", err
	}
	dir := recordDir(t.d)
	rel := filepath.Join(dir, id)
	if err := fsx.Beneath(t.d.Path(), rel); err != nil {
		return "", "", err
	}
	if err := os.MkdirAll(t.d.Repo.Path(dir), 0o777); err != nil {
		return "", "", err
	}
	if _, err := os.Lstat(t.d.Repo.Path(rel)); err != nil {
		if err := os.WriteFile(t.d.Repo.Path(rel), content, 0o666); err != nil {
			return "", "", err
		}
	}
	return runrec.SidecarMessage(runrec.RunKind, title, t.record, id), rel, nil
}

func (t *task) useSidecar() bool {
	if t.opt.Sidecar != nil {
		return *t.opt.Sidecar
	}
	v := t.d.Config("datalad.run.record-sidecar")
	return v == "1" || v == "true" || v == "yes" || v == "on"
}

// save commits the outputs (explicit) or everything that changed.
func (t *task) save(ctx context.Context, message, sidecar string, sink result.Sink) error {
	head, err := t.d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if head.Ref != t.branch {
		return t.switched(head, message, sink)
	}
	if head.OID != t.before && !t.opt.Explicit && !t.movedByOthers(ctx, head.OID) {
		return t.saveSelfCommitted(ctx, message, sink)
	}
	_, err = t.commitChanges(ctx, message, sidecar, sink)
	return err
}

func (t *task) commitChanges(ctx context.Context, message, sidecar string, sink result.Sink) (gitobj.OID, error) {
	opt := dataset.SaveOptions{Message: message, Jobs: t.opt.Jobs, Levels: dataset.AllLevels, Reason: "stemma run: " + runrec.ShortCommand(t.shell)}
	if !t.opt.Explicit {
		return t.d.Save(ctx, opt, sink)
	}
	t.outputs.Refresh()
	paths, err := t.relative(t.outputs.ExpandStrict())
	if err != nil {
		return "", err
	}
	deleted, err := t.relative(t.outputs.Misses())
	if err != nil {
		return "", err
	}
	paths = append(paths, deleted...)
	if sidecar != "" {
		paths = append(paths, sidecar)
	}
	if len(paths) == 0 {
		return "", nil
	}
	return t.d.SaveOutputs(ctx, paths, opt, sink)
}
