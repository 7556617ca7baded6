package annexcmd

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// Fsck checks files and their content here: the link, the location log, size
// and hash, permissions, and the number of copies. Content that is damaged is
// set aside.
func (s *Session) Fsck(ctx context.Context, f File) error {
	r, err := s.Repositories(ctx)
	if err != nil {
		return err
	}
	o := f.Item("fsck").ok()
	if err := s.fsckLink(f, &o); err != nil {
		return err
	}
	if err := s.fsckLocation(ctx, f.Key, s.D.Annex.UUID, s.hasObject(f.Key), &o); err != nil {
		return err
	}
	if err := s.fsckContent(ctx, f, &o); err != nil {
		return err
	}
	if err := s.fsckCopies(ctx, r, f, &o); err != nil {
		return err
	}
	return s.Report(o)
}

// fsckLink corrects the target of a link.
func (s *Session) fsckLink(f File, o *Outcome) error {
	if f.Rel == "" || !s.isLocked(f) || fsx.Beneath(s.D.Path(), f.Rel) != nil {
		return nil
	}
	path := s.D.Repo.Path(filepath.FromSlash(f.Rel))
	target, err := os.Readlink(path)
	if err != nil {
		return nil
	}
	right := pointer.LinkTarget(f.Key, f.Rel)
	if target == right {
		return nil
	}
	o.Notes = append(o.Notes, short("fixing link"))
	if err := s.D.PutLink(f.Rel, right); err != nil {
		return err
	}
	return s.stageFile(f.Rel, gitobj.ModeSymlink, []byte(right))
}

// hasObject reports whether there is an object, whatever is in it.
func (s *Session) hasObject(k annexkey.Key) bool {
	_, fi := s.D.Annex.Object(k)
	return fi != nil
}

// fsckContent verifies what is here. An unlocked file that is its object
// (annex.thin) may have been changed, and is as it should be then.
func (s *Session) fsckContent(ctx context.Context, f File, o *Outcome) error {
	object, fi := s.D.Annex.Object(f.Key)
	if fi == nil || s.isChangedFile(object, fi, f.Key) {
		return nil
	}
	if f.Key.Size >= 0 && f.Key.Size != fi.Size() {
		return s.setAside(ctx, f, object, badSize(fi.Size(), f.Key.Size), o)
	}
	if err := s.D.Annex.Protect(object); err != nil {
		o.Errors = append(o.Errors, err.Error())
	}
	if _, can := f.Key.Hasher(); !can || s.Fast {
		return nil
	}
	o.Notes = append(o.Notes, short("checksum..."))
	same, err := s.D.SameContent(ctx, object, f.Key)
	if err != nil {
		return err
	}
	if !same {
		return s.setAside(ctx, f, object, "Bad file content", o)
	}
	return nil
}

// badSize says how far the size is from the one that the key stands for.
func badSize(have, want int64) string {
	if have > want {
		return fmt.Sprintf("Bad file size (%s larger)", dataset.HumanSize(have-want))
	}
	return fmt.Sprintf("Bad file size (%s smaller)", dataset.HumanSize(want-have))
}

// isChangedFile reports whether the object is a file of the work tree that was
// written to.
func (s *Session) isChangedFile(object string, fi fs.FileInfo, k annexkey.Key) bool {
	return !annex.SingleLink(fi) && fi.Mode().Perm()&0o222 != 0 && !s.D.Annex.Guard().Intact(object, fi, k)
}

// setAside moves damaged content out of the annex.
func (s *Session) setAside(ctx context.Context, f File, object, why string, o *Outcome) error {
	bad := s.D.Annex.Dir("bad", f.Key.File())
	if err := s.D.Annex.Expel(f.Key, object, bad); err != nil {
		return err
	}
	rel, err := filepath.Rel(s.D.Env.Cwd, bad)
	if err != nil {
		rel = bad
	}
	o.Failed = true
	o.Errors = append(o.Errors, fmt.Sprintf("  %s: %s; moved to %s", name(f), why, rel))
	return s.SetLocation(ctx, f.Key, s.D.Annex.UUID, annexlog.StatusAbsent)
}

func name(f File) string {
	if f.Show == "" {
		return f.Key.String()
	}
	return f.Show
}

// fsckLocation corrects the location log.
func (s *Session) fsckLocation(ctx context.Context, k annexkey.Key, uuid string, present bool, o *Outcome) error {
	data, err := s.Log(ctx, annexlog.LocationPath(k))
	if err != nil {
		return err
	}
	line, known := annexlog.ParsePresence(data).Get(uuid)
	says := known && line.Status == annexlog.StatusPresent
	if says == present {
		return nil
	}
	o.Notes = append(o.Notes, short("fixing location log"))
	status := annexlog.StatusPresent
	if !present {
		status = annexlog.StatusAbsent
		o.Errors = append(o.Errors, fmt.Sprintf("  ** Based on the location log, %s\n  ** was expected to be present, but its content is missing.", nameOf(o.Item)))
		o.Failed = true
	}
	return s.SetLocation(ctx, k, uuid, status)
}

func nameOf(i Item) string {
	if i.NoFile {
		return i.Key.String()
	}
	return i.File
}

// fsckCopies counts the copies that the logs know of.
func (s *Session) fsckCopies(ctx context.Context, r *Repositories, f File, o *Outcome) error {
	data, err := s.Log(ctx, annexlog.LocationPath(f.Key))
	if err != nil {
		return err
	}
	var good, untrusted, dead []string
	for _, u := range annexlog.ParsePresence(data).Present() {
		switch r.Trust(u) {
		case annexlog.Dead:
			dead = append(dead, u)
		case annexlog.Untrusted:
			untrusted = append(untrusted, u)
		default:
			good = append(good, u)
		}
	}
	num, _, err := s.Copies(ctx, f, true)
	if err != nil || len(good) >= num {
		return err
	}
	if lost, err := s.IsDead(ctx, f.Key); err != nil {
		return err
	} else if lost {
		o.Notes = append(o.Notes, long("This key is dead, skipping."))
		return nil
	}
	show := nameOf(o.Item)
	o.Failed = true
	*o = o.With("untrusted", r.objects(untrusted)).With("dead", r.objects(dead))
	switch {
	case len(good) > 0:
		o.Errors = append(o.Errors, fmt.Sprintf("  Only %d of %d trustworthy copies exist of %s\n  Back it up with git-annex copy.", len(good), num, show))
	case len(untrusted) > 0:
		o.Errors = append(o.Errors, "  Only these untrusted locations may have copies of "+show+"\n"+indentLines(listing(r, untrusted))+"  Back it up to trusted locations with git-annex copy.")
	default:
		o.Errors = append(o.Errors, "  ** No known copies exist of "+show)
	}
	return nil
}

func indentLines(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// NoteFsck records that a check has taken place.
func (s *Session) NoteFsck(ctx context.Context, uuid string) error {
	return s.setValue(ctx, annexlog.ActivityFile, uuid, "Fsck")
}
