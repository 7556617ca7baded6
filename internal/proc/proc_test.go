package proc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func sh(script string) Cmd { return Cmd{Name: "/bin/sh", Args: []string{"-c", script}} }

func TestRun(t *testing.T) {
	c := sh(`cat; echo "$V"; pwd; echo warn >&2`)
	c.Stdin, c.Env, c.Dir = strings.NewReader("in\n"), []string{"V=val"}, "/"
	res, err := Run(t.Context(), c)
	if err != nil || string(res.Stdout) != "in\nval\n/\n" || string(res.Stderr) != "warn\n" || res.Exit != 0 {
		t.Errorf("%+v %v", res, err)
	}
}

func TestRunFailure(t *testing.T) {
	tests := []struct {
		script, want string
		exit         int
	}{
		{"echo 'fatal: no' >&2; exit 7", `/bin/sh -c "echo 'fatal: no' >&2; exit 7": exit code 7: fatal: no`, 7},
		{"kill -TERM $$", `/bin/sh -c "kill -TERM $$": ended by signal: terminated`, 143},
	}
	for _, tt := range tests {
		res, err := Run(t.Context(), sh(tt.script))
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Exit != tt.exit || res.Exit != tt.exit || err.Error() != tt.want {
			t.Errorf("%s: exit %d, %v", tt.script, res.Exit, err)
		}
	}
	if _, err := Run(t.Context(), Cmd{Name: "no-such-program-at-all"}); err == nil || !strings.Contains(err.Error(), "no-such-program-at-all") {
		t.Error(err)
	}
}

func TestStderrTailIsBounded(t *testing.T) {
	c := sh(`i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1`)
	c.Stderr = io.Discard
	_, err := Run(t.Context(), c)
	var exit *ExitError
	if !errors.As(err, &exit) || len(exit.Stderr) > tailSize+8 || !strings.HasSuffix(exit.Stderr, "line 2999") || !strings.HasPrefix(exit.Stderr, "…") {
		t.Errorf("%v", err)
	}
}

func TestLongCommandLineIsCut(t *testing.T) {
	e := &ExitError{Name: "x", Args: []string{strings.Repeat("ä", 10000)}, Exit: 1}
	if len(e.Error()) > maxShown+50 {
		t.Error(len(e.Error()))
	}
}

func TestCancelKillsTheGroup(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := Start(ctx, sh("sleep 300 & echo $!; wait"))
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(p.Stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	grandchild, _ := strconv.Atoi(strings.TrimSpace(line))
	cancel()
	if err := p.Wait(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for range 100 {
		if gone(grandchild) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("the grandchild lives on")
}

// gone counts a zombie, which waits for somebody else's init, as gone.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	return strings.Contains(string(b), ") Z ")
}

func TestBatchConversation(t *testing.T) {
	p, err := Start(t.Context(), Cmd{Name: "cat"})
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(p.Stdout)
	for i := range 100 {
		fmt.Fprintf(p.Stdin, "question %d\n", i)
		if got, err := r.ReadString('\n'); err != nil || got != fmt.Sprintf("question %d\n", i) {
			t.Fatal(got, err)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error("second close:", err)
	}
}

func TestOutputStaysReadableAfterWait(t *testing.T) {
	p, err := Start(t.Context(), sh("echo last words; echo why >&2; exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	var exit *ExitError
	if err := p.Wait(); !errors.As(err, &exit) || exit.Exit != 3 || exit.Stderr != "why" {
		t.Error(err)
	}
	if b, err := io.ReadAll(p.Stdout); string(b) != "last words\n" {
		t.Errorf("%q %v", b, err)
	}
	p.Close()
}
