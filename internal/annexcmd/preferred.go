package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/matchexpr"
)

// standardContent are git-annex's expressions for its standard groups.
var standardContent = map[string]string{
	"client":            lastResort("((exclude=*/archive/* and exclude=archive/*) or (" + notArchived + ")) and not unused"),
	"transfer":          lastResort("not (inallgroup=client and copies=client:2) and (" + clientContent + ")"),
	"backup":            "anything",
	"incrementalbackup": lastResort("not copies=incrementalbackup:1"),
	"smallarchive":      lastResort("(include=*/archive/* or include=archive/*) and (" + lastResort(notArchived) + ")"),
	"archive":           lastResort(notArchived),
	"source":            "not (copies=1)",
	"manual":            "present and (" + clientContent + ")",
	"public":            "inpreferreddir",
	"unwanted":          "not anything",
}

const (
	notArchived   = "not (copies=archive:1 or copies=smallarchive:1)"
	clientContent = "(((exclude=*/archive/* and exclude=archive/*) or (" + notArchived + ")) and not unused) or approxlackingcopies=1"
)

func lastResort(expr string) string { return "(" + expr + ") or approxlackingcopies=1" }

// Wants reports whether a repository's preferred content (or, with required,
// its required content) includes the file. What it requires it also prefers.
// configured is false where it has no such expression.
func (s *Session) Wants(ctx context.Context, f File, uuid string, required bool) (wants, configured bool, err error) {
	return s.wants(ctx, f, view{uuid: uuid}, required)
}

func (s *Session) wants(ctx context.Context, f File, v view, required bool) (wants, configured bool, err error) {
	logs := []string{annexlog.RequiredContentFile}
	if !required {
		logs = append(logs, annexlog.PreferredContentFile)
	}
	for _, log := range logs {
		data, err := s.Log(ctx, log)
		if err != nil {
			return false, false, err
		}
		e, ok := annexlog.ParseUUIDLog(data).Get(v.uuid)
		if !ok || strings.TrimSpace(e.Value) == "" {
			continue
		}
		configured = true
		if wants, err = s.evaluate(ctx, e.Value, f, v); err != nil || wants {
			return wants, true, err
		}
	}
	return !configured, configured, nil
}

// keeps finds a file for whose sake the repository must not drop the key: f
// itself, or another one with the same content.
func (s *Session) keeps(ctx context.Context, f File, uuid string, required bool) (File, bool, error) {
	v := view{uuid: uuid, without: true}
	wants, configured, err := s.wants(ctx, f, v, required)
	if err != nil || !configured || wants {
		return f, configured && wants, err
	}
	others, err := s.filesOf(ctx, f.Key)
	if err != nil {
		return f, false, err
	}
	for _, o := range others {
		if o.Rel == f.Rel {
			continue
		}
		if wants, _, err := s.wants(ctx, o, v, required); err != nil || wants {
			return o, wants, err
		}
	}
	return f, false, nil
}

// Required says why a repository must not lose the content of a file, in
// git-annex's words; "" if it may.
func (s *Session) Required(ctx context.Context, f File, uuid string) (string, error) {
	which, keep, err := s.keeps(ctx, f, uuid, true)
	switch {
	case errors.Is(err, errUnreadable): // as with git-annex it may mean any content
		return "It may be required content. It cannot be dropped! " + err.Error(), nil
	case err != nil || !keep:
		return "", err
	case which.Rel != f.Rel:
		return "That file has the same content as another file (./" + which.Rel + "), which is required content. It cannot be dropped!", nil
	}
	return "That file is required content. It cannot be dropped!", nil
}

// filesOf lists all files with the key.
func (s *Session) filesOf(ctx context.Context, k annexkey.Key) ([]File, error) {
	if s.keyFiles == nil {
		files := map[annexkey.Key][]File{}
		err := s.Files(ctx, []string{s.D.Path()}, func(f File) error { files[f.Key] = append(files[f.Key], f); return nil })
		if err != nil {
			return nil, err
		}
		s.keyFiles = files
	}
	return s.keyFiles[k], nil
}

// errUnreadable is for expressions that other programs, or newer ones, have stored.
var errUnreadable = errors.New("unknown expression of preferred or required content")

