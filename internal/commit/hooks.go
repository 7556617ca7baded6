package commit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/runrec"
)

// userHook reports whether a hook is there that is not git-annex's own, whose
// work is done natively.
func (p *Publisher) userHook(name string) bool {
	path := p.Repo.Hook(name)
	if path == "" {
		return false
	}
	text, err := os.ReadFile(path)
	return err != nil || !annex.IsOwnHook(name, string(text))
}

// preCommit shows the user's pre-commit hook the index that is about to be
// committed. What the hook changes in that index becomes part of the commit.
// It runs outside all locks, for hooks can take long.
func (p *Publisher) preCommit(ctx context.Context, req *Request) error {
	if !req.Hooks || len(req.Commits) != 1 || !p.userHook("pre-commit") {
		return nil
	}
	before, err := p.Repo.ReadIndex()
	if err != nil {
		return fmt.Errorf("pre-commit hook: %w", err)
	}
	c := &req.Commits[0]
	path, err := p.prospectiveIndex(before, c.Files)
	if err != nil {
		return fmt.Errorf("pre-commit hook: %w", err)
	}
	defer os.Remove(path)
	shown, err := gitindex.Open(path, p.Repo.Format)
	if err != nil {
		return fmt.Errorf("pre-commit hook: %w", err)
	}
	if err := p.Repo.RunHook(ctx, "pre-commit", []string{"GIT_INDEX_FILE=" + path}); err != nil {
		return err
	}
	after, err := gitindex.Open(path, p.Repo.Format)
	if err != nil {
		return fmt.Errorf("pre-commit hook: %w", err)
	}
	c.Files = append(c.Files, indexDifference(shown, after)...)
	return nil
}

// prospectiveIndex writes the index as it will be into a file of its own.
func (p *Publisher) prospectiveIndex(old *gitindex.File, files []File) (string, error) {
	f, err := os.CreateTemp(p.Repo.GitDir, git.IndexLockPrefix+"*")
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(f)
	err = errors.Join(old.Splice(w, editsOf(files), gitindex.Options{}), w.Flush(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func editsOf(files []File) []gitindex.Edit {
	edits := make([]gitindex.Edit, len(files))
	for i, f := range files {
		edits[i] = gitindex.Edit{Path: f.Path, Mode: f.Mode, OID: f.OID, Stat: f.Stat, Remove: f.Remove}
	}
	return edits
}

// indexDifference lists what a hook changed.
func indexDifference(before, after *gitindex.File) []File {
	type state struct {
		mode gitobj.Mode
		oid  gitobj.OID
	}
	old := map[string]state{}
	for e := range before.Entries() {
		old[e.Path] = state{e.Mode, e.OID}
	}
	var files []File
	for e := range after.Entries() {
		if old[e.Path] != (state{e.Mode, e.OID}) {
			files = append(files, File{Path: e.Path, Mode: e.Mode, OID: e.OID, Stat: e.Stat})
		}
		delete(old, e.Path)
	}
	for path := range old {
		files = append(files, File{Path: path, Remove: true})
	}
	return files
}

// editMessage lets the user's prepare-commit-msg and commit-msg hooks change
// or refuse the message.
func (p *Publisher) editMessage(ctx context.Context, req *Request) error {
	if !req.Hooks || len(req.Commits) != 1 || !p.userHook("commit-msg") && !p.userHook("prepare-commit-msg") {
		return nil
	}
	path := filepath.Join(p.Repo.GitDir, "COMMIT_EDITMSG")
	if err := os.WriteFile(path, []byte(req.Commits[0].Message), 0o666); err != nil {
		return fmt.Errorf("commit message hooks: %w", err)
	}
	if err := p.Repo.RunHook(ctx, "prepare-commit-msg", nil, path, "message"); err != nil {
		return err
	}
	if err := p.Repo.RunHook(ctx, "commit-msg", nil, path); err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("commit message hooks: %w", err)
	}
	req.Commits[0].Message = runrec.Cleanup(string(text))
	if req.Commits[0].Message == "" {
		return errors.New("commit: a hook left an empty message")
	}
	return nil
}

// postCommit tells the user's hook; its outcome does not matter, as in git.
func (p *Publisher) postCommit(ctx context.Context, req Request, res Result) {
	if req.Hooks && len(res.Commits) == 1 && res.Commits[0] != "" && p.userHook("post-commit") {
		_ = p.Repo.RunHook(ctx, "post-commit", nil)
	}
}

// signs reports whether the user has asked git to sign the only commit.
func (b *builder) signs() bool {
	return b.req.Hooks && len(b.req.Commits) == 1 && b.p.Repo.Config.Bool("commit.gpgsign", false)
}

// sign replaces the only commit of a request by a signed one, where the user
// has asked git to sign commits.
func (b *builder) sign(ctx context.Context) error {
	if !b.signs() || b.res.Commits[0] == "" {
		return nil
	}
	signed, err := b.p.Repo.SignCommit(ctx, b.res.Commits[0], b.who)
	if err != nil {
		return err
	}
	for i := range b.moves {
		if b.moves[i].New == b.res.Commits[0] {
			b.moves[i].New = signed
		}
	}
	b.res.Commits[0], b.res.Tip = signed, signed
	return nil
}
