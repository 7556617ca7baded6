package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
)

// SyncOptions says what a synchronisation does.
type SyncOptions struct {
	Remotes                  []string // none: all that want it
	NoCommit, NoPull, NoPush bool
	OnlyAnnex, Content       bool
	Resolve, NoResolve       bool // conflicts of annexed files; neither: as configured
	Message                  string
	AllowUnrelated           bool
	Fetched                  bool // what is pulled has been fetched already
}

// Synchronize commits, merges with the remotes and pushes to them, the
// git-annex branch always and the user's branch unless only the annex is meant.
// say is told of each step, and how it ended.
func (s *Session) Synchronize(ctx context.Context, opt SyncOptions, say func(step string, err error) error) error {
	remotes, err := s.syncRemotes(opt.Remotes)
	if err != nil {
		return err
	}
	if !opt.NoCommit && !opt.OnlyAnnex {
		if err := errors.Join(s.D.ResumeMove(ctx), s.D.RefuseUnmerged(ctx)); err != nil {
			return err
		}
		if err := say("commit", s.syncCommit(ctx, opt.Message)); err != nil {
			return err
		}
	}
	if _, err := s.D.PropagateToBasis(ctx); err != nil {
		return err
	}
	if !opt.NoPull {
		for _, r := range remotes {
			if err := say("pull "+r, s.pull(ctx, r, opt)); err != nil {
				return err
			}
		}
	}
	if _, err := s.D.Annex.Merge(ctx, s.D.Now()); err != nil {
		return err
	}
	if err := s.MergeSynced(ctx, SyncOptions{Resolve: opt.Resolve, NoResolve: opt.NoResolve}); err != nil && !opt.OnlyAnnex {
		return err
	}
	if err := s.updateSynced(ctx, opt); err != nil {
		return err
	}
	if opt.NoPush {
		return nil
	}
	for _, r := range remotes {
		if err := say("push "+r, s.push(ctx, r, opt)); err != nil {
			return err
		}
	}
	return nil
}

// syncRemotes are the git remotes to talk to.
func (s *Session) syncRemotes(names []string) ([]string, error) {
	var all, specials []string
	for _, spec := range remote.List(s.D.Repo.Config, s.D.Path()) {
		if spec.Kind == remote.Special || spec.URL == "" {
			specials = append(specials, spec.Name)
			continue
		}
		if len(names) == 0 && (!s.D.Repo.Config.Bool("remote."+spec.Name+".annex-sync", true) || s.vanished(spec)) {
			continue
		}
		all = append(all, spec.Name)
	}
	if len(names) == 0 {
		return all, nil
	}
	var git []string
	for _, n := range names {
		switch {
		case slices.Contains(all, n):
			git = append(git, n)
		case !slices.Contains(specials, n): // those have only content
			return nil, fmt.Errorf("there is no available git remote named %q", n)
		}
	}
	return git, nil
}

// vanished reports whether a remote is a folder that is not there: on a disk
// that is not mounted, perhaps.
func (s *Session) vanished(spec remote.Spec) bool {
	if spec.Kind != remote.Path {
		return false
	}
	_, err := os.Stat(spec.Dir)
	return missing(err)
}

// Tracked is a remote that holds the tree of a branch.
type Tracked struct {
	Name             string
	Branch           string // or BRANCH:FOLDER
	Exports, Imports bool
}

// Tracking lists the remotes among the named ones (none: all that want to be
// synchronised) that follow a branch (remote.NAME.annex-tracking-branch).
func (s *Session) Tracking(ctx context.Context, names []string) ([]Tracked, error) {
	cfg := s.D.Repo.Config
	var list []Tracked
	for _, spec := range remote.List(cfg, s.D.Path()) {
		branch := cfg.Get("remote." + spec.Name + ".annex-tracking-branch")
		wanted := slices.Contains(names, spec.Name) || len(names) == 0 && cfg.Bool("remote."+spec.Name+".annex-sync", true)
		if spec.Kind != remote.Special || spec.Ignore || branch == "" || !wanted {
			continue
		}
		t := Tracked{Name: spec.Name, Branch: branch}
		for field, on := range map[string]*bool{"exporttree": &t.Exports, "importtree": &t.Imports} {
			v, err := s.RemoteOption(ctx, spec.UUID, field)
			if err != nil {
				return nil, err
			}
			*on = v == "yes" || v == "true"
		}
		if cfg.Bool("remote."+spec.Name+".annex-readonly", false) || !cfg.Bool("remote."+spec.Name+".annex-push", true) {
			t.Exports = false
		}
		if !cfg.Bool("remote."+spec.Name+".annex-pull", true) {
			t.Imports = false
		}
		list = append(list, t)
	}
	return list, nil
}

