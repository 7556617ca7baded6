package errs

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestHintAndExitSurviveWrapping(t *testing.T) {
	err := WithHint(WithExit(fs.ErrNotExist, 7), "run %s", "stemma create")
	err = fmt.Errorf("status: %w", err)
	if got := Hint(err); got != "run stemma create" {
		t.Errorf("hint = %q", got)
	}
	if got := ExitCode(err); got != 7 {
		t.Errorf("exit code = %d", got)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestDefaults(t *testing.T) {
	if WithHint(nil, "x") != nil || WithExit(nil, 3) != nil {
		t.Error("nil did not stay nil")
	}
	if ExitCode(nil) != 0 || ExitCode(errors.New("x")) != ExitFailure || Hint(errors.New("x")) != "" {
		t.Error("wrong default")
	}
}
