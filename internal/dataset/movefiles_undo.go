package dataset

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// goBack completes a move of the files if only HEAD is missing, and else brings
// back the files of before, in place of those that git had written already.
func (d *Dataset) goBack(ctx context.Context, m move) error {
	if done, err := d.isStaged(ctx, m.To); err != nil || done {
		if err == nil {
			err = d.arrive(ctx, m)
		}
		return err
	}
	out, err := d.Repo.Output(ctx, "diff-tree", "-r", "-z", "--no-renames", "--no-abbrev", string(m.From), string(m.To))
	if err != nil {
		return err
	}
	var missing strings.Builder
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		meta, name := strings.Fields(fields[i]), fields[i+1]
		if len(meta) != 5 || fsx.Beneath(d.Path(), name) != nil {
			continue
		}
		if meta[4] != "D" {
			mode, err := gitobj.ParseMode(meta[1])
			if err == nil {
				err = d.removeSame(ctx, name, mode, gitobj.OID(meta[3]))
			}
			if err != nil {
				return err
			}
		}
		if _, err := os.Lstat(d.Repo.Path(name)); meta[4] != "A" && errors.Is(err, fs.ErrNotExist) {
			missing.WriteString(name + "\x00")
		}
	}
	if missing.Len() == 0 {
		return nil
	}
	_, err = d.Repo.OutputWith(ctx, []byte(missing.String()), "checkout-index", "-q", "-u", "-z", "--stdin") // -u: git status compares sizes
	return err
}

// isStaged reports whether the index is that of a commit.
func (d *Dataset) isStaged(ctx context.Context, id gitobj.OID) (bool, error) {
	if names, err := d.Unmerged(ctx); err != nil || len(names) > 0 {
		return false, err
	}
	tree, err := d.Repo.Output(ctx, "write-tree")
	if err != nil {
		return false, err
	}
	want, err := d.Repo.Output(ctx, "rev-parse", string(id)+"^{tree}")
	return string(want) == string(tree), err
}

// removeSame removes a file if it is as git has written it: one without its
// content yet, too.
func (d *Dataset) removeSame(ctx context.Context, name string, mode gitobj.Mode, id gitobj.OID) error {
	path := d.Repo.Path(name)
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var text []byte
	switch {
	case mode == gitobj.ModeSymlink && fi.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		text = []byte(target)
	case mode != gitobj.ModeSymlink && fi.Mode().IsRegular():
		if k, annexed, err := d.BlobKey(ctx, mode, id); err != nil {
			return err
		} else if annexed {
			return d.removeSameContent(path, k)
		}
		if text, err = os.ReadFile(path); err != nil {
			return err
		}
	default:
		return nil
	}
	if d.Repo.Format.HashObject("blob", text) != id {
		return nil
	}
	return os.Remove(path)
}

// removeSameContent is removeSame for an unlocked file.
func (d *Dataset) removeSameContent(path string, k annexkey.Key) error {
	fi, err := os.Lstat(path)
	if err != nil {
		return err
	}
	same := fi.Size() == 0
	if !same && fi.Size() <= pointer.MaxSize {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		same = string(text) == string(pointer.Format(k))
	}
	if !same && d.Annex != nil {
		if object, here := d.Annex.Locate(k); here {
			if same, err = equalFiles(path, object); err != nil {
				return err
			}
		}
	}
	if !same {
		return nil
	}
	return os.Remove(path)
}

// equalFiles compares what is in two files.
func equalFiles(one, two string) (bool, error) {
	a, err := os.Open(one)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := os.Open(two)
	if err != nil {
		return false, err
	}
	defer b.Close()
	x, y := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, errA := io.ReadFull(a, x)
		m, errB := io.ReadFull(b, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if errA != nil || errB != nil {
			end := func(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
			if end(errA) && end(errB) {
				return true, nil
			}
			return false, errors.Join(errA, errB)
		}
	}
}