// MergeTracking merges what was imported into the branch that is checked out, if
// it is the one that the remote follows. The first import has no history in
// common with it.
func (s *Session) MergeTracking(ctx context.Context, t Tracked) error {
	followed, _, _ := strings.Cut(t.Branch, ":")
	branch, err := s.branch(ctx)
	if err != nil || branch == "" || branch != followed {
		return err
	}
	return s.mergeRef(ctx, "refs/remotes/"+t.Name+"/"+branch, SyncOptions{AllowUnrelated: true})
}

// syncCommit commits what has changed of the files that git knows. It may also
// end a merge, if nothing of it is in conflict: git would take conflicts for
// resolved.
func (s *Session) syncCommit(ctx context.Context, message string) error {
	if message == "" {
		r, err := s.Repositories(ctx)
		if err != nil {
			return err
		}
		message = "git-annex in " + r.descriptions[r.here]
	}
	_, err := s.D.Repo.Output(ctx, "commit", "-a", "-m", message)
	if git.ExitCode(err) == 1 {
		return nil // nothing to commit
	}
	return err
}

// branch is the user's branch without what git-annex put around it.
func (s *Session) branch(ctx context.Context) (string, error) {
	head, err := s.D.Repo.Head(ctx)
	if err != nil || head.OID == "" {
		return "", err
	}
	name, _, _ := annex.ParseAdjusted(head.Branch())
	return name, nil
}

func (s *Session) pull(ctx context.Context, name string, opt SyncOptions) error {
	if !opt.Fetched {
		if _, err := s.D.Repo.Output(ctx, "fetch", "--quiet", "--", name); err != nil {
			return err
		}
	}
	branch, err := s.branch(ctx)
	if err != nil || branch == "" || opt.OnlyAnnex {
		return err
	}
	refs := []string{"refs/remotes/" + name + "/" + branch, "refs/remotes/" + name + "/synced/" + branch}
	if a, err := s.D.Adjusted(ctx); err != nil || a != nil {
		return errors.Join(err, s.mergeAdjusted(ctx, opt, refs...))
	}
	for _, ref := range refs {
		if err := s.mergeRef(ctx, ref, opt); err != nil {
			return err
		}
	}
	return nil
}

// updateSynced moves our synced/BRANCH to the branch.
func (s *Session) updateSynced(ctx context.Context, opt SyncOptions) error {
	branch, err := s.branch(ctx)
	if err != nil || branch == "" || opt.OnlyAnnex {
		return err
	}
	tip, err := s.D.Repo.Ref(ctx, "refs/heads/"+branch)
	if err != nil || tip == "" {
		return err
	}
	ref := "refs/heads/synced/" + branch
	old, err := s.D.Repo.Ref(ctx, ref)
	if err != nil || old == tip {
		return err
	}
	return s.D.Repo.MoveRefs(ctx, []git.RefMove{{Name: ref, Old: old, New: tip}}, "git-annex sync")
}

// push updates the remote's synced branches, and then the branches themselves
// as far as the remote lets us.
func (s *Session) push(ctx context.Context, name string, opt SyncOptions) error {
	cfg := s.D.Repo.Config
	if cfg.Bool("remote."+name+".annex-readonly", false) || !cfg.Bool("remote."+name+".annex-push", true) {
		return nil
	}
	branch, err := s.branch(ctx)
	if err != nil {
		return err
	}
	if err := s.Close(ctx); err != nil { // what is about to be pushed must be complete
		return err
	}
	synced := []string{"push", "--quiet", "--", name, "+" + annex.BranchRef + ":refs/heads/synced/git-annex"}
	direct := []string{annex.BranchRef + ":" + annex.BranchRef}
	if branch != "" && !opt.OnlyAnnex {
		synced = append(synced, "refs/heads/"+branch+":refs/heads/synced/"+branch)
		direct = append(direct, "refs/heads/"+branch+":refs/heads/"+branch)
	}
	if _, err := s.D.Repo.Output(ctx, synced...); err != nil {
		return err
	}
	for _, spec := range direct {
		// Refused where it is checked out there, or moved on: the other side
		// merges synced/… then.
		var refused *git.CommandError
		if _, err := s.D.Repo.Output(ctx, "push", "--quiet", "--", name, spec); err != nil && !errors.As(err, &refused) {
			return err
		}
	}
	return nil
}
