// Package external runs programs that speak git-annex's external special
// remote protocol, versions 1 and 2, with its extension ASYNC. What they answer
// is not trusted: nonsense, or the program's death, is an error that names it.
package external

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
)

// maxLine bounds a line of the protocol, in bytes.
const maxLine = 1 << 20

// Installed is nil if there is a program for the type.
func Installed(s remote.Setup, kind string) error {
	_, err := find(s, kind)
	return err
}

// find looks the program up in the PATH that the remote was opened with.
func find(s remote.Setup, kind string) (string, error) {
	if kind == "" || strings.ContainsAny(kind, "/\x00\n") {
		return "", fmt.Errorf("remote %s: externaltype %q is not accepted", s.Name, kind)
	}
	name := "git-annex-remote-" + kind
	for _, dir := range filepath.SplitList(s.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if fi, err := os.Stat(path); err == nil && filepath.IsAbs(dir) && fi.Mode().IsRegular() && fi.Mode().Perm()&0o111 != 0 {
			return path, nil
		}
	}
	return "", errs.WithHint(fmt.Errorf("remote %s needs the program %s, which is not installed", s.Name, name), "install it in a folder of PATH")
}

// program is one process. Before its end nobody else writes to it; with ASYNC
// several requests share it.
type program struct {
	name  string
	proc  *proc.Process
	in    *bufio.Reader
	write sync.Mutex
	async *router // nil: one request at a time
}

// start runs the program, for as long as life lasts, and agrees on version and
// extensions before the end of ctx.
func start(life, ctx context.Context, s remote.Setup, path string) (*program, error) {
	p := &program{name: filepath.Base(path)}
	var err error
	p.proc, err = proc.Start(life, proc.Cmd{Name: path, Dir: s.WorkTree, Env: s.Env, Stderr: &lineLog{log: s.Logger(), name: p.name}})
	if err != nil {
		return nil, err
	}
	p.in = bufio.NewReaderSize(p.proc.Stdout, maxLine)
	stop := context.AfterFunc(ctx, func() { p.proc.Kill() })
	err = p.greet()
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		p.kill()
		return nil, err
	}
	return p, nil
}

func (p *program) greet() error {
	line, err := p.read()
	if err != nil {
		return err
	}
	if line != "VERSION 1" && line != "VERSION 2" {
		return p.nonsense(line)
	}
	if err := p.send("EXTENSIONS INFO GETGITREMOTENAME ASYNC"); err != nil {
		return err
	}
	if line, err = p.read(); err != nil {
		return err
	}
	words := strings.Fields(line)
	if line == "UNSUPPORTED-REQUEST" {
		return nil
	}
	if len(words) == 0 || words[0] != "EXTENSIONS" {
		return p.nonsense(line)
	}
	for _, w := range words[1:] {
		if w == "ASYNC" {
			p.async = newRouter(p)
		}
	}
	return nil
}

func (p *program) send(line string) error {
	p.write.Lock()
	defer p.write.Unlock()
	if strings.ContainsRune(line, '\n') {
		return fmt.Errorf("%s: a line break cannot be sent to it", p.name)
	}
	if _, err := io.WriteString(p.proc.Stdin, line+"\n"); err != nil {
		return p.died(err)
	}
	return nil
}

func (p *program) read() (string, error) {
	line, err := p.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", fmt.Errorf("%s: a line of its answer is longer than %d bytes", p.name, maxLine)
	}
	if err != nil {
		return "", p.died(err)
	}
	return strings.TrimSuffix(string(line), "\n"), nil
}

// died explains why there is no answer.
func (p *program) died(cause error) error {
	p.proc.Kill()
	err := p.proc.Wait()
	var exit *proc.ExitError
	if errors.As(err, &exit) && exit.Stderr != "" {
		return fmt.Errorf("%s ended unexpectedly: %s", p.name, exit.Stderr)
	}
	if errors.Is(cause, io.EOF) {
		return fmt.Errorf("%s ended unexpectedly", p.name)
	}
	return fmt.Errorf("%s ended unexpectedly: %w", p.name, cause)
}

// nonsense is an answer that the protocol does not have.
func (p *program) nonsense(line string) error {
	const most = 200
	if len(line) > most {
		line = line[:most] + "…"
	}
	return errs.WithHint(fmt.Errorf("%s answers nonsense: %q", p.name, line), "it does not speak git-annex's external special remote protocol")
}

// stop ends the process as the protocol has it, by closing its input.
func (p *program) stop() error { return p.proc.Close() }

func (p *program) kill() {
	p.proc.Kill()
	p.proc.Close()
}

// lineLog passes on what the program tells people.
type lineLog struct {
	log  *slog.Logger
	name string
}

func (l *lineLog) Write(b []byte) (int, error) {
	if text := strings.TrimSpace(string(b)); text != "" {
		l.log.Info(text, "program", l.name)
	}
	return len(b), nil
}
