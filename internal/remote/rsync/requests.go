package rsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// question is whether a key is there.
type question struct {
	key     annexkey.Key
	present bool
}

// arrival is content that is to come to a file.
type arrival struct {
	ctx context.Context // with what is known of its size
	key annexkey.Key
	dst string
}

// departure is content that is to be brought there.
type departure struct {
	key  annexkey.Key
	path string
}

// ask answers questions by one call.
func (r *Remote) ask(ctx context.Context, list []*question) error {
	dir, err := r.scratchFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var in strings.Builder
	for _, q := range list {
		in.WriteString(names(q.key))
	}
	var out bytes.Buffer
	_, err = r.run(ctx, in.String(), &out, "--from0", "--files-from=-", "--no-relative", "--dry-run", "--8-bit-output", "--out-format=%l %n", "--", r.url+"/", dir+"/")
	if err != nil {
		return err
	}
	sizes := map[string]string{}
	for line := range strings.SplitSeq(out.String(), "\n") {
		if size, name, ok := strings.Cut(line, " "); ok {
			sizes[filepath.Base(name)] = size
		}
	}
	for _, q := range list {
		size, ok := sizes[printed(q.key.File())]
		leftover := size == "0" && strings.HasPrefix(q.key.Backend, "GPGHMAC") // of a failed encryption
		q.present = ok && !leftover
	}
	return nil
}

// bring fetches files by one call. Which have come is seen from what is there.
func (r *Remote) bring(ctx context.Context, list []arrival) error {
	dir, err := r.scratchFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args := append([]string{"--from0", "--files-from=-", "--no-relative", "--no-perms", "--no-links"}, r.down...)
	var in strings.Builder
	most, bounded := int64(0), true
	for _, a := range list {
		in.WriteString(names(a.key))
		n, ok := remote.Bound(a.ctx, a.key)
		most, bounded = max(most, n), bounded && ok
	}
	if bounded {
		args = append(args, fmt.Sprintf("--max-size=%d", most))
	}
	if _, err := r.run(ctx, in.String(), nil, append(args, "--", r.url+"/", dir+"/")...); err != nil {
		return err
	}
	for i, a := range list {
		if a.ctx.Err() != nil {
			continue // nobody waits for it any more
		}
		again := slices.ContainsFunc(list[i+1:], func(o arrival) bool { return o.key == a.key })
		if err := hand(ctx, filepath.Join(dir, a.key.File()), a.dst, again); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// hand gives a file that has come to who waits for it; somebody else may wait
// for the same one.
func hand(ctx context.Context, from, to string, again bool) error {
	if !again {
		return os.Rename(from, to)
	}
	_, err := fsx.Copy(ctx, to, from, fsx.CopyOptions{KeepTime: true, Private: true})
	return err
}

// send stores files by one call: links to them lie in a folder that is brought
// there as what they lead to.
func (r *Remote) send(ctx context.Context, list []departure) error {
	dir, err := r.scratchFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, d := range list {
		object := filepath.Join(dir, filepath.FromSlash(d.key.ObjectPathLower()))
		if err := os.MkdirAll(filepath.Dir(object), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(d.path, object); err != nil && !errors.Is(err, os.ErrExist) {
			return err // the same content twice is one
		}
	}
	args := append([]string{"--recursive", "--copy-links"}, r.up...)
	missing, err := r.run(ctx, "", nil, append(args, "--", dir+"/", r.url+"/")...)
	if err == nil && missing {
		err = errors.New("rsync stored nothing: a file vanished")
	}
	return err
}
