package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
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

// CopyBlob writes a blob to w and returns its size in bytes. It never holds
// more than a piece of it in memory.
func (r *Repo) CopyBlob(ctx context.Context, w io.Writer, id gitobj.OID) (size int64, err error) {
	rd := &r.reader
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if rd.cmd == nil {
		if err := rd.start(r); err != nil {
			return 0, err
		}
	}
	typ, size, err := rd.head(string(id))
	if err == nil && typ == "" {
		return 0, fmt.Errorf("read object %s: no such blob", id)
	}
	if err == nil {
		if typ != "blob" {
			w, err = io.Discard, fmt.Errorf("it is a %s", typ)
		}
		_, cerr := io.CopyN(w, rd.out, size)
		if _, derr := rd.out.Discard(1); cerr != nil || derr != nil {
			rd.stop() // what is left of the object is in the way
			cerr = errors.Join(cerr, derr)
		}
		err = errors.Join(err, cerr)
	} else {
		rd.stop()
	}
	if err != nil {
		return 0, fmt.Errorf("read object %s: %w", id, err)
	}
	return size, ctx.Err()
}

// SmallBlob returns a blob's content, or nil if it is larger than limit bytes.
// It starts no process where it can read the blob itself.
func (r *Repo) SmallBlob(ctx context.Context, id gitobj.OID, limit int64) ([]byte, error) {
	typ, content, err := r.single.read(r, id)
	switch {
	case err != nil:
		typ, content, err = r.Object(ctx, string(id), limit)
	case int64(len(content)) > limit && limit >= 0:
		content = nil
	case content == nil:
		content = []byte{}
	}
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

// head asks for an object, whose content and a newline follow then; typ is ""
// where there is none.
func (rd *reader) head(name string) (typ string, size int64, err error) {
	if strings.ContainsAny(name, "\n") {
		return "", 0, fmt.Errorf("newline in the name")
	}
	if _, err := io.WriteString(rd.stdin, name+"\n"); err != nil {
		return "", 0, err
	}
	head, err := rd.out.ReadString('\n')
	if err != nil {
		return "", 0, err
	}
	f := strings.Fields(head)
	if len(f) < 3 || strings.HasSuffix(head, " missing\n") || strings.HasSuffix(head, " ambiguous\n") {
		return "", 0, nil
	}
	if size, err = strconv.ParseInt(f[len(f)-1], 10, 64); err != nil {
		return "", 0, fmt.Errorf("unexpected answer %q", head)
	}
	return f[1], size, nil
}

func (rd *reader) ask(name string, limit int64) (string, []byte, error) {
	typ, size, err := rd.head(name)
	if err != nil || typ == "" {
		return "", nil, err
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
		return typ, nil, nil
	}
	return typ, append([]byte{}, buf.Bytes()...), nil
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

// Close ends the use of pack files and the processes that were started on the way.
func (r *Repo) Close() {
	r.packs.close()
	r.reader.mu.Lock()
	defer r.reader.mu.Unlock()
	r.reader.stop()
}
