package annexcmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/matchexpr"
)

// RefSpec says which refs count as using content, in git-annex's language: a
// list of additions and removals, separated by colons. See ParseRefSpec.
type RefSpec []refRule

// refRule is one step; reflog, a name to be added, or a glob.
type refRule struct {
	reflog bool
	add    bool
	name   string            // to be added as it is
	match  func(string) bool // nil: there is a name
}

// ParseRefSpec reads +GLOB, which adds all refs that match, +REF, which adds
// what git knows by that name, -GLOB, which takes away what was added so far,
// and reflog, which adds everything that the reflogs lead to.
func ParseRefSpec(text string) (RefSpec, error) {
	spec := RefSpec{}
	for item := range strings.SplitSeq(text, ":") {
		sign, rest := "", ""
		if item != "" {
			sign, rest = item[:1], item[1:]
		}
		switch {
		case item == "reflog":
			spec = append(spec, refRule{reflog: true})
			continue
		case sign == "+" && !strings.ContainsAny(rest, "*?"):
			if rest == "" || rest[0] == '-' {
				return nil, fmt.Errorf("bad refspec item %q (there is no ref)", item)
			}
			spec = append(spec, refRule{add: true, name: rest})
			continue
		case sign != "+" && sign != "-":
			return nil, fmt.Errorf("bad refspec item %q (expected + or - prefix)", item)
		}
		match, err := matchexpr.Glob(rest)
		if err != nil {
			return nil, fmt.Errorf("bad refspec item %q: %w", item, err)
		}
		spec = append(spec, refRule{add: sign == "+", match: match})
	}
	return spec, nil
}

// usedRef is a name and the object that it stands for.
type usedRef struct{ name, object string }

// apply walks through the list, starting with no ref at all. all are the refs
// that globs are compared with.
func (spec RefSpec) apply(all []usedRef, resolve func(name string) (string, error), reflog func() ([]usedRef, error)) ([]usedRef, error) {
	var used []usedRef
	for _, r := range spec {
		switch {
		case r.reflog:
			more, err := reflog()
			if err != nil {
				return nil, err
			}
			used = append(used, more...)
		case r.match == nil:
			object, err := resolve(r.name)
			if err != nil {
				return nil, err
			}
			used = append(used, usedRef{r.name, object})
		case r.add:
			for _, ref := range all {
				if r.match(ref.name) {
					used = append(used, ref)
				}
			}
		default:
			used = slices.DeleteFunc(used, func(ref usedRef) bool { return r.match(ref.name) })
		}
	}
	return used, nil
}

// chosenTips are the objects that a RefSpec leads to, each once.
func (s *Session) chosenTips(ctx context.Context, spec RefSpec) ([]string, error) {
	all, err := s.refs(ctx)
	if err != nil {
		return nil, err
	}
	used, err := spec.apply(all, func(name string) (string, error) {
		out, err := s.D.Repo.Output(ctx, "rev-parse", "--verify", "--quiet", name)
		if err != nil { // content must not become unused by a slip of the pen
			return "", fmt.Errorf("there is no ref %q", name)
		}
		return strings.TrimSpace(string(out)), nil
	}, func() ([]usedRef, error) {
		out, err := s.D.Repo.Output(ctx, "log", "--walk-reflogs", "--all", "--format=%H")
		var list []usedRef
		for line := range strings.Lines(string(out)) {
			oid := strings.TrimSpace(line)
			list = append(list, usedRef{oid, oid})
		}
		return list, err
	})
	return distinct(used), err
}

// distinct are the objects, each once.
func distinct(refs []usedRef) []string {
	var list []string
	seen := map[string]bool{}
	for _, r := range refs {
		if !seen[r.object] {
			seen[r.object] = true
			list = append(list, r.object)
		}
	}
	return list
}

// refs lists branches, tags and remotes' branches, but not git-annex's own.
func (s *Session) refs(ctx context.Context) ([]usedRef, error) {
	out, err := s.D.Repo.Output(ctx, "for-each-ref", "--format=%(objectname) %(refname)")
	if err != nil {
		return nil, err
	}
	var refs []usedRef
	for line := range strings.Lines(string(out)) {
		object, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasSuffix(name, "/git-annex") && !strings.HasPrefix(name, "refs/annex/") {
			refs = append(refs, usedRef{name, object})
		}
	}
	return refs, nil
}

// tips are the distinct objects that branches, tags and remotes lead to.
func (s *Session) tips(ctx context.Context) ([]string, error) {
	refs, err := s.refs(ctx)
	if err != nil {
		return nil, err
	}
	if head, err := s.D.Repo.Head(ctx); err == nil && head.OID != "" {
		refs = append(refs, usedRef{"HEAD", string(head.OID)})
	}
	return distinct(refs), nil
}
