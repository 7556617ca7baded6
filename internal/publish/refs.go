package publish

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/siblings"
)

// dataset sends one dataset: to the siblings that the target depends on, then
// content, then branches.
func (p *pushing) dataset(ctx context.Context, m *part, to string) error {
	branch, err := activeBranch(ctx, m.d)
	if err != nil {
		return err
	}
	if to == "" {
		if to = defaultTarget(m.d, branch); to == "" {
			return p.sink.Emit(p.record(m.d, result.Impossible).Msg("No push target given, and none could be auto-detected, please specify via --to"))
		}
	}
	return p.to(ctx, m, to, branch, nil)
}

// to sends one dataset to one sibling. above are the siblings that depend on it.
func (p *pushing) to(ctx context.Context, m *part, to, branch string, above []string) error {
	d := m.d
	if !slices.Contains(siblings.Names(d), to) {
		return p.sink.Emit(p.record(d, result.Error).With("message", result.Tuple{"Unknown target sibling '%s'.", to}))
	}
	if slices.Contains(above, to) {
		return p.sink.Emit(p.record(d, result.Error).Msg("publication dependencies of '" + to + "' lead back to it"))
	}
	specs, err := configuredRefs(ctx, d, to)
	if err != nil {
		return err
	}
	if len(specs) == 0 && branch == "" {
		return p.sink.Emit(p.record(d, result.Impossible).Msg("There is no active branch, cannot determine remote branch"))
	}
	for _, dep := range d.Repo.Config.All("remote." + to + ".datalad-publish-depends") {
		if err := p.to(ctx, m, dep, branch, append(above, to)); err != nil {
			return err
		}
	}
	if err := p.data(ctx, m, to); err != nil {
		return err
	}
	if d.Repo.Config.Get("remote."+to+".url") == "" {
		return nil // a special remote has no branches
	}
	if d.Annex != nil {
		if err := takeBranch(ctx, d, to); err != nil {
			return p.unreached(ctx, d, to, err)
		}
	}
	return p.refs(ctx, d, to, withBranches(d, specs, branch))
}

// unreached reports what git says of a sibling that it cannot talk to, so that
// other datasets are still pushed. Any other error is returned.
func (p *pushing) unreached(ctx context.Context, d *dataset.Dataset, to string, err error) error {
	var failed *git.CommandError
	if ctx.Err() != nil || !errors.As(err, &failed) {
		return err
	}
	return p.sink.Emit(p.record(d, result.Error).With("target", to).Msg(err.Error()))
}

// withBranches adds to what the user's configuration of git says what goes over
// in any case: the branch that is checked out and git-annex's.
func withBranches(d *dataset.Dataset, specs []string, branch string) []string {
	branches := []string{}
	if branch != "" {
		branches = append(branches, branch)
	}
	if d.Annex != nil {
		branches = append(branches, "git-annex")
	}
	for _, b := range branches {
		like := regexp.MustCompile(`^((^|.*:)refs/heads/|.*:|)` + regexp.QuoteMeta(b) + `$`)
		if slices.ContainsFunc(specs, like.MatchString) {
			continue
		}
		if d.Repo.Config.Get("branch."+b+".merge") != "" {
			specs = append(specs, "refs/heads/"+b+":"+d.Repo.Config.Get("branch."+b+".merge"))
		} else {
			specs = append(specs, "refs/heads/"+b+":refs/heads/"+b)
		}
	}
	return specs
}

// configuredRefs asks git what it would push by itself, where there is any
// configuration about that.
func configuredRefs(ctx context.Context, d *dataset.Dataset, to string) ([]string, error) {
	cfg := d.Repo.Config
	if len(cfg.All("remote."+to+".push")) == 0 && cfg.Get("push.default") == "" && !cfg.Bool("push.followtags", false) {
		return nil, nil
	}
	out, err := d.Repo.Output(ctx, "push", "--dry-run", "--porcelain", "--", to)
	if err != nil && ctx.Err() != nil {
		return nil, err
	}
	var specs []string
	for _, r := range parsePush(string(out)) {
		if r.flag != '=' && !strings.HasPrefix(r.from, "refs/heads/adjusted") {
			specs = append(specs, r.from+":"+r.to)
		}
	}
	return specs, nil
}

// takeBranch merges what the sibling knows of locations, from where it is
// pushed to, so that ours can go on from there.
func takeBranch(ctx context.Context, d *dataset.Dataset, to string) error {
	args := []string{"fetch", "-q", "--no-tags", "--no-recurse-submodules"}
	if push := d.Repo.Config.Get("remote." + to + ".pushurl"); push != "" {
		args = append([]string{"-c", "url." + push + ".insteadOf=" + d.Repo.Config.Get("remote."+to+".url")}, args...)
	}
	_, err := d.Repo.Output(ctx, append(args, "--", to, "+refs/heads/git-annex:refs/remotes/"+to+"/git-annex")...)
	var failed *git.CommandError
	if errors.As(err, &failed) && strings.Contains(strings.ToLower(failed.Stderr), "couldn't find remote ref") {
		err = nil
	}
	if err != nil {
		return err
	}
	_, err = d.Annex.Merge(ctx, d.Now())
	return err
}

// refs pushes the branches and reports what became of each. Where the sibling
// takes the first branch that it sees for the default one, that goes alone,
// once.
func (p *pushing) refs(ctx context.Context, d *dataset.Dataset, to string, specs []string) error {
	key := "remote." + to + ".datalad-push-default-first"
	if d.Repo.Config.Bool(key, false) && len(specs) > 0 {
		if done, err := p.some(ctx, d, to, specs[:1]); err != nil || !done {
			return err
		}
		specs = specs[1:]
	}
	done := true
	if len(specs) > 0 {
		var err error
		if done, err = p.some(ctx, d, to, specs); err != nil {
			return err
		}
	}
	if done && d.Repo.Config.Local(key) {
		return d.Repo.SetConfig(git.ConfigEdit{Key: key, Remove: true})
	}
	return nil
}

// some pushes branches at once; done says that all have arrived.
func (p *pushing) some(ctx context.Context, d *dataset.Dataset, to string, specs []string) (done bool, err error) {
	args := []string{"push", "--porcelain"}
	if p.opt.Force == ForceAll || p.opt.Force == ForceGit {
		args = append(args, "--force")
	}
	out, err := d.Repo.Output(ctx, append(append(args, "--", to), specs...)...)
	list := parsePush(string(out))
	var failed *git.CommandError
	if len(list) == 0 && err != nil || ctx.Err() != nil {
		return false, p.unreached(ctx, d, to, err)
	}
	done = err == nil
	var hints any
	if errors.As(err, &failed) {
		if text := hintsOf(failed.Stderr); text != "" {
			hints = text
		}
	}
	for _, r := range list {
		rec := p.record(d, r.status()).With("target", to).With("refspec", r.from+":"+r.to).With("operations", r.operations()).
			With("hints", hints).Msg(r.from + "->" + to + ":" + r.to + " " + r.note)
		if err := p.sink.Emit(rec); err != nil {
			return false, err
		}
	}
	return done, nil
}
