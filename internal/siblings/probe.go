package siblings

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
)

// probe finds out whether there is an annex at the sibling, as git-annex does
// when it enables a remote. A special remote is no question.
func probe(ctx context.Context, d *dataset.Dataset, name string) error {
	key := "remote." + name + "."
	if d.Annex == nil || d.Repo.Config.Bool(key+"annex-ignore", false) {
		return nil
	}
	if d.Repo.Config.Get(key+"url") == "" {
		return nil
	}
	peers, err := d.Peers(ctx)
	if err != nil {
		d.Env.Log.Debug("open remotes", "error", err)
	}
	d.RememberPeers(peers)
	edits := []git.ConfigEdit{git.Set(key+"annex-ignore", "false")}
	for _, p := range peers {
		if p.Spec.Name != name {
			continue
		}
		if uuid := nearUUID(ctx, d, p); uuid != "" {
			edits = append(edits, git.Set(key+"annex-uuid", uuid))
		} else if p.Err != nil && p.Spec.Kind == remote.Network && !overSSH(p.Spec.URL) {
			d.Env.Log.Info(fmt.Sprintf("Remote %s not usable by git-annex; setting annex-ignore: %s", name, p.Err))
			edits[0].Value = "true"
		}
	}
	return d.Repo.SetConfig(edits...)
}

// nearUUID is the sibling's identity as far as this machine's folders tell it,
// whatever was noted before: that of the place for content, else, as git-annex
// has it, that of the place that git fetches from. "" if neither is an annex here.
func nearUUID(ctx context.Context, d *dataset.Dataset, p dataset.Peer) string {
	var other *remote.MismatchError
	switch {
	case p.Spec.Kind == remote.Path && errors.As(p.Err, &other):
		return other.Have
	case p.Spec.Kind == remote.Path && p.Remote != nil:
		return p.Remote.UUID()
	}
	place, ok := remote.FetchPlace(d.Repo.Config, p.Spec.Name, d.Path())
	if !ok || place.Kind != remote.Path {
		return ""
	}
	repo, err := git.OpenAt(ctx, place.Dir, git.Options{Env: d.Env.Vars})
	if err != nil {
		d.Env.Log.Debug("open the place that is fetched from", "remote", p.Spec.Name, "error", err)
		return ""
	}
	defer repo.Close()
	return repo.Config.Get("annex.uuid")
}

// overSSH tells addresses that ssh reaches; what cannot be reached now may be
// later, unlike with others, which git-annex gives up.
func overSSH(address string) bool {
	scheme, _, ok := strings.Cut(address, "://")
	return !ok && !strings.Contains(address, "::") || strings.Contains(scheme, "ssh")
}
