package handover

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/proc"
)

// batch is a command of git-annex that reads keys and answers each by a line. It
// is started when it is needed, and serves one after the other.
type batch struct {
	cmd proc.Cmd
	say func() // tells people, once, who does the work

	mu      sync.Mutex
	process *proc.Process
	cancel  context.CancelFunc
	out     *bufio.Reader
}

// maxLine bounds an answer, in bytes.
const maxLine = 1 << 20

// ask returns the answer for a key.
func (b *batch) ask(ctx context.Context, k annexkey.Key) (string, error) {
	text := k.String()
	if err := k.Safe(); err != nil {
		return "", err
	}
	if strings.ContainsAny(text, "\r\n\x00") {
		return "", fmt.Errorf("key %q cannot be named to git-annex", text)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := b.start(ctx); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, b.cancel)
	line, err := b.converse(text)
	if !stop() {
		b.end()
		return "", context.Cause(ctx)
	}
	return line, err
}

func (b *batch) start(ctx context.Context) error {
	if b.process != nil {
		return nil
	}
	b.say()
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p, err := proc.Start(life, b.cmd)
	if err != nil {
		cancel()
		return err
	}
	b.process, b.cancel, b.out = p, cancel, bufio.NewReaderSize(p.Stdout, maxLine)
	return nil
}

func (b *batch) converse(text string) (string, error) {
	_, err := io.WriteString(b.process.Stdin, text+"\n")
	var line []byte
	if err == nil {
		line, err = b.out.ReadSlice('\n')
	}
	if err == nil {
		return strings.TrimSuffix(string(line), "\n"), nil
	}
	if errors.Is(err, bufio.ErrBufferFull) {
		b.cancel()
	}
	why := b.process.Wait()
	b.end()
	var exit *proc.ExitError
	if errors.As(why, &exit) && exit.Stderr != "" {
		return "", errors.New(exit.Stderr)
	}
	return "", fmt.Errorf("git-annex gives no answer: %w", err)
}

// end forgets the process, which is over or is ended.
func (b *batch) end() {
	b.cancel()
	_ = b.process.Close()
	b.process = nil
}

// close lets the process end by itself.
func (b *batch) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process == nil {
		return nil
	}
	err := b.process.Wait()
	b.end()
	return err
}
