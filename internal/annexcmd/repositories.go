package annexcmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/remote"
)

// WebUUID is the identity of everything that URLs lead to.
const WebUUID = "00000000-0000-0000-0000-000000000001"

// BittorrentUUID is git-annex's built-in remote for torrents.
const BittorrentUUID = "00000000-0000-0000-0000-000000000002"

// Repositories is what is known of the repositories that hold content.
type Repositories struct {
	here         string
	descriptions map[string]string
	names        map[string]string // remotes by identity
	trust        *dataset.Trust
	special      map[string]bool // remotes that were ever set up
	Peers        []dataset.Peer
	groups       annexlog.Log
	ignored      []remote.Spec  // remotes without content (annex-ignore)
	named        []dataset.Peer // special remotes among these, which only who names them uses
}

// Repositories reads descriptions, trust and remotes, once.
func (s *Session) Repositories(ctx context.Context) (*Repositories, error) {
	if s.repos != nil {
		return s.repos, nil
	}
	r := &Repositories{
		here: s.D.Annex.UUID, names: map[string]string{}, special: map[string]bool{},
		descriptions: map[string]string{WebUUID: "web", BittorrentUUID: "bittorrent"},
	}
	if s.opened == nil {
		var err error
		if s.opened, err = s.D.Peers(ctx); err != nil {
			return nil, err
		}
		s.D.RememberPeers(s.opened)
		if s.named, err = s.D.IgnoredSpecials(ctx); err != nil {
			return nil, err
		}
		for _, p := range s.opened {
			if c, ok := remote.As[remote.LockCarrier](p.Remote); ok {
				s.carried = append(s.carried, c.CarryLocks())
			}
		}
	}
	r.Peers, r.named = s.opened, s.named
	for _, spec := range remote.List(s.D.Repo.Config, s.D.Path()) {
		if spec.Ignore {
			r.ignored = append(r.ignored, spec)
			if spec.UUID != "" {
				r.names[spec.UUID] = spec.Name
			}
		}
	}
	logs := map[string]annexlog.Log{}
	for _, name := range []string{annexlog.UUIDFile, annexlog.TrustFile, annexlog.GroupFile, annexlog.RemoteFile} {
		data, err := s.Log(ctx, name)
		if err != nil {
			return nil, err
		}
		logs[name] = annexlog.ParseUUIDLog(data)
	}
	for _, e := range logs[annexlog.UUIDFile].Entries() {
		r.descriptions[e.Field] = e.Value
	}
	r.groups = logs[annexlog.GroupFile]
	r.trust = dataset.NewTrust(logs[annexlog.TrustFile], logs[annexlog.RemoteFile], r.Peers)
	for _, e := range logs[annexlog.RemoteFile].Entries() {
		r.special[e.Field] = true
	}
	for _, p := range r.Peers {
		u := p.UUID()
		if u == "" || u == WebUUID {
			continue
		}
		if _, ok := r.names[u]; !ok {
			r.names[u] = p.Spec.Name
		}
	}
	for _, o := range s.Settings.Trust {
		u, err := r.Resolve(o.Repository)
		if err != nil {
			return nil, err
		}
		r.trust.Override(u, o.Level)
	}
	s.repos = r
	return r, nil
}

// Trust tells how far a repository counts.
func (r *Repositories) Trust(uuid string) annexlog.Trust { return r.trust.Of(uuid) }

// trustedAs reports whether a copy may go to one repository instead of another:
// it is trusted, or no less than the other is.
func (r *Repositories) trustedAs(uuid, than string) bool {
	return r.Trust(uuid) != annexlog.Untrusted && r.Trust(uuid) != annexlog.Dead || trustRank(r.Trust(uuid)) >= trustRank(r.Trust(than))
}

// Description is the text for people, with the remote's name in brackets.
func (r *Repositories) Description(uuid string) string {
	return named(r.descriptions[uuid], r.names[uuid])
}

