package annexcmd

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/magic"
	"github.com/stemma-data/stemma/internal/matchexpr"
	"github.com/stemma-data/stemma/internal/pointer"
)

// Matcher decides which files a command is about. A nil Matcher takes all.
type Matcher struct {
	s    *Session
	expr matchexpr.Expr
}

// NewMatcher makes a Matcher of an expression in pieces: "(", ")", "not",
// "and", "or" and terms such as "in=here" or "copies=2".
func (s *Session) NewMatcher(ctx context.Context, tokens []string) (*Matcher, error) {
	if len(tokens) == 0 {
		return nil, nil
	}
	expr, err := matchexpr.ParseTokens(tokens, s.optionTerms(ctx))
	if err != nil {
		return nil, err
	}
	return &Matcher{s, expr}, nil
}

// Match reports whether the command is about the file.
func (m *Matcher) Match(f File) (bool, error) {
	if m == nil {
		return true, nil
	}
	return m.expr.Match(&subject{s: m.s, file: f, path: f.Show})
}

// subject is a file as an expression sees it.
type subject struct {
	s    *Session
	file File
	path string
}

func (m *subject) Path() string { return m.path }

// Size is the size in the key; of a key without one, that of the content.
func (m *subject) Size() (int64, error) {
	if m.file.Key.Size >= 0 {
		return m.file.Key.Size, nil
	}
	if p, ok := m.s.D.Annex.Locate(m.file.Key); ok {
		fi, err := os.Stat(p)
		if err != nil {
			return 0, err
		}
		return fi.Size(), nil
	}
	return 0, nil
}

// MIME looks into the content, if it is here.
func (m *subject) MIME() (typ, enc string, err error) {
	p, ok := m.s.D.Annex.Locate(m.file.Key)
	if !ok {
		return "", "", nil
	}
	f, err := os.Open(p)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	head := make([]byte, magic.HeadSize)
	n, _ := f.Read(head)
	return magic.Type(head[:n]), magic.Encoding(head[:n]), nil
}

// keyTerm makes a term of a question about a file.
func keyTerm(ask func(f File) (bool, error)) matchexpr.Term {
	return func(f matchexpr.File) (bool, error) { return ask(f.(*subject).file) }
}

// maxNesting bounds expressions that refer to others.
const maxNesting = 8

// view is the repository from whose point of view an expression is answered.
type view struct {
	uuid string
	// without counts copies as if it had none: that is how what it may drop is
	// found.
	without bool
	depth   int // of expressions that refer to others
}

// terms are git-annex's beside those that only look at the file.
func (s *Session) terms(ctx context.Context, v view) matchexpr.Define {
	return func(name, value string) (matchexpr.Term, error) {
		switch name {
		case "in":
			return s.inTerm(ctx, value, v)
		case "present":
			return keyTerm(func(f File) (bool, error) { return s.has(ctx, f.Key, v.uuid) }), nil
		case "copies":
			return s.copiesTerm(ctx, value, v)
		case "lackingcopies", "approxlackingcopies":
			return s.lackingTerm(ctx, value, name == "lackingcopies", v)
		case "inbackend", "backend":
			return keyTerm(func(f File) (bool, error) { return f.Key.Backend == value, nil }), nil
		case "securehash":
			return keyTerm(func(f File) (bool, error) {
				b, err := annexkey.LookupBackend(f.Key.Backend)
				return err == nil && b.Secure(), nil
			}), nil
		case "metadata":
			return s.metadataTerm(ctx, value)
		case "inallgroup", "onlyingroup":
			return s.groupTerm(ctx, value, name == "inallgroup", v)
		case "locked", "unlocked":
			return keyTerm(func(f File) (bool, error) { return (name == "locked") == s.isLocked(f), nil }), nil
		case "unused":
			return s.unusedTerm()
		case "standard", "groupwanted", "inpreferreddir":
			return s.preferredTerm(ctx, name, v)
		}
		return nil, nil
	}
}

func (s *Session) isLocked(f File) bool {
	if f.Rel == "" {
		return false
	}
	if _, err := os.Readlink(s.D.Repo.Path(f.Rel)); err == nil || f.Entry.Mode != gitobj.ModeSymlink {
		return err == nil
	}
	_, text := s.D.LinkKey(f.Entry)
	return text
}

// unusedTerm looks at what `unused` has found.
func (s *Session) unusedTerm() (matchexpr.Term, error) {
	unused := map[annexkey.Key]bool{}
	err := s.UnusedKeys(func(k annexkey.Key) error { unused[k] = true; return nil })
	return keyTerm(func(f File) (bool, error) { return unused[f.Key], nil }), err
}

// has reports whether a repository has the key: ours by looking, another by
// the log.
func (s *Session) has(ctx context.Context, k annexkey.Key, uuid string) (bool, error) {
	if uuid == s.D.Annex.UUID {
		return s.D.Annex.Has(k), nil
	}
	where, err := s.locations(ctx, k, view{})
	return slices.Contains(where, uuid), err
}

// locations are the repositories that count as having the key.
func (s *Session) locations(ctx context.Context, k annexkey.Key, v view) ([]string, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	where, err := s.Locations(ctx, r, annexlog.LocationPath(k))
	return slices.DeleteFunc(where, func(u string) bool { return v.without && u == v.uuid }), err
}

// isPointerText reports whether the file in the work tree is only a pointer.
func (s *Session) isPointerText(f File) bool {
	text, err := readSmall(s.D.Repo.Path(f.Rel), pointer.MaxSize)
	if err != nil {
		return false
	}
	_, ok := pointer.Parse(text)
	return ok
}

// readSmall reads a regular file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > limit {
		return nil, errors.New("not a small file")
	}
	return os.ReadFile(path)
}
