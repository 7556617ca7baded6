package git

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Repopulate completes what a killed process has begun with Populate: the index,
// and the files of HEAD that are missing. Of the files that are there only the
// one that was just being written is replaced; whatever else is in them stays.
func (r *Repo) Repopulate(ctx context.Context) error {
	if err := os.Remove(filepath.Join(r.GitDir, "index.lock")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := r.Output(ctx, "read-tree", "HEAD"); err != nil {
		return err
	}
	if _, err := r.Output(ctx, "update-index", "-q", "--refresh"); err != nil && ExitCode(err) != 1 {
		return err
	}
	out, err := r.Output(ctx, "diff-files", "--name-only", "-z")
	if err != nil {
		return err
	}
	var missing strings.Builder
	for path := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if path != "" && r.cutOff(ctx, path) {
			missing.WriteString(path + "\x00")
		}
	}
	cmd := r.Command(ctx, "checkout-index", "-u", "-z", "--stdin")
	cmd.Stdin = strings.NewReader(missing.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		return commandError(err, []string{"checkout-index"}, string(out))
	}
	return nil
}

// cutOff reports whether a file is missing, or ends too early; then it is
// removed.
func (r *Repo) cutOff(ctx context.Context, path string) bool {
	file := r.Path(filepath.FromSlash(path))
	fi, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > maxNativeObject {
		return false
	}
	_, whole, err := r.Object(ctx, ":"+path, -1)
	if err != nil {
		return false
	}
	have, err := os.ReadFile(file)
	return err == nil && len(have) < len(whole) && bytes.HasPrefix(whole, have) && os.Remove(file) == nil
}