func named(description, name string) string {
	switch {
	case name == "":
		return description
	case description == "" || description == name:
		return "[" + name + "]"
	}
	return description + " [" + name + "]"
}

// line is how a repository stands in lists.
func (r *Repositories) line(uuid string) string {
	d := r.Description(uuid)
	if uuid == r.here {
		d = named(r.descriptions[uuid], "here")
	}
	if d == "" {
		return uuid
	}
	return uuid + " -- " + d
}

// object is a repository in JSON.
func (r *Repositories) object(uuid string) map[string]any {
	return map[string]any{"uuid": uuid, "description": r.Description(uuid), "here": uuid == r.here}
}

// objects is never nil, so that JSON shows a list.
func (r *Repositories) objects(uuids []string) []any {
	list := []any{}
	for _, u := range uuids {
		list = append(list, r.object(u))
	}
	return list
}

// All lists every repository that is known, sorted by identity.
func (r *Repositories) All() []string {
	set := map[string]bool{r.here: true}
	for u := range r.descriptions {
		set[u] = true
	}
	for _, e := range r.trust.Log.Entries() {
		set[e.Field] = true
	}
	for u := range r.names {
		set[u] = true
	}
	list := make([]string, 0, len(set))
	for u := range set {
		list = append(list, u)
	}
	slices.Sort(list)
	return list
}

// Resolve finds the repository that a user names: by "here" or ".", a remote's
// name, an identity, or a description.
func (r *Repositories) Resolve(name string) (string, error) {
	if name == "here" || name == "." {
		return r.here, nil
	}
	for _, p := range r.Peers {
		if p.Spec.Name == name {
			return known(p.Spec, p.UUID())
		}
	}
	for _, spec := range r.ignored {
		if spec.Name == name {
			return known(spec, spec.UUID)
		}
	}
	if _, ok := r.descriptions[name]; ok || slices.Contains(r.All(), name) {
		return name, nil
	}
	var found []string
	for u, d := range r.descriptions {
		if d == name {
			found = append(found, u)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("there is no available git remote named %q", name)
	}
	slices.Sort(found)
	return "", fmt.Errorf("found multiple repositories whose name or description matches %q: %s", name, strings.Join(found, " "))
}

// known is the identity of a remote, as far as it is known.
func known(spec remote.Spec, uuid string) (string, error) {
	if uuid == "" {
		return "", fmt.Errorf("cannot determine uuid for %s (perhaps you need to run \"git annex sync\"?)", spec.Name)
	}
	return uuid, nil
}

// Peer finds a remote by its name. Special remotes that are not used otherwise
// (annex-ignore) are found as well, as by git-annex.
func (r *Repositories) Peer(name string) (dataset.Peer, error) {
	peers := slices.Concat(r.Peers, r.named)
	for _, p := range peers {
		if p.Spec.Name == name || p.UUID() != "" && p.UUID() == name {
			return p, nil
		}
	}
	if u, err := r.Resolve(name); err == nil {
		for _, p := range peers {
			if p.UUID() == u {
				return p, nil
			}
		}
	}
	return dataset.Peer{}, fmt.Errorf("there is no available git remote named %q", name)
}

// Locations are the repositories that have the key by the logs, without dead
// ones.
func (s *Session) Locations(ctx context.Context, r *Repositories, path string) ([]string, error) {
	data, err := s.Log(ctx, path)
	if err != nil {
		return nil, err
	}
	var live []string
	for _, u := range annexlog.ParsePresence(data).Present() {
		if r.Trust(u) != annexlog.Dead {
			live = append(live, u)
		}
	}
	return live, nil
}

// shortName is the remote's name, or what a repository without one is called.
func (r *Repositories) shortName(uuid string) string {
	if name, ok := r.names[uuid]; ok {
		return name
	}
	return r.descriptions[uuid]
}

// Groups are the groups of a repository.
func (r *Repositories) Groups(uuid string) []string {
	e, _ := r.groups.Get(uuid)
	return annexlog.ParseGroups(e.Value)
}
