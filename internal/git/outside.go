package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// Outside is a place to merge in that is not the work tree: a HEAD and an index
// of its own, and an empty folder. No hook and no filter runs there.
type Outside struct {
	repo *Repo
	dir  string
}

const (
	outsidePrefix = "merge-"
	// outsideLife is how old such a place may be before it is held to be a killed
	// process's.
	outsideLife = 24 * time.Hour
)

// NewOutside makes such a place at a commit, in a folder of the caller's that is
// on the repository's own file system. The caller removes it.
func (r *Repo) NewOutside(ctx context.Context, parent string, at gitobj.OID) (*Outside, error) {
	if err := r.MakeShared(parent); err != nil {
		return nil, err
	}
	removeOld(parent)
	dir, err := os.MkdirTemp(parent, outsidePrefix)
	if err != nil {
		return nil, err
	}
	o := &Outside{repo: r, dir: dir}
	err = errors.Join(os.Mkdir(o.gitDir(), 0o777), os.Mkdir(o.folder(), 0o777))
	if err == nil {
		err = os.WriteFile(filepath.Join(o.gitDir(), "HEAD"), []byte(string(at)+"\n"), 0o666)
	}
	if err == nil { // as in a linked work tree: of the variable alone, git makes less
		err = os.WriteFile(filepath.Join(o.gitDir(), "commondir"), []byte(r.CommonDir+"\n"), 0o666)
	}
	if err == nil {
		_, err = o.Output(ctx, "read-tree", string(at))
	}
	if err != nil {
		o.Remove()
		return nil, fmt.Errorf("make a place to merge in: %w", err)
	}
	return o, nil
}

// removeOld takes away what killed processes have left.
func removeOld(parent string) {
	old, _ := filepath.Glob(filepath.Join(escapeGlob(parent), outsidePrefix+"*"))
	for _, dir := range old {
		if fi, err := os.Lstat(dir); err == nil && fi.IsDir() && time.Since(fi.ModTime()) > outsideLife {
			os.RemoveAll(dir)
		}
	}
}

func (o *Outside) gitDir() string { return filepath.Join(o.dir, "git") }
func (o *Outside) folder() string { return filepath.Join(o.dir, "files") }

// Output runs git there and returns its standard output; where it fails, what
// it has printed is in the error.
func (o *Outside) Output(ctx context.Context, args ...string) ([]byte, error) {
	return o.OutputWith(ctx, nil, args...)
}

// OutputWith is Output with bytes for standard input.
func (o *Outside) OutputWith(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	cmd := o.repo.Command(ctx, append([]string{"-c", "core.hooksPath=" + os.DevNull,
		"-c", "filter.annex.process=", "-c", "filter.annex.clean=", "-c", "filter.annex.smudge="}, args...)...)
	cmd.Dir = o.folder()
	cmd.Env = append(append([]string{}, cmd.Env...), "GIT_DIR="+o.gitDir(), "GIT_WORK_TREE="+o.folder())
	cmd.Stdin = bytes.NewReader(stdin)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return []byte(stdout.String()), commandError(err, args, stdout.String()+stderr.String())
	}
	return []byte(stdout.String()), nil
}

// Head is the commit that is checked out there.
func (o *Outside) Head() (gitobj.OID, error) {
	text, err := os.ReadFile(filepath.Join(o.gitDir(), "HEAD"))
	if err != nil {
		return "", err
	}
	return gitobj.ParseOID(strings.TrimSpace(string(text)))
}

// Remove takes the place away.
func (o *Outside) Remove() { os.RemoveAll(o.dir) }

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
