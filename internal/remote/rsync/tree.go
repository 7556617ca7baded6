package rsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// Tree is a folder on another host that holds exported trees. Whatever the
// number of files, one rsync does what is to be done.
type Tree struct{ *Remote }

// listed puts paths of the tree together for --files-from with --from0.
func listed(files []remote.TreeFile) (string, error) {
	var b strings.Builder
	for _, f := range files {
		if err := remote.CheckTreePath(f.Path); err != nil {
			return "", err
		}
		b.WriteString(f.Path + "\x00")
	}
	return b.String(), nil
}

// HasFiles implements remote.Exporter.
func (t *Tree) HasFiles(ctx context.Context, files []remote.TreeFile) ([]bool, error) {
	names, err := listed(files)
	if err != nil {
		return nil, err
	}
	dir, err := t.scratchFolder()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var out bytes.Buffer
	// --8-bit-output: names that are no text of our locale come as they are.
	_, err = t.run(ctx, names, &out, "--from0", "--files-from=-", "--dry-run", "--8-bit-output", "--out-format=%l %n", "--", t.url+"/", dir+"/")
	if err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	for line := range strings.Lines(out.String()) {
		size, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if n, err := strconv.ParseInt(size, 10, 64); err == nil && !strings.HasSuffix(name, "/") {
			sizes[name] = n
		}
	}
	there := make([]bool, len(files))
	for i, f := range files {
		size, ok := sizes[printed(f.Path)]
		there[i] = ok && (f.Key.Size < 0 || f.Key.Size == size)
	}
	return there, nil
}

// printed is a name as rsync prints it: control characters, and a backslash that
// could be taken for the mark of one, as \#OCTAL.
func printed(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		marked := c == '\\' && i+4 < len(name) && name[i+1] == '#' && strings.Trim(name[i+2:i+5], "0123456789") == ""
		if c < ' ' && c != '\t' || c == 0x7f || marked {
			fmt.Fprintf(&b, "\\#%03o", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// PutFiles implements remote.Exporter: a folder of links to the contents is
// brought there; rsync writes each under a name of its own and renames.
func (t *Tree) PutFiles(ctx context.Context, files []remote.TreeContent, done func(i int, id string, err error)) error {
	dir, err := t.scratchFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	var sent []int
	for i, f := range files {
		if err := link(dir, f); err != nil {
			done(i, "", err)
			continue
		}
		sent = append(sent, i)
	}
	if len(sent) == 0 {
		return nil
	}
	args := append([]string{"--recursive", "--copy-links", "--checksum", "--fsync"}, t.up...)
	missing, err := t.run(ctx, "", nil, append(args, "--", dir+"/", t.url+"/")...)
	if err == nil && missing {
		err = errors.New("rsync stored nothing: a file vanished")
	}
	if err != nil {
		return err
	}
	for _, i := range sent {
		files[i].From.Report(files[i].From.Size)
		done(i, "", nil)
	}
	return nil
}

func link(dir string, f remote.TreeContent) error {
	if err := remote.CheckTreePath(f.File.Path); err != nil {
		return err
	}
	if fi, err := os.Stat(f.From.Path); err != nil || fi.Size() != f.From.Size {
		return errors.Join(err, fsx.ErrChanged)
	}
	name := filepath.Join(dir, filepath.FromSlash(f.File.Path))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.Symlink(f.From.Path, name)
}

// FetchFile implements remote.Exporter.
func (t *Tree) FetchFile(ctx context.Context, f remote.TreeFile, dst string, h hash.Hash) error {
	names, err := listed([]remote.TreeFile{f})
	if err != nil {
		return err
	}
	dir, err := t.scratchFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args := append([]string{"--from0", "--files-from=-", "--no-relative", "--no-perms", "--no-links"}, t.down...)
	most, bounded := remote.Bound(ctx, f.Key)
	if bounded {
		args = append(args, fmt.Sprintf("--max-size=%d", most))
	}
	if _, err := t.run(ctx, names, nil, append(args, "--", t.url+"/", dir+"/")...); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, path.Base(f.Path)), dst); errors.Is(err, os.ErrNotExist) {
		return remote.ErrAbsent
	} else if err != nil {
		return err
	}
	if err := t.check(ctx, f.Key, dst, true); err != nil {
		return err
	}
	return remote.HashFetched(ctx, dst, h)
}

// DeleteFiles implements remote.Exporter: an empty folder is brought there, with
// filters that let rsync see nothing but the files, and then folders that are
// empty.
func (t *Tree) DeleteFiles(ctx context.Context, files []remote.TreeFile, done func(i int, err error)) error {
	dir, err := t.scratchFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var filters strings.Builder
	seen := map[string]bool{}
	for i, f := range files {
		if err := remote.CheckTreePath(f.Path); err != nil {
			done(i, err)
			return err
		}
		for d := path.Dir(f.Path); d != "." && !seen[d]; d = path.Dir(d) {
			seen[d] = true
			filters.WriteString("/" + pattern(d) + "/\x00")
		}
		filters.WriteString("/" + pattern(f.Path) + "\x00")
	}
	_, err = t.run(ctx, filters.String(), nil, "--recursive", "--delete", "--from0", "--include-from=-", "--exclude=*", "--", dir+"/", t.url+"/")
	if err != nil {
		return err
	}
	for i := range files {
		done(i, nil)
	}
	return nil
}

// pattern matches just the name. Without a wildcard a backslash is one itself.
func pattern(name string) string {
	if !strings.ContainsAny(name, "*?[") {
		return name
	}
	return escape(name)
}
