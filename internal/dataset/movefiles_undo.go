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
	"github.com/stemma-data/stemma/internal/git"
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
	return d.bringBack(ctx, m)
}

// bringBack is the way back of files that git has written or removed; the index
// is as it was.
func (d *Dataset) bringBack(ctx context.Context, m move) error {
	changes, err := d.moved(ctx, m)
	if err != nil {
		return err
	}
	var missing strings.Builder
	for _, c := range changes {
		if c.To.OID != "" {
			if err := d.removeSame(ctx, c); err != nil {
				return err
			}
		}
		if _, err := os.Lstat(d.Repo.Path(c.Path)); c.From.OID != "" && errors.Is(err, fs.ErrNotExist) {
			missing.WriteString(c.Path + "\x00")
		}
	}
	if missing.Len() == 0 {
		return nil
	}
	_, err = d.Repo.OutputWith(ctx, []byte(missing.String()), "checkout-index", "-q", "-u", "-z", "--stdin") // -u: git status compares sizes
	return err
}

// moved lists the files that are changed by a move.
func (d *Dataset) moved(ctx context.Context, m move) (list []git.TreeDelta, err error) {
	out, err := d.Repo.Output(ctx, "diff-tree", "-r", "-z", "--no-renames", "--no-abbrev", string(m.From), string(m.To))
	if err != nil {
		return nil, err
	}
	fields := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		meta, c := strings.Fields(strings.TrimPrefix(fields[i], ":")), git.TreeDelta{Path: fields[i+1]}
		if len(meta) != 5 || fsx.Beneath(d.Path(), c.Path) != nil {
			continue
		}
		if meta[4] != "A" {
			if c.From, err = gitEntry(meta[0], meta[2]); err != nil {
				return nil, err
			}
		}
		if meta[4] != "D" {
			if c.To, err = gitEntry(meta[1], meta[3]); err != nil {
				return nil, err
			}
		}
		list = append(list, c)
	}
	return list, nil
}

func gitEntry(mode, id string) (e git.TreeEntry, err error) {
	e.OID = gitobj.OID(id)
	e.Mode, err = gitobj.ParseMode(mode)
	return e, err
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
func (d *Dataset) removeSame(ctx context.Context, c git.TreeDelta) error {
	same, err := d.isWritten(ctx, c.Path, c.To)
	if err != nil || !same {
		return err
	}
	return os.Remove(d.Repo.Path(c.Path))
}

// isWritten reports whether a file is as git writes it.
func (d *Dataset) isWritten(ctx context.Context, name string, e git.TreeEntry) (bool, error) {
	path := d.Repo.Path(name)
	fi, err := os.Lstat(path)
	if err != nil {
		return false, ignoreAbsent(err)
	}
	var text []byte
	switch {
	case e.Mode == gitobj.ModeSymlink && fi.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return false, err
		}
		text = []byte(target)
	case e.Mode != gitobj.ModeSymlink && fi.Mode().IsRegular():
		if k, annexed, err := d.BlobKey(ctx, e.Mode, e.OID); err != nil {
			return false, err
		} else if annexed {
			return d.isContent(path, fi, k)
		}
		if text, err = os.ReadFile(path); err != nil {
			return false, err
		}
	default:
		return false, nil
	}
	return d.Repo.Format.HashObject("blob", text) == e.OID, nil
}

// isContent is isWritten for an unlocked file.
func (d *Dataset) isContent(path string, fi fs.FileInfo, k annexkey.Key) (bool, error) {
	if fi.Size() == 0 {
		return true, nil
	}
	if fi.Size() <= pointer.MaxSize {
		text, err := os.ReadFile(path)
		if err != nil || string(text) == string(pointer.Format(k)) {
			return err == nil, err
		}
	}
	if d.Annex == nil {
		return false, nil
	}
	object, here := d.Annex.Locate(k)
	if !here {
		return false, nil
	}
	return equalFiles(path, object)
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
