package git

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// reader is one long-lived `git cat-file --batch`.
type reader struct {
	mu    sync.Mutex
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

// Object returns the type and content of an object named by any revision
// expression without newline; typ is "" where there is none. At most limit
// bytes are kept: a longer object has nil content (limit < 0: no limit).
func (r *Repo) Object(ctx context.Context, name string, limit int64) (typ string, content []byte, err error) {
	rd := &r.reader
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if rd.cmd == nil {
		if err := rd.start(r); err != nil {
			return "", nil, err
		}
	}
	typ, content, err = rd.ask(name, limit)
	if err != nil {
		rd.stop()
		return "", nil, fmt.Errorf("read object %s: %w", name, err)
	}
	return typ, content, ctx.Err()
}

// SmallBlob returns a blob's content, or nil if it is larger than limit bytes.
func (r *Repo) SmallBlob(ctx context.Context, id gitobj.OID, limit int64) ([]byte, error) {
	typ, content, err := r.Object(ctx, string(id), limit)
	if err == nil && typ != "blob" {
		err = fmt.Errorf("read object %s: no such blob", id)
	}
	return content, err
}

func (rd *reader) start(r *Repo) error {
	cmd := r.Command(context.Background(), "cat-file", "--batch")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start git cat-file: %w", err)
	}
	rd.cmd, rd.stdin, rd.out = cmd, stdin, bufio.NewReaderSize(stdout, 1<<16)
	return nil
}

func (rd *reader) ask(name string, limit int64) (string, []byte, error) {
	if strings.ContainsAny(name, "\n") {
		return "", nil, fmt.Errorf("newline in the name")
	}
	if _, err := io.WriteString(rd.stdin, name+"\n"); err != nil {
		return "", nil, err
	}
	head, err := rd.out.ReadString('\n')
	if err != nil {
		return "", nil, err
	}
	f := strings.Fields(head)
	if len(f) < 3 || strings.HasSuffix(head, " missing\n") || strings.HasSuffix(head, " ambiguous\n") {
		return "", nil, nil
	}
	size, err := strconv.ParseInt(f[len(f)-1], 10, 64)
	if err != nil {
		return "", nil, fmt.Errorf("unexpected answer %q", head)
	}
	var buf bytes.Buffer
	var dst io.Writer = &buf
	if limit >= 0 && size > limit {
		dst = io.Discard
	}
	if _, err := io.CopyN(dst, rd.out, size); err != nil {
		return "", nil, err
	}
	if _, err := rd.out.Discard(1); err != nil {
		return "", nil, err
	}
	if dst == io.Discard {
		return f[1], nil, nil
	}
	return f[1], append([]byte{}, buf.Bytes()...), nil
}

func (rd *reader) stop() {
	if rd.cmd == nil {
		return
	}
	rd.stdin.Close()
	rd.cmd.Process.Kill()
	rd.cmd.Wait()
	rd.cmd = nil
}

// Close ends the processes that were started on the way.
func (r *Repo) Close() {
	r.reader.mu.Lock()
	defer r.reader.mu.Unlock()
	r.reader.stop()
}
