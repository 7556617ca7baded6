package clone

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
	"github.com/stemma-data/stemma/internal/ria"
	"github.com/stemma-data/stemma/internal/siblings"
)

// afterRIA prepares a clone from a RIA store: subdatasets are looked for in the
// store, too, and what is pushed to the store takes the content along by way
// of its storage sibling.
func (p *post) afterRIA(ctx context.Context) error {
	if err := p.set("datalad.get.subdataset-source-candidate-200origin", p.src.Store+"#{id}"); err != nil {
		return err
	}
	list, err := siblings.Specials(ctx, p.d)
	if err != nil {
		return err
	}
	enabled := p.storage(list, func(s siblings.Special) bool { return s.Enabled(p.repo.Config) })
	if len(p.storage(enabled, p.sameStore)) == 0 {
		if enabled, err = p.enableByStore(ctx, list, enabled); err != nil {
			return err
		}
	}
	matching := p.storage(enabled, func(s siblings.Special) bool { return p.storeOf(s) == p.src.Store })
	if len(matching) == 0 && len(enabled) > 0 {
		id := p.storageUUID(ctx)
		matching = p.storage(enabled, func(s siblings.Special) bool { return s.UUID == id })
	}
	switch len(matching) {
	case 0:
		return nil
	case 1:
	default:
		p.env.Log.Warn(fmt.Sprintf("Found multiple matching ORA remotes. Couldn't decide which one publishing to '%s' should depend on.", p.remote))
		return nil
	}
	p.env.Log.Info(fmt.Sprintf("Configure additional publication dependency on \"%s\"", matching[0].Name))
	if err := p.set("remote."+p.remote+".datalad-publish-depends", matching[0].Name); err != nil {
		return err
	}
	return p.configured(ctx, p.remote)
}

// storage picks ORA remotes.
func (p *post) storage(list []siblings.Special, want func(siblings.Special) bool) []siblings.Special {
	var found []siblings.Special
	for _, s := range list {
		if s.Type() == "ora" && want(s) {
			found = append(found, s)
		}
	}
	return found
}

// storeOf is the URL by which the remote is used here.
func (p *post) storeOf(s siblings.Special) string {
	if u := p.repo.Config.Get("remote." + s.Name + ".ora-url"); u != "" {
		return u
	}
	return s.Config["url"]
}

func (p *post) sameStore(s siblings.Special) bool {
	return strings.HasPrefix(p.storeOf(s), p.src.Store) || strings.HasPrefix(s.Config["push-url"], p.src.Store)
}

// enableByStore enables the storage sibling that the store itself names, with
// the URL that the store was reached by.
func (p *post) enableByStore(ctx context.Context, list, enabled []siblings.Special) ([]siblings.Special, error) {
	id := p.storageUUID(ctx)
	for _, s := range p.storage(list, func(s siblings.Special) bool { return s.UUID == id && id != "" }) {
		if err := siblings.Enable(ctx, p.d, s); err != nil {
			p.env.Log.Debug("enable storage sibling", "name", s.Name, "error", err)
			return enabled, nil
		}
		if err := p.set("remote."+s.Name+".ora-url", p.src.Store); err != nil {
			return nil, err
		}
		p.env.Log.Info(fmt.Sprintf("Reconfigured %s for %s", s.Name, p.src.Store))
		if !siblingIn(enabled, s) {
			enabled = append(enabled, s)
		}
	}
	return enabled, nil
}

func siblingIn(list []siblings.Special, s siblings.Special) bool {
	for _, o := range list {
		if o.UUID == s.UUID {
			return true
		}
	}
	return false
}

// storageUUID reads from the repository in the store which storage sibling
// belongs to it; "" where that cannot be known.
func (p *post) storageUUID(ctx context.Context) string {
	text, err := p.storeConfig(ctx)
	if err != nil {
		p.env.Log.Debug("read the store's configuration", "error", err)
		return ""
	}
	cfg, err := git.ParseConfigFile(text)
	if err != nil {
		return ""
	}
	if id := cfg.Get("datalad.ora-remote.uuid"); ria.ValidID(id) {
		return id
	}
	return ""
}

// maxStoreConfig bounds what is read of a store's configuration, in bytes.
const maxStoreConfig = 1 << 20

func (p *post) storeConfig(ctx context.Context) (string, error) {
	scheme, rest, _ := strings.Cut(p.src.GitURL, "://")
	switch scheme {
	case "http", "https":
		client := fetchurl.New(remote.Setup{Settings: p.repo.Config, Env: p.env.Vars})
		defer client.Close()
		return client.Text(ctx, p.src.GitURL+"/config", maxStoreConfig)
	case "file":
		dir, err := url.PathUnescape(strings.TrimPrefix(rest, "localhost"))
		if err != nil {
			return "", err
		}
		f, err := os.Open(filepath.Join(dir, "config"))
		if err != nil {
			return "", err
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxStoreConfig))
		return string(data), err
	case "ssh":
		u, err := ria.Parse(p.src.Store)
		if err != nil {
			return "", err
		}
		return ria.ReadRemote(ctx, u, p.env.Vars, strings.TrimPrefix(p.src.GitURL, "ssh://"+u.Host)+"/config", maxStoreConfig)
	}
	return "", fmt.Errorf("unknown scheme %q", scheme)
}
