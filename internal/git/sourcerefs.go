package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// sourceRefs are the branches and tags of a repository that is cloned.
type sourceRefs struct {
	head string     // the branch that HEAD leads to, full name
	tip  gitobj.OID // of that branch
	refs map[string]gitobj.OID
}

func (s *sourceRefs) branch() string { return strings.TrimPrefix(s.head, "refs/heads/") }

// readSourceRefs reads the refs from their files; what is unusual is left to
// git: a detached or unborn HEAD, symbolic refs, broken ones.
func readSourceRefs(r *Repo) (*sourceRefs, error) {
	text, err := os.ReadFile(filepath.Join(r.GitDir, "HEAD"))
	if err != nil {
		return nil, err
	}
	name, symbolic := strings.CutPrefix(strings.TrimRight(string(text), "\n"), "ref: ")
	if !symbolic || !strings.HasPrefix(name, "refs/heads/") {
		return nil, errOnlyGit
	}
	s := &sourceRefs{head: name, refs: map[string]gitobj.OID{}}
	// A ref that is being packed meanwhile is in one place or the other, so the
	// loose ones are read first.
	for _, kind := range []string{"refs/heads", "refs/tags"} {
		if err := s.readLoose(r.GitDir, kind); err != nil {
			return nil, err
		}
	}
	if err := s.readPacked(filepath.Join(r.GitDir, "packed-refs")); err != nil {
		return nil, err
	}
	if s.tip = s.refs[name]; s.tip == "" {
		return nil, errOnlyGit
	}
	return s, nil
}

// readLoose takes the refs below a folder of the git folder.
func (s *sourceRefs) readLoose(gitDir, dir string) error {
	entries, err := os.ReadDir(filepath.Join(gitDir, filepath.FromSlash(dir)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := dir + "/" + e.Name()
		switch {
		case e.IsDir():
			if err := s.readLoose(gitDir, name); err != nil {
				return err
			}
			continue
		case !e.Type().IsRegular():
			return errOnlyGit
		case strings.HasSuffix(name, ".lock"):
			continue
		}
		text, err := os.ReadFile(filepath.Join(gitDir, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // packed or deleted since
		}
		if err != nil {
			return err
		}
		if err := s.take(name, strings.TrimRight(string(text), "\n")); err != nil {
			return err
		}
	}
	return nil
}

// readPacked adds the refs of packed-refs that have no file of their own.
func (s *sourceRefs) readPacked(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if line[0] == '#' || line[0] == '^' {
			continue
		}
		id, name, ok := strings.Cut(strings.TrimRight(line, "\n"), " ")
		if !ok {
			return errOnlyGit
		}
		if _, loose := s.refs[name]; loose || !strings.HasPrefix(name, "refs/heads/") && !strings.HasPrefix(name, "refs/tags/") {
			continue
		}
		if err := s.take(name, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *sourceRefs) take(name, text string) error {
	id, err := gitobj.ParseOID(text)
	if err == nil {
		err = checkRefName(name)
	}
	s.refs[name] = id
	return err
}

// packed is the packed-refs file of the clone: branches as origin's, tags as
// they are, with what annotated tags lead to (git-pack-refs(1)).
func (s *sourceRefs) packed(objs *objects) (string, error) {
	names := make([]string, 0, len(s.refs))
	ids := make(map[string]gitobj.OID, len(s.refs))
	for name, id := range s.refs {
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			name = "refs/remotes/origin/" + branch
		}
		names = append(names, name)
		ids[name] = id
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("# pack-refs with: peeled fully-peeled sorted \n")
	for _, name := range names {
		fmt.Fprintf(&b, "%s %s\n", ids[name], name)
		if !strings.HasPrefix(name, "refs/tags/") {
			continue
		}
		peeled, err := peel(objs, ids[name])
		if err != nil {
			return "", err
		}
		if peeled != ids[name] {
			fmt.Fprintf(&b, "^%s\n", peeled)
		}
	}
	return b.String(), nil
}

// peel follows annotated tags to what they are of.
func peel(objs *objects, id gitobj.OID) (gitobj.OID, error) {
	for range maxSymrefDepth {
		typ, data, err := objs.read(id)
		if err != nil || typ != "tag" {
			return id, err
		}
		line, _, _ := bytes.Cut(data, []byte{'\n'})
		target, ok := strings.CutPrefix(string(line), "object ")
		if !ok {
			return id, errOnlyGit
		}
		if id, err = gitobj.ParseOID(target); err != nil {
			return id, err
		}
	}
	return id, errOnlyGit
}
