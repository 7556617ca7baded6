package clone

import (
	"context"
	"os"
	"path/filepath"
	"strconv"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/siblings"
)

// maxOrigins bounds how long a chain of clones of clones is followed.
const maxOrigins = 20

// inheritOrigins makes remotes of the repositories that a source in this file
// system was itself cloned from: origin-2, origin-3, …
func (p *post) inheritOrigins(ctx context.Context) error {
	if inherit, ok := git.ParseBool(p.d.Config("datalad.install.inherit-local-origin")); ok && !inherit && p.d.Config("datalad.install.inherit-local-origin") != "" {
		return nil
	}
	known := map[string]bool{}
	address := p.repo.Config.Get("remote." + p.remote + ".url")
	from := p.dest
	for label := 2; label <= maxOrigins; label++ {
		if !isPath(address) || address == "" {
			return nil
		}
		dir := absFrom(from, p.expand(address))
		if known[dir] {
			return nil
		}
		known[dir] = true
		if label > 2 {
			if err := p.addOrigin(ctx, p.remote+"-"+strconv.Itoa(label-1), address, dir); err != nil {
				return err
			}
		}
		address, from = originOf(dir, p.remote), dir
	}
	return nil
}

// originOf reads the address of a repository's remote, or "".
func originOf(dir, remote string) string {
	for _, path := range []string{filepath.Join(dir, ".git", "config"), filepath.Join(dir, "config")} {
		fi, err := os.Stat(path)
		const sane = 1 << 20
		if err != nil || !fi.Mode().IsRegular() || fi.Size() > sane {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return ""
		}
		cfg, err := git.ParseConfigFile(string(text))
		if err != nil {
			return ""
		}
		return cfg.Get("remote." + remote + ".url")
	}
	return ""
}

// addOrigin configures a remote and fetches what it knows of locations.
func (p *post) addOrigin(ctx context.Context, name, address, dir string) error {
	if git.CheckURL(address) != nil {
		return nil
	}
	if !filepath.IsAbs(address) {
		if rel, err := filepath.Rel(p.dest, dir); err == nil {
			address = rel
		}
	}
	key := "remote." + name + "."
	if err := p.repo.SetConfig(git.Set(key+"url", address), git.Set(key+"fetch", "+refs/heads/*:refs/remotes/"+name+"/*")); err != nil {
		return err
	}
	if err := siblings.Fetch(ctx, p.d, name, p.sink); err != nil {
		return err
	}
	p.d.RememberRemotes(ctx)
	if p.repo.Config.Get(key+"annex-uuid") != "" {
		if err := p.set(key+"annex-ignore", "false"); err != nil {
			return err
		}
	}
	if p.d.Annex != nil {
		if _, err := p.d.Annex.Merge(ctx, p.d.Now()); err != nil {
			return err
		}
	}
	return p.configured(ctx, name)
}

// configured reports a remote whose settings changed.
func (p *post) configured(ctx context.Context, name string) error {
	r, err := siblings.Record(ctx, p.d, "configure-sibling", name)
	if err != nil {
		return err
	}
	return p.sink.Emit(r)
}
