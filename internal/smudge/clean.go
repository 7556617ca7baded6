package smudge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// Clean returns what git shall store for the content of a file at rel, a path
// from the top of the work tree: the content itself, or a pointer once the
// annex has it.
func (f *Filter) Clean(ctx context.Context, rel string, content io.Reader) (io.ReadCloser, error) {
	head := make([]byte, pointer.MaxSize+1)
	n, err := io.ReadFull(content, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	head = head[:n]
	if fsx.Beneath(f.d.Path(), rel) != nil {
		return newSpool(f.d.Annex.Dir(), head, content)
	}
	if k, ok := pointer.Parse(head); ok {
		if err := f.checkForeign(ctx, rel, k); err != nil {
			return nil, err
		}
		return newSpool(f.d.Annex.Dir(), head, content)
	}
	if pointer.Appended(head) {
		f.d.Env.Log.Warn(fmt.Sprintf("The file %q looks like git-annex pointer file that has had other content appended to it", rel))
	}
	full := f.d.Repo.Path(filepath.FromSlash(rel))
	fi, err := os.Lstat(full)
	if err != nil || !fi.Mode().IsRegular() {
		return newSpool(f.d.Annex.Dir(), head, content) // no file that could be kept
	}
	old, annexed, err := f.annexed(ctx, rel, full, fi)
	if err != nil {
		return nil, err
	}
	if !annexed {
		return newSpool(f.d.Annex.Dir(), head, content)
	}
	k, err := f.ingest(ctx, rel, full, fi, old, io.MultiReader(bytes.NewReader(head), content))
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(pointer.Format(k))), nil
}

// annexed decides by git-annex's rules whether the content belongs into the
// annex. old is the key that the index has for the path, if any.
func (f *Filter) annexed(ctx context.Context, rel, full string, fi fs.FileInfo) (old annexkey.Key, yes bool, err error) {
	var e gitindex.Entry
	tracked := false
	if f.index != nil {
		e, tracked = f.index.Lookup(rel)
	}
	if tracked {
		if old, yes, err = f.keyOf(ctx, e); err != nil {
			return old, false, err
		}
		if !yes {
			if same, err := f.unchanged(ctx, e, full, fi); err != nil || same {
				return old, false, err
			}
		}
	} else if e, ok := f.movedFrom(fi); ok {
		// The very file is annexed under another name, so it has been moved.
		if old, yes, err = f.keyOf(ctx, e); err != nil || yes {
			return old, yes, err
		}
	}
	if !f.d.Repo.Config.Bool("annex.gitaddtoannex", true) {
		return old, yes, nil
	}
	if isDotfile(rel) {
		if dot, err := f.annexDotfiles(ctx); err != nil || !dot {
			return old, yes, err
		}
	}
	large, configured, err := f.d.Large(ctx, rel, fi)
	if err != nil || !configured {
		return old, yes, err
	}
	return old, large, nil
}

// keyOf returns the key that an index entry stands for.
func (f *Filter) keyOf(ctx context.Context, e gitindex.Entry) (annexkey.Key, bool, error) {
	if e.Mode == gitobj.ModeFile || e.Mode == gitobj.ModeExec {
		return f.d.PointerKey(ctx, e.OID)
	}
	if e.Mode != gitobj.ModeSymlink {
		return annexkey.Key{}, false, nil
	}
	text, err := f.d.Repo.SmallBlob(ctx, e.OID, pointer.MaxSize)
	if err != nil {
		return annexkey.Key{}, false, err
	}
	k, ok := pointer.ParseLink(string(text))
	return k, ok, nil
}

// fileState identifies a file that only its name may have changed of.
type fileState struct {
	ino, size uint32
	mtime     gitindex.Time
}

// movedFrom finds an entry whose file was this very one.
func (f *Filter) movedFrom(fi fs.FileInfo) (gitindex.Entry, bool) {
	if f.index == nil {
		return gitindex.Entry{}, false
	}
	if f.moved == nil {
		f.moved = map[fileState]gitindex.Entry{}
		f.index.Walk(func(r *gitindex.Raw) bool {
			if m := r.Mode(); m == gitobj.ModeFile || m == gitobj.ModeExec {
				if st := r.Stat(); st.Size > 0 {
					f.moved[fileState{st.Ino, st.Size, st.MTime}] = r.Entry()
				}
			}
			return true
		})
	}
	st := gitindex.StatOf(fi)
	e, ok := f.moved[fileState{st.Ino, st.Size, st.MTime}]
	return e, ok
}

// isDotfile reports whether the file or a folder above it has a name that
// begins with a dot.
func isDotfile(rel string) bool {
	return strings.HasPrefix(rel, ".") || strings.Contains(rel, "/.")
}

func (f *Filter) annexDotfiles(ctx context.Context) (bool, error) {
	if f.dotfiles == nil {
		v, err := f.d.RepositoryBool(ctx, "annex.dotfiles", false)
		if err != nil {
			return false, err
		}
		f.dotfiles = &v
	}
	return *f.dotfiles, nil
}

// ingest hashes the content that git has read and keeps the file that holds
// it. The file stays in the work tree, unlocked.
func (f *Filter) ingest(ctx context.Context, rel, full string, fi fs.FileInfo, old annexkey.Key, content io.Reader) (annexkey.Key, error) {
	b, err := f.backend(rel, old)
	if err != nil {
		return annexkey.Key{}, err
	}
	h := b.New()
	n, err := io.Copy(h, content)
	if err != nil {
		return annexkey.Key{}, err
	}
	if n != fi.Size() {
		return annexkey.Key{}, &annex.ChangedError{Path: rel}
	}
	k := b.Key(path.Base(rel), n, h.Sum(nil), f.d.ExtRule())
	if k.Backend == old.Backend && k.Size == old.Size && old.Verify(h.Sum(nil)) {
		k = old // the name may have changed, the key does not
	}
	if !old.IsZero() && old != k {
		lost, err := f.d.Outgrow(ctx, rel, fi, old)
		if lost {
			f.lost = append(f.lost, old)
		}
		if err != nil {
			return k, err
		}
	}
	if _, object := f.d.Annex.Object(k); (object == nil || !os.SameFile(object, fi)) && !f.d.Annex.Has(k) {
		if err := f.d.Annex.KeepUnlocked(ctx, full, fi, k, f.thin); err != nil {
			return k, err
		}
	}
	if err := f.inherit(ctx, rel, fi, k); err != nil {
		return k, err
	}
	f.stored = append(f.stored, k)
	if len(f.stored) >= maxPending {
		return k, f.Flush(ctx)
	}
	return k, nil
}

// backend is that of the key the file has had, or else the one for the path.
func (f *Filter) backend(rel string, old annexkey.Key) (annexkey.Backend, error) {
	if b, err := annexkey.LookupBackend(old.Backend); err == nil && b.New() != nil {
		return b, nil
	}
	b, err := f.d.Backend(rel)
	if err != nil {
		return b, fmt.Errorf("key for %s: %w", rel, err)
	}
	return b, nil
}
