package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// FsckFrom checks a remote's copy: fetched and verified, or with --fast only
// asked for, and measured where that costs nothing.
func (s *Session) FsckFrom(ctx context.Context, p dataset.Peer, f File) error {
	item := f.Item("fsck")
	if p.Remote == nil {
		return s.Report(item.error(p.Err))
	}
	o := item.ok()
	present, err := p.Remote.Present(ctx, f.Key)
	if err != nil {
		return s.Report(item.error(err))
	}
	was := present
	if present {
		present, err = s.inspect(ctx, p.Remote, f, &o)
		if err != nil {
			return s.Report(item.error(err))
		}
	}
	if was && !present && o.Failed { // that it was damaged has been said
		err = s.SetLocation(ctx, f.Key, p.UUID(), annexlog.StatusAbsent)
	} else {
		err = s.fsckLocation(ctx, f.Key, p.UUID(), present, &o)
	}
	if err != nil {
		return err
	}
	r, err := s.Repositories(ctx)
	if err != nil {
		return err
	}
	if err := s.fsckCopies(ctx, r, f, &o); err != nil {
		return err
	}
	return s.Report(o)
}

// inspect reports whether the remote still has the content after it was looked
// at. Damaged content is removed there, as git-annex does.
func (s *Session) inspect(ctx context.Context, r remote.Remote, f File, o *Outcome) (bool, error) {
	if z, ok := remote.As[remote.Sizer](r); ok && f.Key.Size >= 0 {
		if have, known := z.Size(ctx, f.Key); known && have != f.Key.Size {
			return s.removeDamaged(ctx, r, f, badSize(have, f.Key.Size), o)
		}
	}
	if s.Fast {
		return true, nil
	}
	return s.verifyRemote(ctx, r, f, o)
}

// verifyRemote fetches the content and compares it with the key. A transfer that
// breaks off says nothing about the content.
func (s *Session) verifyRemote(ctx context.Context, r remote.Remote, f File, o *Outcome) (bool, error) {
	h, can := f.Key.Hasher()
	if !can {
		return true, nil
	}
	tmp := s.D.Annex.Dir("tmp", fsx.TempPrefix+"fsck-"+dataset.NewUUID())
	if err := os.MkdirAll(filepath.Dir(tmp), 0o777); err != nil {
		return false, err
	}
	defer os.Remove(tmp)
	err := r.Fetch(ctx, f.Key, tmp, h)
	if errors.Is(err, remote.ErrAbsent) || errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if size, ok := errors.AsType[*remote.SizeError](err); ok && f.Key.Size >= 0 && size.Wrong() {
		return s.removeDamaged(ctx, r, f, "Bad file size", o)
	}
	if err != nil {
		return false, err
	}
	o.Notes = append(o.Notes, short("checksum..."))
	if f.Key.Verify(h.Sum(nil)) {
		return true, nil
	}
	return s.removeDamaged(ctx, r, f, "Bad file content", o)
}

// removeDamaged removes content from a remote. Where that cannot be done, it
// counts as being there, as for everybody else.
func (s *Session) removeDamaged(ctx context.Context, r remote.Remote, f File, what string, o *Outcome) (present bool, err error) {
	o.Failed = true
	k, ok := r.(remote.Keeper)
	if !ok {
		err = errors.New("nothing can be removed there")
	} else {
		err = k.Remove(ctx, f.Key)
	}
	if err != nil {
		o.Errors = append(o.Errors, fmt.Sprintf("  %s: %s; failed to drop from %s: %v", name(f), what, r.Name(), err))
		if h := errs.Hint(err); h != "" {
			o.Errors = append(o.Errors, "hint: "+h)
		}
		return true, nil
	}
	o.Errors = append(o.Errors, fmt.Sprintf("  %s: %s; dropped from %s", name(f), what, r.Name()))
	return false, nil
}
