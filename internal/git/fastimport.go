package git

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// Import is one `git fast-import` process that reads and writes objects. All
// new objects become durable when Close returns nil; no ref is moved: commits
// hang on a throw-away ref that is reset before the process ends.
// An Import is not safe for concurrent use.
type Import struct {
	repo   *Repo
	cmd    *exec.Cmd
	in     *bufio.Writer
	stdin  io.WriteCloser
	out    *bufio.Reader
	reply  *os.File
	stderr bytes.Buffer
	ref    string
	marks  map[gitobj.OID]int // commits of this session, which only marks can name
	mark   int                // of the begun commit
	used   bool
	err    error
}

// keepMemory has the GNU C library keep memory that a program gives back
// (mallopt(3)). fast-import asks for a quarter of a megabyte to compress each
// object, and otherwise gets it from the kernel, page by page, each time.
var keepMemory = []string{"MALLOC_TRIM_THRESHOLD_=67108864", "MALLOC_MMAP_THRESHOLD_=33554432", "MALLOC_TOP_PAD_=1048576"}

// StartImport starts the process. The caller must end it with Close or Abort.
func (r *Repo) StartImport(ctx context.Context) (*Import, error) {
	if err := r.clearKeepFiles(); err != nil {
		return nil, fmt.Errorf("start fast-import: %w", err)
	}
	var nonce [8]byte
	rand.Read(nonce[:])
	im := &Import{repo: r, ref: "refs/stemma/import-" + hex.EncodeToString(nonce[:]), marks: map[gitobj.OID]int{}}
	// A small pack is one file to make durable; unpacked by another process, each
	// object is one. See commit's maintenance for packs that pile up.
	im.cmd = r.Command(ctx, "-c", "core.fsync=all", "-c", "fastimport.unpackLimit=1", "fast-import", "--quiet", "--done", "--date-format=raw", "--cat-blob-fd=3")
	im.cmd.Env = append(im.cmd.Env[:len(im.cmd.Env):len(im.cmd.Env)], keepMemory...)
	im.cmd.Stderr = &im.stderr
	reply, replyW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start fast-import: %w", err)
	}
	defer replyW.Close()
	im.cmd.ExtraFiles = []*os.File{replyW}
	im.stdin, err = im.cmd.StdinPipe()
	if err == nil {
		err = im.cmd.Start()
	}
	if err != nil {
		reply.Close()
		return nil, fmt.Errorf("start fast-import: %w", err)
	}
	im.in, im.out, im.reply = bufio.NewWriterSize(im.stdin, 1<<16), bufio.NewReader(reply), reply
	return im, nil
}

func (im *Import) printf(format string, args ...any) {
	if im.err == nil {
		_, im.err = fmt.Fprintf(im.in, format, args...)
	}
}

func (im *Import) data(b []byte) {
	im.printf("data %d\n", len(b))
	if im.err == nil {
		_, im.err = im.in.Write(b)
	}
	im.printf("\n")
}

// line flushes what was asked and reads one line of the answer.
func (im *Import) line() (string, error) {
	if im.err == nil {
		im.err = im.in.Flush()
	}
	if im.err != nil {
		return "", im.fail(im.err)
	}
	s, err := im.out.ReadString('\n')
	if err != nil {
		return "", im.fail(err)
	}
	return strings.TrimSuffix(s, "\n"), nil
}

// fail ends the process and prefers its own words over the broken pipe's.
func (im *Import) fail(err error) error {
	im.Abort()
	if im.err == nil || !errors.As(im.err, new(*CommandError)) {
		im.err = fmt.Errorf("git fast-import: %w", err)
		if msg := firstFatal(im.stderr.String()); msg != "" {
			im.err = im.told(&CommandError{Args: []string{"fast-import"}, Exit: 128, Stderr: msg})
		}
	}
	return im.err
}

// told says which repository an error is about: git's own words ("unable to
// create temporary file") do not.
func (im *Import) told(err error) error {
	return fmt.Errorf("write objects of %s: %w", im.repo.CommonDir, err)
}

func firstFatal(stderr string) string {
	for _, l := range strings.Split(stderr, "\n") {
		if strings.HasPrefix(l, "fatal:") || strings.HasPrefix(l, "error:") {
			return l
		}
	}
	return ""
}

