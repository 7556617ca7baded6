package staging

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/jobs/committed"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/stage"
)

// add takes in an entry of the commit, with all that is below it.
func (s *Staging) add(ctx context.Context, rel string, e git.TreeEntry) error {
	if s.seen[rel] {
		return nil
	}
	s.seen[rel] = true
	switch {
	case gitobj.HasDotGit(rel):
		return fmt.Errorf("%s: git's own folder cannot be an input", rel)
	case e.Mode == gitobj.ModeGitlink:
		e = s.Files.Lookup(rel)
		switch {
		case s.Files.Err != nil:
			return s.Files.Err
		case e.Mode == gitobj.ModeGitlink:
			return absentSub(rel)
		}
		fallthrough
	case e.Mode == gitobj.ModeTree:
		s.folders = append(s.folders, rel)
		for _, sub := range s.Files.Entries(rel, e.OID) {
			if err := s.add(ctx, path.Join(rel, sub.Name), sub.TreeEntry); err != nil {
				return err
			}
		}
		return s.Files.Err
	case e.Mode == gitobj.ModeSymlink:
		return s.addLink(ctx, rel, e)
	}
	return s.addFile(ctx, rel, e)
}

func absentSub(rel string) error {
	return errs.WithHint(fmt.Errorf("%s is a subdataset that is not here", rel), "obtain it first: `stemma get -n %s`", rel)
}

// addLink takes in annexed content, or a link and what it leads to.
func (s *Staging) addLink(ctx context.Context, rel string, e git.TreeEntry) error {
	target, annexed := s.Files.Target(rel, e.OID)
	if s.Files.Err != nil {
		return s.Files.Err
	}
	if annexed {
		key, _ := pointer.ParseLink(target)
		s.addKey(rel, e, key)
		return nil
	}
	to := s.placeLink(rel, e, target)
	s.passLinks(to)
	if !to.Exists() {
		return nil
	}
	return s.add(ctx, to.Rel, to.Entry)
}

// passLinks takes in the links on the way to a place, and of what they lead to
// nothing else.
func (s *Staging) passLinks(p committed.Place) {
	for _, link := range p.Links {
		if s.passed[link] || s.seen[link] {
			continue
		}
		s.passed[link] = true
		e := s.Files.Lookup(link)
		target, _ := s.Files.Target(link, e.OID)
		s.placeLink(link, e, target)
	}
}

// placeLink takes in a link, and returns where it leads.
func (s *Staging) placeLink(rel string, e git.TreeEntry, target string) committed.Place {
	to := s.Files.Find(absolute(path.Join(s.Files.Top, path.Dir(rel)), target), false)
	if s.entries[rel].OID != "" {
		return to
	}
	s.entries[rel] = e
	f := stage.File{Path: rel, Link: target}
	switch {
	case to.Outside != "" && !path.IsAbs(target):
		f.Link = path.Clean(to.Outside) // the folder is elsewhere
	case to.Outside == "" && path.IsAbs(target):
		back := strings.Repeat("../", strings.Count(rel, "/"))
		f.Link = back + to.Rel // not into the work tree
	}
	s.list = append(s.list, f)
	return to
}

// addFile takes in a file that git has, or whose content a pointer stands for.
func (s *Staging) addFile(ctx context.Context, rel string, e git.TreeEntry) error {
	l, _ := s.Files.Level(rel)
	repo := l.Dataset.Repo
	text, err := repo.SmallBlob(ctx, e.OID, pointer.MaxSize)
	if err != nil {
		return fmt.Errorf("%s: %w", rel, err)
	}
	if key, ok := pointer.Parse(text); ok {
		s.addKey(rel, e, key)
		return nil
	}
	f := stage.File{Path: rel, ID: "blob " + string(e.OID), Size: -1, Exec: e.Mode == gitobj.ModeExec, Own: s.own(rel)}
	f.Write = func(ctx context.Context, w io.Writer) error {
		_, err := repo.CopyBlob(ctx, w, e.OID)
		return err
	}
	if text != nil && s.held+len(text) <= maxHeld {
		s.held += len(text)
		f.Size, f.Write = int64(len(text)), func(_ context.Context, w io.Writer) error {
			_, err := w.Write(text)
			return err
		}
	}
	s.entries[rel] = e
	s.list = append(s.list, f)
	return nil
}

func (s *Staging) addKey(rel string, e git.TreeEntry, key annexkey.Key) {
	s.keys[rel], s.entries[rel] = key, e
	f := stage.File{Path: rel, ID: "key " + key.String(), Size: -1, Exec: e.Mode == gitobj.ModeExec, Own: s.own(rel)}
	if key.Size >= 0 {
		f.Size = key.Size
	}
	s.list = append(s.list, f)
}
