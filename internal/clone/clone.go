package clone

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

// Options says what is cloned, and how.
type Options struct {
	Source      string           // as typed
	Path        string           // absolute; "": a folder of the source's name
	Super       *dataset.Dataset // where the clone is registered; nil for none
	Description string
	Reckless    string // "", auto, ephemeral, shared-MODE
	Message     string // of the commit in Super; "" for DataLad's
	GitArgs     []string
	Top         string   // for sources "///PATH"; "" for DataLad's
	Procedures  []string // configuration procedures to run in the clone
}

// recklessKey is the setting of git's configuration by which a clone remembers
// how it was made.
const recklessKey = "datalad.clone.reckless"

// addedMessage is the commit message with which a superdataset registers a
// clone.
const addedMessage = "[DATALAD] Added subdataset"

// Clone brings a dataset here and, where asked to, registers it in its
// superdataset. It returns nil where that failed, which has been reported; the
// caller closes the dataset's Repo.
func Clone(ctx context.Context, opt Options, env dataset.Env, sink result.Sink) (*dataset.Dataset, error) {
	if err := checkReckless(opt.Reckless); err != nil {
		return nil, err
	}
	if slices.Contains(opt.GitArgs, "--bare") || slices.Contains(opt.GitArgs, "--mirror") {
		return nil, errs.WithHint(errors.New("clone: a bare repository is no dataset"), "use git clone, or make one with create-sibling-ria")
	}
	j, err := newJob(ctx, &opt, env)
	if err != nil {
		return nil, err
	}
	if opt.Super != nil {
		if rel, err := opt.Super.Rel(j.dest); err != nil || rel == "." {
			return nil, sink.Emit(j.record.As(result.Error).With("message",
				result.Tuple{"clone target path '%s' not in specified target dataset '%s'", j.dest, "Dataset(" + opt.Super.Path() + ")"}))
		}
	}
	d, _, err := j.run(ctx, sink)
	if err != nil {
		return nil, err
	}
	if d == nil {
		if j.here && opt.Super != nil {
			err = opt.registerLate(ctx, j.dest, env, sink)
		}
		return nil, err
	}
	j.complete()
	for _, p := range opt.Procedures {
		if err := d.Procedure(ctx, p, sink); err != nil {
			return d, err
		}
	}
	if opt.Super == nil {
		return d, nil
	}
	return d, opt.register(ctx, d, sink)
}

// checkReckless refuses unknown modes.
func checkReckless(mode string) error {
	if mode == "" || mode == "auto" || mode == "ephemeral" || strings.HasPrefix(mode, "shared-") && !strings.ContainsAny(mode, " \n") {
		return nil
	}
	return errs.WithExit(errs.WithHint(fmt.Errorf("unknown --reckless mode %q", mode), "auto, ephemeral, or shared-MODE"), errs.ExitUsage)
}

func newJob(ctx context.Context, opt *Options, env dataset.Env) (*job, error) {
	j := &job{
		env: env, top: opt.Top, sources: []string{opt.Source}, from: env.Cwd, args: opt.GitArgs,
		reckless: opt.Reckless, description: opt.Description, dest: opt.Path,
	}
	var err error
	if j.cfg, err = configOf(ctx, opt.Super, env); err != nil {
		return nil, err
	}
	if j.reckless == "" && opt.Super != nil {
		j.reckless = opt.Super.Repo.Config.Get(recklessKey) // not what a clone brings along: it may lead outside
	}
	if j.dest == "" {
		rules, err := readRules(j.cfg, opt.Top)
		if err != nil {
			return nil, err
		}
		src, err := decode(opt.Source, rules)
		if err != nil {
			return nil, err
		}
		if src.Name == "" || src.Name == "/" {
			return nil, errs.WithHint(fmt.Errorf("clone: no name for the folder can be made of %q", opt.Source), "give a PATH")
		}
		j.dest = filepath.Join(env.Cwd, src.Name)
	}
	if opt.Super != nil && len(opt.Super.BranchConfigKeys("url."))+len(opt.Super.BranchConfigKeys(substitutePrefix)) > 0 {
		j.untrusted = true // .datalad/config may make another address of the user's
	}
	j.record = result.New("install", result.Error, j.dest, result.Dataset).With("source_url", opt.Source)
	if opt.Super != nil {
		j.record = j.record.Ref(opt.Super.Path())
	}
	return j, nil
}

// configOf is the configuration that counts for a clone: the superdataset's, or
// the user's.
func configOf(ctx context.Context, super *dataset.Dataset, env dataset.Env) (Rewriter, error) {
	if super != nil {
		return datasetConfig{super}, nil
	}
	cfg, err := git.UserConfig(ctx, env.Vars)
	return userConfig{cfg}, err
}

type datasetConfig struct{ d *dataset.Dataset }

func (c datasetConfig) Config(key string) string          { return c.d.Config(key) }
func (c datasetConfig) ConfigKeys(prefix string) []string { return c.d.ConfigKeys(prefix) }
func (c datasetConfig) All(key string) []string           { return c.d.ConfigAll(key) }

type userConfig struct{ cfg *git.Config }

func (c userConfig) Config(key string) string          { return c.cfg.Get(key) }
func (c userConfig) ConfigKeys(prefix string) []string { return c.cfg.Keys(prefix) }
func (c userConfig) All(key string) []string           { return c.cfg.All(key) }

// register saves the clone in its superdataset. The source as it was typed is
// kept beside the address for git, for later clones of the superdataset.
func (opt *Options) register(ctx context.Context, d *dataset.Dataset, sink result.Sink) error {
	super, done, err := opt.parent(ctx, d)
	if err != nil {
		return err
	}
	defer done()
	rel, err := super.Rel(d.Path())
	if err != nil {
		return err
	}
	if err := super.DeclareModule(ctx, rel, [2]string{"datalad-url", opt.Source}); err != nil {
		return err
	}
	message := opt.Message
	if message == "" {
		message = addedMessage
	}
	saved := false
	report := result.SinkFunc(func(r result.Record) error {
		saved = saved || r.Action == "save" && r.Status == result.OK
		return sink.Emit(r)
	})
	err = opt.Super.SaveModule(ctx, d.Path(), message, report)
	if err != nil || !saved {
		return err
	}
	// DataLad commits twice and reports both.
	modules := result.New("add", result.OK, filepath.Join(super.Path(), ".gitmodules"), result.File).Ref(opt.Super.Path()).With("key", nil)
	if err := sink.Emit(modules); err != nil {
		return err
	}
	return sink.Emit(result.New("save", result.OK, super.Path(), result.Dataset).Ref(opt.Super.Path()))
}

// registerLate saves a clone that has been here: it may be that an earlier
// process was killed before it did.
func (opt *Options) registerLate(ctx context.Context, path string, env dataset.Env, sink result.Sink) error {
	d, err := dataset.Open(ctx, path, "register a subdataset", env)
	if err != nil {
		return err
	}
	defer d.Close()
	return opt.register(ctx, d, sink)
}

// parent opens the dataset that the clone lies in directly.
func (opt *Options) parent(ctx context.Context, d *dataset.Dataset) (super *dataset.Dataset, done func(), err error) {
	super, err = dataset.Open(ctx, filepath.Dir(d.Path()), "register a subdataset", d.Env)
	if err != nil {
		return nil, nil, err
	}
	if super.Path() == opt.Super.Path() {
		super.Close()
		return opt.Super, func() {}, nil
	}
	return super, super.Close, nil
}
