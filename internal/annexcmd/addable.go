package annexcmd

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// MissingFileError names arguments of add that do not exist.
type MissingFileError struct{ Paths []string }

func (e *MissingFileError) Error() string { return strings.Join(e.Paths, ", ") + " not found" }

// addable lists what git would add, in its order.
func (s *Session) addable(ctx context.Context, paths []string, opt AddOptions) ([]*candidate, error) {
	var missing MissingFileError
	specs := []string{}
	for _, p := range paths {
		rel, err := s.D.Rel(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		if _, err := os.Lstat(s.D.Repo.Path(rel)); err != nil {
			missing.Paths = append(missing.Paths, p)
			continue
		}
		specs = append(specs, rel)
	}
	if len(specs) == 0 && len(missing.Paths) > 0 {
		return nil, &missing
	}
	if len(specs) == 0 {
		rel, err := s.D.Rel(s.D.Env.Cwd)
		if err != nil {
			return nil, err
		}
		specs = append(specs, rel)
	}
	args := []string{"--literal-pathspecs", "ls-files", "-z", "--modified"}
	if !opt.UpdateOnly {
		args = append(args, "--others")
	}
	if !opt.NoIgnore && !s.Force {
		args = append(args, "--exclude-standard")
	}
	out, err := s.D.Repo.Output(ctx, append(append(args, "--"), specs...)...)
	if err != nil {
		return nil, err
	}
	names := strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	if len(out) == 0 {
		names = nil
	}
	more, err := s.unlockedToLock(ctx, specs, names)
	if err != nil {
		return nil, err
	}
	files, err := s.matching(s.candidates(append(names, more...), paths), opt.Match)
	if err != nil {
		return nil, err
	}
	if len(missing.Paths) > 0 {
		return files, &missing
	}
	return files, nil
}

// unlockedToLock finds unmodified files that are pointers in the index but
// links in the last commit: add locks them again.
func (s *Session) unlockedToLock(ctx context.Context, specs, known []string) ([]string, error) {
	head, err := s.D.Repo.Head(ctx)
	if err != nil || head.OID == "" {
		return nil, err
	}
	out, err := s.D.Repo.Output(ctx, append([]string{"--literal-pathspecs", "diff-index", "--cached", "-z", "--diff-filter=T", string(head.OID), "--"}, specs...)...)
	if err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for _, k := range known {
		have[k] = true
	}
	var more []string
	parts := strings.Split(string(out), "\x00")
	for i := 0; i+1 < len(parts); i += 2 {
		w := strings.Fields(parts[i])
		if len(w) < 5 || w[0] != ":120000" || have[parts[i+1]] {
			continue
		}
		more = append(more, parts[i+1])
	}
	return more, nil
}

func (s *Session) candidates(names, args []string) []*candidate {
	var files []*candidate
	seen := map[string]bool{}
	for _, rel := range names {
		if rel == "" || seen[rel] || strings.HasSuffix(rel, "/") { // a nested repository
			continue
		}
		seen[rel] = true
		files = append(files, &candidate{rel: rel, show: s.show(rel), input: s.inputFor(rel, args)})
	}
	return files
}

// matching are the files that an expression is about.
func (s *Session) matching(files []*candidate, m *Matcher) (list []*candidate, err error) {
	if m == nil {
		return files, nil
	}
	for _, f := range files {
		ok, err := m.expr.Match(workFile{s, f})
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, f)
		}
	}
	return list, nil
}

// workFile is a file that may have no key yet, as an expression sees it.
type workFile struct {
	s *Session
	f *candidate
}

func (w workFile) Path() string { return w.f.show }

// Size is that of the content, through a link; 0 where there is none.
func (w workFile) Size() (int64, error) {
	fi, err := os.Stat(w.s.D.Repo.Path(w.f.rel))
	if missing(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}

// MIME is not asked for.
func (w workFile) MIME() (typ, enc string, err error) { return "", "", nil }

// inputFor is the argument that a file was found by.
func (s *Session) inputFor(rel string, args []string) string {
	for _, a := range args {
		if r, err := s.D.Rel(a); err == nil && (r == rel || r == "." || strings.HasPrefix(rel, r+"/")) {
			return a
		}
	}
	return s.show(rel)
}

// isLarge reports whether a file belongs into the annex. With --force all do but
// hidden ones.
func (s *Session) isLarge(ctx context.Context, rel string, fi fs.FileInfo, opt AddOptions) (bool, error) {
	switch {
	case opt.ForceLarge:
		return true, nil
	case opt.ForceSmall:
		return false, nil
	}
	if !opt.DotFiles && (strings.HasPrefix(rel, ".") || strings.Contains(rel, "/.")) {
		if dot, err := s.D.RepositoryBool(ctx, "annex.dotfiles", false); err != nil || !dot {
			return false, err
		}
	}
	if s.Force {
		return true, nil
	}
	large, _, err := s.D.Large(ctx, rel, fi)
	return large, err
}
