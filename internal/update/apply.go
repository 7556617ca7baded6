package update

import (
	"context"
	"strings"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/annexmerge"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fetch"
	"github.com/stemma-data/stemma/internal/result"
)

// apply brings the fetched state into the work tree. done says that it was
// refused, which has been reported.
func (s *step) apply(ctx context.Context) (failed, done bool, err error) {
	refuse := func(why string) (bool, bool, error) {
		return true, true, s.sink.Emit(s.record(s.d, "update", result.Impossible).Msg(why))
	}
	if s.target, err = s.findTarget(ctx); err != nil {
		return true, false, err
	}
	managed := adjusted.Is(s.branch) && s.d.Annex != nil
	switch {
	case managed && s.followParent:
		return refuse("follow='parentds' is incompatible with adjusted branches")
	case managed && s.how != Merge:
		return refuse("Updating via '" + s.how + "' is incompatible with adjusted branches")
	case !managed && s.target == "":
		return refuse("Could not determine update target")
	}
	if !managed { // what a killed update has left half done; on adjusted branches the merge sees to it
		if err := s.d.Resume(ctx); err != nil {
			return true, false, err
		}
	}
	present, err := s.present(ctx)
	if err != nil {
		return true, false, err
	}
	switch {
	case managed:
		failed, err = s.sync(ctx)
	case s.how == Merge, s.how == FFOnly:
		failed, err = s.merge(ctx)
	case s.how == Reset:
		failed, err = s.reset(ctx)
	case s.how == Checkout:
		failed, err = s.git(ctx, "update.checkout", result.Tuple{"Checkout %s", s.target}, "checkout", "-q", "--detach", s.revision(), "--")
	}
	if err != nil || failed || len(present) == 0 {
		return failed, false, err
	}
	return false, false, s.reobtain(ctx, present)
}

// revision is the target, written so that git cannot take it for an option.
func (s *step) revision() string {
	if strings.HasPrefix(s.target, "-") {
		return "refs/remotes/" + s.target
	}
	return s.target
}

// git runs one command and reports how it went.
func (s *step) git(ctx context.Context, action string, message any, args ...string) (failed bool, err error) {
	r := s.record(s.d, action, result.OK).With("message", message)
	err = s.moving(ctx, func() error {
		_, err := s.d.Repo.Output(ctx, args...)
		return err
	})
	if err != nil {
		if ctx.Err() != nil {
			return true, err
		}
		r = r.As(result.Error).Msg(err.Error() + s.conflicts(ctx))
	}
	return r.Status.Failed(), s.sink.Emit(r)
}

// moving runs what brings the files here, and then the branch, to the target, so
// that the same command goes on where this one is killed. What leaves the branch
// is git's alone.
func (s *step) moving(ctx context.Context, run func() error) error {
	head, err := s.d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	to, err := s.d.Revision(ctx, s.revision())
	if err != nil {
		return err
	}
	if head.OID == "" || to == "" || to == head.OID || s.how == Checkout {
		return run()
	}
	if s.how == Reset {
		return s.d.MoveFiles(ctx, head.OID, to, "", run)
	}
	ahead, err := s.d.Repo.IsAncestor(ctx, head.OID, to)
	if err != nil {
		return err
	}
	switch {
	case ahead && (s.how == FFOnly || s.d.Repo.Config.Bool("merge.ff", true)):
		return s.d.MoveFiles(ctx, head.OID, to, "", run)
	case s.how == FFOnly:
		return run()
	}
	behind, err := s.d.Repo.IsAncestor(ctx, to, head.OID)
	switch {
	case err != nil:
		return err
	case behind:
		return run()
	}
	return annexmerge.LikeGit(ctx, s.d, head, annexmerge.Theirs{Ref: s.revision(), ID: to}, run)
}

// conflicts names the files that a merge stopped at, for the end of a message.
func (s *step) conflicts(ctx context.Context) string {
	out, err := s.d.Repo.Output(ctx, "diff", "--name-only", "--diff-filter=U")
	files := strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
	if err != nil || len(files) == 0 {
		return ""
	}
	return "; conflicts in " + strings.Join(files, ", ") + ": resolve them and commit, or give up with `git merge --abort`"
}

func (s *step) merge(ctx context.Context) (failed bool, err error) {
	args := []string{"merge", "-q", "--allow-unrelated-histories", "--no-edit"}
	if s.how == FFOnly {
		args = append(args, "--ff-only")
	}
	failed, err = s.git(ctx, "merge", result.Tuple{"Merged %s", s.target}, append(args, s.revision())...)
	if err != nil || s.d.Annex == nil {
		return failed, err
	}
	r := s.record(s.d, "update.annex_merge", result.OK).Msg("Merged annex branch")
	if _, err := s.d.Annex.Merge(ctx, s.d.Now()); err != nil {
		r, failed = r.As(result.Error).Msg(err.Error()), true
	}
	return failed, s.sink.Emit(r)
}

func (s *step) reset(ctx context.Context) (failed bool, err error) {
	clean, err := s.d.IsClean(ctx)
	if err != nil {
		return true, err
	}
	if !clean {
		return true, s.sink.Emit(s.record(s.d, "update.reset", result.Error).Msg("Refusing to reset dirty working tree"))
	}
	return s.git(ctx, "update.reset", result.Tuple{"Reset to %s", s.target}, "reset", "-q", "--hard", s.revision(), "--")
}

// present lists the annexed files that have content, where they shall have it
// afterwards, too.
func (s *step) present(ctx context.Context) ([]string, error) {
	if !s.opt.ReobtainAll || s.d.Annex == nil {
		return nil, nil
	}
	index, err := s.d.Repo.ReadIndex()
	if err != nil {
		return nil, err
	}
	var list []string
	for e, err := range index.Entries() {
		if err != nil {
			return nil, err
		}
		k, ok, err := s.d.KeyOf(ctx, e.Path, e.Mode, e.OID)
		if err != nil {
			return nil, err
		}
		if ok && s.d.Annex.Has(k) {
			list = append(list, s.d.Repo.Path(e.Path))
		}
	}
	return list, nil
}

// reobtain gets the content of files that had it before and were changed.
func (s *step) reobtain(ctx context.Context, paths []string) error {
	d, err := dataset.Open(ctx, s.d.Path(), "get content of", s.d.Env)
	if err != nil {
		return err
	}
	defer d.Close()
	quiet := result.SinkFunc(func(r result.Record) error {
		if r.Status == result.Impossible && r.String("message") == "path does not exist" {
			return nil // the update has deleted it
		}
		return s.sink.Emit(r)
	})
	return fetch.Get(ctx, d, fetch.Options{Paths: paths, Quiet: true}, quiet)
}
