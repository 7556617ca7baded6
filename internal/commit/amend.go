package commit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// original is what an amended commit keeps.
type original struct {
	parents []gitobj.OID
	author  gitobj.Identity
	message string
}

// maxCommit bounds the commit object that is amended, in bytes.
const maxCommit = 16 << 20

// readOriginal reads the commit that is to be replaced.
func readOriginal(ctx context.Context, repo *git.Repo, id gitobj.OID) (*original, error) {
	typ, content, err := repo.Object(ctx, string(id), maxCommit)
	if err != nil {
		return nil, fmt.Errorf("amend: %w", err)
	}
	if typ != "commit" || content == nil {
		return nil, fmt.Errorf("amend %s: no such commit", id.Short())
	}
	return parseOriginal(string(content))
}

func parseOriginal(text string) (*original, error) {
	head, message, _ := strings.Cut(text, "\n\n")
	o := &original{message: message}
	for _, line := range strings.Split(head, "\n") {
		key, value, _ := strings.Cut(line, " ")
		var err error
		switch key {
		case "parent":
			o.parents = append(o.parents, gitobj.OID(value))
			_, err = gitobj.ParseOID(value)
		case "author":
			o.author, err = git.ParseIdentity(value)
		case "encoding":
			err = errors.New("its message is not in UTF-8; use `git commit --amend`")
		}
		if err != nil {
			return nil, fmt.Errorf("amend: %w", err)
		}
	}
	return o, nil
}

// adjusts reports whether it is git-annex's own on an adjusted branch.
func (o *original) adjusts() bool {
	return strings.TrimSpace(o.message) == annex.AdjustedMessage && len(o.parents) == 1
}

// keepMessage fills in the old message where an amending commit has none, so
// that hooks see it.
func (p *Publisher) keepMessage(ctx context.Context, req *Request) error {
	for i := range req.Commits {
		c := &req.Commits[i]
		if !c.Amend || c.Message != "" {
			continue
		}
		old, err := readOriginal(ctx, p.Repo, req.Onto)
		if err != nil {
			return err
		}
		if old.adjusts() { // what stands below it is amended
			if old, err = readOriginal(ctx, p.Repo, old.parents[0]); err != nil {
				return err
			}
		}
		c.Message = old.message
	}
	return nil
}

// amended makes commit i in the place of tip, as git's commit --amend does,
// also where nothing but the committer's date is new.
func (b *builder) amended(ctx context.Context, i int, c Commit, tip gitobj.OID, changes []git.TreeChange) (gitobj.OID, error) {
	if b.req.Onto == "" || tip != b.req.Onto || b.req.Shape != Chain {
		return "", errors.New("amend: not the commit at the tip")
	}
	old, err := readOriginal(ctx, b.p.Repo, tip)
	if err != nil {
		return "", err
	}
	if old.adjusts() {
		return "", errors.New("amend: the last commit of an adjusted branch is git-annex's")
	}
	b.who.Author = old.author
	id, _, err := b.writer.Commit(git.CommitSpec{Who: b.who, Message: c.Message, Changes: changes, Parents: old.parents, TreeOf: tip})
	if err != nil {
		return "", fmt.Errorf("amend: %w", err)
	}
	b.res.Commits[i] = id
	b.index(c.Files)
	return id, nil
}
