package clone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

// finish makes a dataset of what git cloned. Its steps cost the same however
// many files there are.
func (j *job) finish(ctx context.Context, src Source, sink result.Sink) (*dataset.Dataset, error) {
	repo, err := git.Open(ctx, j.dest, git.Options{Env: j.env.Vars})
	if err != nil {
		return nil, err
	}
	if repo.WorkTree != j.dest {
		return nil, fmt.Errorf("clone: no repository has come to %s", j.dest)
	}
	p := &post{job: j, src: src, sink: sink, repo: repo}
	if err := p.run(ctx); err != nil {
		repo.Close()
		return nil, err
	}
	return p.d, nil
}

// post is what is done to one clone after git has made it.
type post struct {
	*job
	src    Source
	sink   result.Sink
	repo   *git.Repo
	d      *dataset.Dataset
	remote string // "origin", or as the user wants it called
}

func (p *post) run(ctx context.Context) error {
	if err := p.nameRemote(); err != nil {
		return err
	}
	if p.src.Version == "" {
		if err := p.bornHead(ctx); err != nil {
			return err
		}
	}
	if mode, ok := strings.CutPrefix(p.reckless, "shared-"); ok {
		if _, err := p.repo.Output(ctx, "init", "-q", "--shared="+mode); err != nil {
			return err
		}
		if err := p.repo.SetConfig(); err != nil {
			return err
		}
	}
	var err error
	if p.repo, err = git.Open(ctx, p.dest, git.Options{Env: p.env.Vars}); err != nil {
		return err
	}
	if err := p.repo.TemplateFolders(); err != nil {
		return err
	}
	if p.src.Kind == kindRIA {
		// Content in a store belongs to its storage sibling, not to git-annex.
		if err := p.set("remote."+p.remote+".annex-ignore", "true"); err != nil {
			return err
		}
	}
	if p.d, err = dataset.From(p.repo, p.env); err != nil {
		return err
	}
	if p.noFiles {
		if err := p.populate(ctx); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{p.startAnnex, p.checkout, p.adjust, p.lastSettings} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *post) set(key, value string) error { return p.repo.SetConfig(git.Set(key, value)) }

// nameRemote finds the name of the one remote, and makes a path that the user
// typed relative to their folder one that is relative to the clone.
func (p *post) nameRemote() error {
	for _, key := range p.repo.Config.Keys("remote.") {
		if name, ok := strings.CutSuffix(strings.TrimPrefix(key, "remote."), ".url"); ok && p.repo.Config.Local(key) {
			p.remote = name
			break
		}
	}
	if p.remote == "" {
		return errors.New("clone: git made a clone without a remote")
	}
	address, ok := localPath(p.src.GitURL)
	if address = p.expand(address); !ok || filepath.IsAbs(address) {
		return nil
	}
	rel, err := filepath.Rel(p.dest, absFrom(p.from, address))
	if err != nil {
		return err
	}
	return p.set("remote."+p.remote+".url", rel)
}

// bornHead checks out the newest branch where the source's HEAD leads to one
// without commits.
func (p *post) bornHead(ctx context.Context) error {
	head, err := p.repo.Head(ctx)
	if err != nil || head.OID != "" {
		return err
	}
	prefix := "refs/remotes/" + p.remote + "/"
	out, err := p.repo.Output(ctx, "for-each-ref", "--sort=-committerdate", "--format=%(refname)", prefix)
	if err != nil {
		return err
	}
	for ref := range strings.Lines(string(out)) {
		branch := strings.TrimPrefix(strings.TrimRight(ref, "\n"), prefix)
		if branch == "git-annex" || branch == "HEAD" || strings.HasPrefix(branch, "adjusted/") || strings.HasPrefix(branch, "-") {
			continue
		}
		_, err := p.repo.Output(ctx, "checkout", "-q", "-b", branch, "--track", p.remote+"/"+branch)
		return err
	}
	p.env.Log.Warn(fmt.Sprintf("Cloned %s but could not find a branch with commits", p.dest))
	return nil
}

// startAnnex initialises the annex where the source has one.
func (p *post) startAnnex(ctx context.Context) error {
	switch {
	case p.reckless == "auto":
		if err := p.set("annex.hardlink", "true"); err != nil {
			return err
		}
	case p.reckless == "ephemeral":
		if err := p.set("annex.private", "true"); err != nil {
			return err
		}
	}
	if err := p.d.StartAnnex(ctx, p.description); err != nil {
		return err
	}
	if p.d.Annex == nil {
		return nil
	}
	switch {
	case p.reckless == "ephemeral":
		if err := p.borrowAnnex(); err != nil {
			return err
		}
	case p.reckless == "auto", strings.HasPrefix(p.reckless, "shared-"):
		if err := p.untrust(ctx); err != nil {
			return err
		}
	}
	if err := p.enableSpecials(ctx); err != nil {
		return err
	}
	return p.inheritOrigins(ctx)
}

// untrust says that content here does not count as a safe copy.
func (p *post) untrust(ctx context.Context) error {
	edit := dataset.Untrust(p.d.Annex.UUID, p.d.LogClock())
	_, err := p.d.Publisher().Publish(ctx, commit.Request{Logs: []annex.LogEdit{edit}, Reason: "stemma clone: untrust"})
	return err
}

// borrowAnnex uses the source's annex in place of an own one: content is there
// at once, and none is ever copied back.
func (p *post) borrowAnnex() error {
	if err := p.set("remote."+p.remote+".annex-ignore", "true"); err != nil {
		return err
	}
	dir, ok := localPath(p.repo.Config.Get("remote." + p.remote + ".url"))
	if !ok {
		p.env.Log.Warn(fmt.Sprintf("reckless=ephemeral mode: %s doesn't seem local: %s; no symlinks being used", p.remote, git.Redact(p.src.GitURL)))
		return nil
	}
	dir = absFrom(p.dest, p.expand(dir))
	if filepath.Base(dir) != ".git" && isDir(filepath.Join(dir, ".git")) {
		dir = filepath.Join(dir, ".git")
	}
	if crippled, err := p.d.CrippledFileSystem(); err != nil || crippled {
		p.env.Log.Warn("reckless=ephemeral mode: Unable to create symlinks on this file system.")
		return err
	}
	own := p.d.Annex.Dir()
	if err := os.RemoveAll(own); err != nil {
		return fmt.Errorf("clone: %w", err)
	}
	return os.Symlink(filepath.Join(dir, "annex"), own)
}

func isDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

// lastSettings remembers how this clone was made, for subdatasets.
func (p *post) lastSettings(ctx context.Context) error {
	if p.src.Kind == kindRIA {
		if err := p.afterRIA(ctx); err != nil {
			return err
		}
	}
	if p.reckless == "" {
		return nil
	}
	return p.set(recklessKey, p.reckless)
}