// evaluate answers an expression of preferred content. A key without a file
// has the name of any file that git-annex would find; here it has none.
func (s *Session) evaluate(ctx context.Context, text string, f File, v view) (bool, error) {
	if v.depth > maxNesting {
		return false, errors.New("preferred content expressions refer to each other")
	}
	expr, err := matchexpr.ParseWith(text, s.terms(ctx, v))
	if err != nil {
		return false, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return expr.Match(&subject{s: s, file: f, path: f.Rel})
}

// CheckExpression is for expressions that are about to be stored.
func (s *Session) CheckExpression(ctx context.Context, text string) error {
	_, err := matchexpr.ParseWith(text, s.terms(ctx, view{uuid: s.D.Annex.UUID}))
	return err
}

func (s *Session) preferredTerm(ctx context.Context, name string, v view) (matchexpr.Term, error) {
	if name == "inpreferreddir" {
		return keyTerm(func(f File) (bool, error) {
			dir, err := s.preferredDir(ctx, v.uuid)
			return slices.Contains(strings.Split(path.Dir(f.Rel), "/"), dir), err
		}), nil
	}
	return keyTerm(func(f File) (bool, error) {
		text, err := s.groupExpression(ctx, name, v.uuid)
		if err != nil {
			return false, err
		}
		return s.evaluate(ctx, text, f, view{v.uuid, v.without, v.depth + 1})
	}), nil
}

// preferredDir is the setting of a special remote, or "public".
func (s *Session) preferredDir(ctx context.Context, uuid string) (string, error) {
	data, err := s.Log(ctx, annexlog.RemoteFile)
	if err != nil {
		return "", err
	}
	e, _ := annexlog.ParseUUIDLog(data).Get(uuid)
	if dir := annexlog.DecodeConfig(e.Value)["preferreddir"]; dir != "" {
		return dir, nil
	}
	return "public", nil
}

// groupExpression is what "standard" and "groupwanted" stand for.
func (s *Session) groupExpression(ctx context.Context, name, uuid string) (string, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return "", err
	}
	if name == "standard" {
		for _, g := range r.Groups(uuid) {
			if text, ok := standardContent[g]; ok {
				return text, nil
			}
		}
		return "nothing", nil
	}
	data, err := s.Log(ctx, annexlog.GroupPreferredContentFile)
	if err != nil {
		return "", err
	}
	log := annexlog.ParseMapLog(data)
	for _, g := range r.Groups(uuid) {
		if e, ok := log.Get(g); ok && e.Value != "" {
			return e.Value, nil
		}
	}
	return "nothing", nil
}

// Copies are the numbers of copies that a file must have: numcopies and
// mincopies. With exact its attributes are asked, too.
func (s *Session) Copies(ctx context.Context, f File, exact bool) (num, least int, err error) {
	num, least = 1, 1
	for _, q := range []struct {
		log, setting, attribute string
		value                   *int
	}{
		{annexlog.NumCopiesFile, "annex.numcopies", "annex.numcopies", &num},
		{annexlog.MinCopiesFile, "", "annex.mincopies", &least},
	} {
		data, err := s.Log(ctx, q.log)
		if err != nil {
			return 0, 0, err
		}
		n, ok := annexlog.ParseCopies(data)
		if exact && f.Rel != "" {
			v, err := s.D.Attributes(f.Rel, q.attribute)
			if err != nil {
				return 0, 0, err
			}
			if a, aerr := strconv.Atoi(v[q.attribute]); aerr == nil {
				n, ok = a, true
			}
		}
		if c, cerr := strconv.Atoi(s.D.Repo.Config.Get(q.setting)); !ok && q.setting != "" && cerr == nil {
			n, ok = c, true
		}
		if ok {
			*q.value = max(n, 1)
		}
	}
	if s.NumCopies > 0 {
		num = s.NumCopies
	}
	if s.MinCopies > 0 {
		least = s.MinCopies
	}
	return num, least, nil
}

// NeedCopies describes a number of copies in git-annex's words.
func needCopies(n int) string {
	if n == 1 {
		return "1 copy"
	}
	return fmt.Sprintf("%d copies", n)
}

// autoSends reports whether a file with so many copies is to be sent to a
// repository: with --auto only if that wants it, or if there are too few.
func (s *Session) autoSends(ctx context.Context, f File, to string, copies int) (bool, error) {
	if !s.Auto {
		return true, nil
	}
	wants, configured, err := s.Wants(ctx, f, to, false)
	num, _, cerr := s.Copies(ctx, f, true)
	return configured && wants || copies < num, errors.Join(err, cerr)
}
