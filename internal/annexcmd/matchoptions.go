package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/matchexpr"
)

// optionTerms are those that a command line may have, but no expression of
// preferred content: those of git-annex-matching-options alone.
func (s *Session) optionTerms(ctx context.Context) matchexpr.Define {
	v := view{uuid: s.D.Annex.UUID}
	rest := s.terms(ctx, v)
	return func(name, value string) (matchexpr.Term, error) {
		switch name {
		case "includesamecontent", "excludesamecontent":
			return s.sameContentTerm(ctx, value, name == "includesamecontent")
		case "want-get", "want-drop":
			return s.wantTerm(ctx, "here", name == "want-get")
		case "want-get-by", "want-drop-by":
			return s.wantTerm(ctx, value, name == "want-get-by")
		case "accessedwithin":
			return s.accessedTerm(value)
		case "in":
			if name, date, ok := strings.Cut(value, "@"); ok {
				return s.inAtTerm(ctx, name, date)
			}
		}
		return rest(name, value)
	}
}

// sameContentTerm asks for other files with the same content whose names, as
// seen from the user's folder, match the glob. A key by itself never matches.
func (s *Session) sameContentTerm(ctx context.Context, glob string, include bool) (matchexpr.Term, error) {
	matches, err := matchexpr.Glob(glob)
	if err != nil {
		return nil, err
	}
	var chosen map[annexkey.Key][]string // the files that match
	return keyTerm(func(f File) (bool, error) {
		if f.Rel == "" {
			return false, nil
		}
		if chosen == nil {
			found := map[annexkey.Key][]string{}
			err := s.Files(ctx, []string{s.D.Path()}, func(o File) error {
				if matches(o.Show) {
					found[o.Key] = append(found[o.Key], o.Rel)
				}
				return nil
			})
			if err != nil {
				return false, err
			}
			chosen = found
		}
		for _, rel := range chosen[f.Key] {
			if rel != f.Rel {
				return include, nil
			}
		}
		return !include, nil
	}), nil
}

// wantTerm asks what a repository's preferred content says of a file: shall it
// get it, or may it drop it?
func (s *Session) wantTerm(ctx context.Context, name string, get bool) (matchexpr.Term, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	uuid, err := r.Resolve(name)
	if err != nil {
		return nil, err
	}
	return keyTerm(func(f File) (bool, error) {
		wants, configured, err := s.wants(ctx, f, view{uuid: uuid, without: !get}, false)
		return (configured && wants) == get, err
	}), nil
}

// accessedTerm asks whether content that is here was read in the last seconds.
func (s *Session) accessedTerm(value string) (matchexpr.Term, error) {
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("bad number of seconds %q", value)
	}
	now := s.D.Now()
	return keyTerm(func(f File) (bool, error) {
		object, ok := s.D.Annex.Locate(f.Key)
		if !ok {
			return false, nil
		}
		var st unix.Stat_t
		if unix.Stat(object, &st) != nil {
			return false, nil
		}
		return now.Sub(time.Unix(st.Atim.Unix())) <= time.Duration(seconds)*time.Second, nil
	}), nil
}

// inAtTerm asks where content was at a date, by the reflog of the git-annex
// branch here.
func (s *Session) inAtTerm(ctx context.Context, name, date string) (matchexpr.Term, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	uuid, err := r.Resolve(name)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(date, "{") || !strings.HasSuffix(date, "}") || strings.ContainsAny(date, "\x00\n") {
		return nil, errors.New("expected REPOSITORY@{date}")
	}
	var tip gitobj.OID // "" where the reflog has nothing
	out, err := s.D.Repo.Output(ctx, "rev-parse", "-q", "--verify", "--end-of-options", annex.BranchRef+"@"+date)
	if err == nil {
		tip, err = gitobj.ParseOID(strings.TrimRight(string(out), "\n"))
	} else if git.ExitCode(err) > 0 {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return keyTerm(func(f File) (bool, error) {
		if tip == "" {
			return false, nil
		}
		data, _, err := s.D.Repo.BlobAt(ctx, tip, annexlog.LocationPath(f.Key))
		line, ok := annexlog.ParsePresence(data).Get(uuid)
		return ok && line.Status == annexlog.StatusPresent, err
	}), nil
}