// TreeEntry is what a path of a tree leads to.
type TreeEntry struct {
	Mode gitobj.Mode
	OID  gitobj.OID
}

// AskEntry sends the question what path is in the tree of commit; as many
// answers must be read with Entry, in the same order. An empty path is the
// root tree.
func (im *Import) AskEntry(commit gitobj.OID, path string) {
	if path == "" {
		im.printf("ls %s \"\"\n", im.name(commit))
		return
	}
	im.printf("ls %s %s\n", im.name(commit), quotePath(path))
}

// Entry reads the next answer to AskEntry; ok is false for a missing path.
func (im *Import) Entry() (e TreeEntry, ok bool, err error) {
	l, err := im.line()
	if err != nil || strings.HasPrefix(l, "missing ") {
		return e, false, err
	}
	meta, _, _ := strings.Cut(l, "\t")
	f := strings.Fields(meta)
	if len(f) != 3 {
		return e, false, im.fail(fmt.Errorf("unexpected answer %q", l))
	}
	if e.Mode, err = gitobj.ParseMode(f[0]); err == nil {
		e.OID, err = gitobj.ParseOID(f[2])
	}
	return e, err == nil, err
}

// Blob returns the content of a blob.
func (im *Import) Blob(id gitobj.OID) ([]byte, error) {
	im.AskBlob(id)
	return im.Answer(id)
}

// AskBlob sends the question for a blob; as many answers must be read with
// Answer, in the same order.
func (im *Import) AskBlob(id gitobj.OID) { im.printf("cat-blob %s\n", id) }

// Answer reads the next answer to AskBlob.
func (im *Import) Answer(id gitobj.OID) ([]byte, error) {
	l, err := im.line()
	if err != nil {
		return nil, err
	}
	f := strings.Fields(l)
	if len(f) != 3 || f[1] != "blob" {
		return nil, im.fail(fmt.Errorf("object %s: %s", id, l))
	}
	n, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil || n < 0 {
		return nil, im.fail(fmt.Errorf("object %s: unexpected answer %q", id, l))
	}
	buf := make([]byte, n+1)
	if _, err := io.ReadFull(im.out, buf); err != nil {
		return nil, im.fail(err)
	}
	return buf[:n], nil
}

// WriteBlob stores data as a blob. It starts no object if git has it already.
func (im *Import) WriteBlob(data []byte) (gitobj.OID, error) {
	im.printf("blob\n")
	im.data(data)
	return im.repo.Format.HashObject("blob", data), im.err
}

// WriteBlobFrom stores exactly size bytes of src as a blob. A source that is
// shorter breaks the import.
func (im *Import) WriteBlobFrom(src io.Reader, size int64) (gitobj.OID, error) {
	h := im.repo.Format.New()
	fmt.Fprintf(h, "blob %d\x00", size)
	im.printf("blob\ndata %d\n", size)
	if im.err != nil {
		return "", im.err
	}
	if _, err := io.CopyN(im.in, io.TeeReader(src, h), size); err != nil {
		return "", im.fail(fmt.Errorf("write blob: %w", err))
	}
	im.printf("\n")
	return gitobj.FromBytes(h.Sum(nil)), im.err
}

// Close makes everything durable and ends the process.
func (im *Import) Close() error {
	if im.used {
		im.resetRef()
	}
	im.printf("done\n")
	if im.err == nil {
		im.err = im.in.Flush()
	}
	im.stdin.Close()
	io.Copy(io.Discard, im.out)
	im.reply.Close()
	if err := im.cmd.Wait(); err != nil {
		return im.told(commandError(err, []string{"fast-import"}, firstFatal(im.stderr.String())))
	}
	return im.err
}

// Abort ends the process; nothing it wrote is kept. It may be called after
// Close or twice.
func (im *Import) Abort() {
	im.stdin.Close()
	if im.cmd.ProcessState == nil {
		im.cmd.Process.Kill()
		im.cmd.Wait()
	}
	im.reply.Close()
}

// quotePath writes a path in fast-import's C style where needed.
func quotePath(p string) string {
	if p != "" && p[0] != '"' && !strings.ContainsAny(p, "\n\r\\ \t") {
		return p
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\n':
			b.WriteString(`\n`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
