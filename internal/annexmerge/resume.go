package annexmerge

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// note is where it is written down that the work tree is on its way to a merge:
// the commit it comes from, and the merge.
func note(d *dataset.Dataset) string { return filepath.Join(d.Repo.GitDir, "stemma-merge") }

// noted runs what brings the work tree to a merge. The note of it stays if it,
// or this process, fails.
func noted(d *dataset.Dataset, from, to gitobj.OID, move func() error) error {
	if err := os.WriteFile(note(d), []byte(string(from)+" "+string(to)+"\n"), 0o666); err != nil {
		return err
	}
	if err := move(); err != nil {
		return err
	}
	return os.Remove(note(d))
}

// Resume makes up for a process that was killed while git was bringing the work
// tree to a resolved merge: what git had finished is taken for done, and else
// the files of before come back, so that nobody commits that they are gone. What
// differs from both versions is somebody's, and stays.
func Resume(ctx context.Context, d *dataset.Dataset) error {
	text, err := os.ReadFile(note(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	from, to, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	made, err := gitobj.ParseOID(to)
	if err == nil && head.OID != "" && from == string(head.OID) && d.Repo.Has(ctx, made) {
		if err := goBack(ctx, d, head.OID, made); err != nil {
			return err
		}
	}
	return os.Remove(note(d))
}

func goBack(ctx context.Context, d *dataset.Dataset, from, made gitobj.OID) error {
	if done, err := staged(ctx, d, made); err != nil || done {
		if err == nil { // only the branch has not moved
			_, err = d.Repo.Output(ctx, "update-ref", "-m", "merge: resolved", "HEAD", string(made), string(from))
		}
		return err
	}
	out, err := d.Repo.Output(ctx, "diff-tree", "-r", "-z", "--no-renames", "--no-abbrev", string(from), string(made))
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
		_, err := os.Lstat(d.Repo.Path(name))
		switch {
		case meta[4] != "A" && errors.Is(err, fs.ErrNotExist):
			missing.WriteString(name + "\x00")
		case meta[4] == "A" && err == nil:
			mode, err := gitobj.ParseMode(meta[1])
			if err != nil {
				return err
			}
			if err := removeSame(ctx, d, name, mode, gitobj.OID(meta[3])); err != nil {
				return err
			}
		}
	}
	if missing.Len() == 0 {
		return nil
	}
	_, err = d.Repo.OutputWith(ctx, []byte(missing.String()), "checkout-index", "-q", "-z", "--stdin")
	return err
}

// staged reports whether the index is that of a commit.
func staged(ctx context.Context, d *dataset.Dataset, id gitobj.OID) (bool, error) {
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

// removeSame removes a new file if it is as git has written it: one without its
// content yet, too.
func removeSame(ctx context.Context, d *dataset.Dataset, name string, mode gitobj.Mode, id gitobj.OID) error {
	path := d.Repo.Path(name)
	fi, err := os.Lstat(path)
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
			return removeSameContent(d, path, k)
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
func removeSameContent(d *dataset.Dataset, path string, k annexkey.Key) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	same := string(text) == string(pointer.Format(k)) || len(text) == 0
	if object, here := d.Annex.Locate(k); here && !same {
		content, err := os.ReadFile(object)
		if err != nil {
			return err
		}
		same = bytes.Equal(text, content)
	}
	if !same {
		return nil
	}
	return os.Remove(path)
}
