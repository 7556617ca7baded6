package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// Eval says what makes a subdataset count as modified.
type Eval int

// The degrees of DataLad's --eval-subdataset-state.
const (
	EvalFull   Eval = iota // another commit, or unsaved content on any level
	EvalCommit             // another commit
	EvalNone               // nothing: it is not looked at
)

// Sub opens the subdataset at rel, whose .git is there; otherwise the error is
// git.ErrNoRepository. It starts no process where that can be helped. The
// caller closes its Repo.
func (d *Dataset) Sub(ctx context.Context, rel string) (*Dataset, error) {
	if err := fsx.Beneath(d.Path(), rel); err != nil {
		return nil, fmt.Errorf("%s: %w", rel, git.ErrNoRepository) // behind a link, as good as not there
	}
	if !d.hasTop(rel) {
		return nil, fmt.Errorf("%s: %w", rel, git.ErrNoRepository)
	}
	repo, err := d.Repo.OpenBelow(ctx, d.Repo.Path(filepath.FromSlash(rel)))
	if err != nil {
		return nil, err
	}
	sub, err := From(repo, d.Env)
	if err == nil {
		sub.Settle(ctx)
	}
	return sub, err
}

// hasTop reports whether a repository's top folder is at rel. A link to one is
// none: who follows it could work anywhere.
func (d *Dataset) hasTop(rel string) bool {
	dir := d.Repo.Path(filepath.FromSlash(rel))
	fi, err := os.Lstat(dir)
	return err == nil && fi.IsDir() && git.IsTop(dir)
}

// RecordedHead is the commit that a superdataset records: the tip of the
// branch, where an adjusted one is checked out that of the branch it was made
// from, which clones by git alone lack; "" where there are no commits.
func (d *Dataset) RecordedHead(ctx context.Context) (gitobj.OID, error) {
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return "", err
	}
	original, _, adjusted := annex.ParseAdjusted(head.Branch())
	if !adjusted {
		return head.OID, nil
	}
	tip, err := d.Repo.Ref(ctx, "refs/heads/"+original)
	return cmp.Or(tip, head.OID), err
}

// compareGitlink decides whether a subdataset is modified; one that is not
// there counts as unchanged, as in git.
func (d *Dataset) compareGitlink(ctx context.Context, e gitindex.Entry, fi fs.FileInfo, scope Scope) (verdict, error) {
	if !fi.IsDir() {
		return different, nil
	}
	if scope.Subdatasets == EvalNone {
		return same, nil
	}
	sub, err := d.Sub(ctx, e.Path)
	if errors.Is(err, git.ErrNoRepository) {
		return same, nil
	}
	if err != nil {
		return different, err
	}
	defer sub.Repo.Close()
	head, err := sub.RecordedHead(ctx)
	if err != nil || head != e.OID {
		return different, err
	}
	if scope.Subdatasets == EvalCommit {
		return same, nil
	}
	dirty, err := sub.dirty(ctx, scope.NoUntracked)
	return verdictOf(!dirty), err
}

// dirty reports whether anything is unsaved in the dataset or below.
func (d *Dataset) dirty(ctx context.Context, noUntracked bool) (bool, error) {
	claims, err := d.Claims(ctx)
	if err != nil {
		return false, err
	}
	scope := Scope{NoUntracked: noUntracked, Exclude: claims.passOver(d.Env.Log)}
	if clean, err := d.certainlyClean(ctx, scope); err != nil || clean {
		return false, err
	}
	changes, err := d.Changes(ctx, scope)
	return len(changes) > 0, err
}

// certainlyClean looks at a whole dataset without starting a process: is the
// index what HEAD has, the work tree what the index says, and nothing there
// that git does not know? false means that Changes must decide.
func (d *Dataset) certainlyClean(ctx context.Context, scope Scope) (bool, error) {
	index, err := d.Repo.ReadIndex()
	if errors.Is(err, gitindex.ErrUnsupported) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	head, err := d.Repo.Head(ctx)
	if err != nil || head.OID == "" {
		return false, err
	}
	if equal, known := d.Repo.IndexMatches(index, head.OID); !known || !equal {
		return false, nil
	}
	if scope.NoUntracked {
		dirty, err := d.dirtyEntries(ctx, index, scope)
		return len(dirty) == 0, err
	}
	if !d.namesCompare(scope) {
		return false, nil
	}
	dirty, unknown, err := d.wholeTree(ctx, index, scope)
	return len(dirty) == 0 && len(unknown) == 0, err
}

// noCommitsError refuses to register a repository that has no commits.
type noCommitsError struct{ path string }

func (e *noCommitsError) Error() string {
	return fmt.Sprintf("cannot add subdataset %s with no commits", e.name())
}

// name is how DataLad's messages call a repository.
func (e *noCommitsError) name() string { return "GitRepo(" + e.path + ")" }

func (d *Dataset) submoduleFailure(err error) (result.Record, bool) {
	var none *noCommitsError
	if !errors.As(err, &none) {
		return result.Record{}, false
	}
	r := result.New("add_submodule", result.Error, none.path, result.Dataset)
	return r.With("message", result.Tuple{"cannot add subdataset %s with no commits", none.name()}), true
}

// prepareSubdataset records the commit that a nested repository is at, and
// asks for the registration of one that the dataset does not know.
func (d *Dataset) prepareSubdataset(ctx context.Context, it *item) error {
	sub, err := d.Sub(ctx, it.Path)
	if errors.Is(err, git.ErrNoRepository) {
		it.skip = true // a plain folder, or a subdataset that is not here
		return nil
	}
	if err != nil {
		return err
	}
	defer sub.Repo.Close()
	head, err := sub.RecordedHead(ctx)
	if err != nil {
		return err
	}
	if head == "" {
		return &noCommitsError{sub.Path()}
	}
	if it.Mode != gitobj.ModeGitlink {
		if it.module, err = d.newModule(ctx, it.Path, sub); err != nil {
			return err
		}
	}
	it.file.Mode, it.file.OID = gitobj.ModeGitlink, head
	it.record = d.Record("add", it.Path, result.Dataset).With("key", nil)
	return nil
}

// newModule describes a subdataset as it will be registered.
func (d *Dataset) newModule(ctx context.Context, rel string, sub *Dataset) (*Module, error) {
	_, url, err := sub.Repo.Tracking(ctx)
	if err != nil {
		return nil, err
	}
	if url == "" {
		url = "./" + rel
	}
	m := &Module{Name: rel, Path: rel, Properties: [][2]string{{"path", rel}, {"url", url}}}
	if sub.ID != "" {
		m.Properties = append(m.Properties, [2]string{"datalad-id", sub.ID})
	}
	return m, nil
}

// SubdatasetAbove returns the subdataset that the path is or lies in, or "".
func SubdatasetAbove(index *gitindex.File, rel string) string {
	for dir := rel; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if e, ok := index.Lookup(dir); ok && e.Mode == gitobj.ModeGitlink {
			return dir
		}
	}
	return ""
}
