package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/screen"
)

// conclude is the one place that turns the end of a command into output and
// an exit code.
func (a *app) conclude(ctx context.Context, err error) int {
	if errors.Is(err, errDone) {
		return errs.ExitCode(err)
	}
	if errors.Is(err, result.ErrStop) {
		err = nil // the record that stopped it tells
	}
	if err != nil && ctx.Err() != nil {
		err = errs.WithExit(errors.New("interrupted"), errs.ExitInterrupt)
	}
	hint := errs.Hint(err)
	if hint == "" && outOfSpace(err) {
		hint = "free some space, or have the quota raised, and repeat the command: nothing is lost"
	}
	if rec, ok := failureRecord(err); ok {
		err = a.emitLast(rec)
	} else if err != nil && a.machine() {
		_ = a.emitLast(a.errorRecord(err, hint))
	}
	code := 0
	if herr := a.hooks.run(ctx, a); herr != nil {
		err = errors.Join(err, herr)
	}
	if a.results != nil {
		err = errors.Join(err, a.results.Finish())
		code = a.results.ExitCode()
	}
	if err == nil {
		a.hint(hint)
		return code
	}
	a.showError(err, hint)
	return errs.ExitCode(err)
}

// outOfSpace reports whether the disk is full or a quota used up; git says so
// in words.
func outOfSpace(err error) bool {
	if err == nil {
		return false
	}
	words := strings.ToLower(err.Error())
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || strings.Contains(words, "no space left on device") ||
		strings.Contains(words, "disk quota exceeded") || strings.Contains(words, "out of diskspace")
}

// emitLast shows a record after the command has ended.
func (a *app) emitLast(rec result.Record) error {
	if a.results == nil {
		if _, err := a.report(render.Continue, nil); err != nil {
			return err
		}
	}
	if err := a.results.Emit(rec); !errors.Is(err, result.ErrStop) {
		return err
	}
	return nil
}

// errorRecord tells a program what people read on standard error.
func (a *app) errorRecord(err error, hint string) result.Record {
	action := a.command
	if action == "" {
		action = a.name
	}
	rec := result.New(action, result.Error, a.cwd, "").Msg(err.Error()).With("exit_code", errs.ExitCode(err))
	if a.data != nil {
		rec.Path, rec.Type = a.data.Path(), result.Dataset
	}
	if hint != "" {
		rec = rec.With("hint", hint)
	}
	return rec
}

// showError prints an error, what to do about it, and the usage where the
// command was not understood.
func (a *app) showError(err error, hint string) {
	a.log.Error(strings.TrimSpace(err.Error()))
	a.hint(hint)
	var m *misuse
	if errors.As(err, &m) && a.usage != "" {
		fmt.Fprintln(a.stderr, "usage: "+a.usage)
	}
}

func (a *app) hint(text string) {
	if text != "" {
		fmt.Fprintln(a.stderr, "hint: "+screen.Visible(text, "\n\t"))
	}
}

// failureRecord returns the record by which an operation wants its failure
// to be shown.
func failureRecord(err error) (result.Record, bool) {
	var f *result.Failure
	if !errors.As(err, &f) {
		return result.Record{}, false
	}
	return f.Record, true
}
