package repodates

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
)

const (
	annexBranch = "refs/heads/git-annex"
	// maxLog bounds a log of the git-annex branch that is searched.
	maxLog = 64 << 20
)

// search collects what is found in one repository.
type search struct {
	repo    *git.Repo
	opt     Options
	objects map[string]any // by id
}

func (s *search) commits(ctx context.Context) error {
	args := []string{"log", "--format=%H %at %ct"}
	revs := s.opt.Revs
	if len(revs) == 0 {
		revs = []string{"--all"}
	}
	out, err := s.repo.Output(ctx, append(append(args, revs...), "--")...)
	if err != nil {
		if strings.Contains(err.Error(), "does not have any commits yet") {
			return nil
		}
		return errs.WithExit(err, max(git.ExitCode(err), errs.ExitFailure))
	}
	for line := range bytes.Lines(out) {
		var id string
		var author, committer int64
		if n, _ := fmt.Sscan(string(line), &id, &author, &committer); n != 3 {
			continue // further text that an option in revs asks for
		}
		if s.opt.hit(author) || s.opt.hit(committer) {
			s.objects[id] = map[string]any{"type": "commit", "author-timestamp": author, "committer-timestamp": committer}
		}
	}
	return nil
}

func (s *search) tags(ctx context.Context) error {
	if s.opt.NoTags {
		return nil
	}
	out, err := s.repo.Output(ctx, "for-each-ref", "--format=%(objectname) %(taggerdate:raw)", "refs/tags/")
	if err != nil {
		return err
	}
	for line := range bytes.Lines(out) {
		var id string
		var date int64
		if n, _ := fmt.Sscan(string(line), &id, &date); n == 2 && s.opt.hit(date) { // otherwise a tag without a date
			s.objects[id] = map[string]any{"type": "tag", "timestamp": date}
		}
	}
	return nil
}

// annex searches the blobs of the git-annex branch.
func (s *search) annex(ctx context.Context) error {
	if s.opt.Annex == AnnexNone {
		return nil
	}
	if out, err := s.repo.Output(ctx, "for-each-ref", "--format=%(refname)", annexBranch); err != nil || len(out) == 0 {
		return err
	}
	blobs, err := s.blobs(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, b := range blobs {
		if seen[b.id] {
			continue
		}
		seen[b.id] = true
		typ, content, err := s.repo.Object(ctx, b.id, maxLog)
		if err != nil {
			return err
		}
		if typ != "blob" {
			continue
		}
		var hits []any
		for _, t := range timestamps(content) {
			if s.opt.hit(t) {
				hits = append(hits, t)
			}
		}
		if len(hits) > 0 {
			s.objects[b.id] = map[string]any{"type": "annex-blob", "timestamps": hits, "filename": b.name}
		}
	}
	return nil
}

type blob struct{ id, name string }

// blobs lists objects of the git-annex branch that have a name; trees are
// among them.
func (s *search) blobs(ctx context.Context) ([]blob, error) {
	var list []blob
	if s.opt.Annex == AnnexTree {
		out, err := s.repo.Output(ctx, "ls-tree", "-z", "-r", annexBranch)
		if err != nil {
			return nil, err
		}
		for line := range strings.SplitSeq(string(out), "\x00") {
			head, name, ok := strings.Cut(line, "\t")
			if words := strings.Fields(head); ok && len(words) == 3 {
				list = append(list, blob{words[2], name})
			}
		}
		return list, nil
	}
	out, err := s.repo.Output(ctx, "rev-list", "--objects", annexBranch)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(out)) {
		if id, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " "); ok && name != "" {
			list = append(list, blob{id, name})
		}
	}
	return list, nil
}

// dates finds the times of log lines: at the end of a line after
// "timestamp=", or at its beginning.
var dates = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(?:[^\n]+timestamp=)?([0-9]+)(?:\.[0-9]+)?s`)
})

func timestamps(log []byte) (list []int64) {
	for _, m := range dates().FindAllSubmatch(log, -1) {
		if t, err := strconv.ParseInt(string(m[1]), 10, 64); err == nil {
			list = append(list, t)
		}
	}
	return list
}
