package git

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/proc"
)

// TreeDifference is one path that differs between two trees. A side without
// the path has the zero entry.
type TreeDifference struct {
	Path     string
	Old, New TreeEntry
}

// TreeStream lists the differences of two trees, sorted bytewise by path, while
// git finds them: memory does not depend on their number. It is not safe for
// concurrent use.
type TreeStream struct {
	p    *proc.Process
	out  *bufio.Reader
	next TreeDifference
	have bool
	done bool
}

// StreamDiff starts comparing two commits or trees. The caller must Close.
func (r *Repo) StreamDiff(ctx context.Context, old, new gitobj.OID) (*TreeStream, error) {
	p, err := proc.Start(ctx, proc.Cmd{Name: "git", Dir: r.WorkTree, Env: r.env,
		Args: []string{"diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--no-commit-id", string(old), string(new), "--"}})
	if err != nil {
		return nil, err
	}
	return &TreeStream{p: p, out: bufio.NewReaderSize(p.Stdout, 1<<16)}, nil
}

// Peek returns the next difference without taking it; ok is false at the end.
func (d *TreeStream) Peek() (c TreeDifference, ok bool, err error) {
	if d.have || d.done {
		return d.next, d.have, nil
	}
	meta, err := d.out.ReadString(0)
	if err == io.EOF && meta == "" {
		d.done = true
		return c, false, d.p.Wait()
	}
	if err != nil {
		return c, false, fmt.Errorf("compare trees: %w", err)
	}
	path, err := d.out.ReadString(0)
	if err != nil {
		return c, false, fmt.Errorf("compare trees: %w", err)
	}
	d.next.Path = strings.TrimSuffix(path, "\x00")
	f := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(meta, ":"), "\x00"))
	if len(f) != 5 {
		return c, false, fmt.Errorf("compare trees: unexpected answer %q", meta)
	}
	if d.next.Old, err = rawEntry(f[0], f[2]); err != nil {
		return c, false, err
	}
	if d.next.New, err = rawEntry(f[1], f[3]); err != nil {
		return c, false, err
	}
	d.have = true
	return d.next, true, nil
}

func rawEntry(mode, id string) (e TreeEntry, err error) {
	if strings.Trim(mode, "0") == "" {
		return e, nil
	}
	if e.Mode, err = gitobj.TreeMode(mode); err == nil {
		e.OID, err = gitobj.ParseOID(id)
	}
	return e, err
}

// Skip takes the difference that Peek returned.
func (d *TreeStream) Skip() { d.have = false }

// Close ends the comparison.
func (d *TreeStream) Close() error {
	if !d.done {
		d.p.Kill()
	}
	return d.p.Close()
}
