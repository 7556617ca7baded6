package annexcmd

import (
	"context"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/remote"
)

// encryptedCost is what encryption adds to the cost of a remote.
const encryptedCost = 50

// infoRepository tells about the repository; name is what it was asked for by.
func (s *Session) infoRepository(ctx context.Context, r *Repositories, uuid, name string, item Item, inBytes bool) (Outcome, error) {
	i := newInfos(inBytes)
	item.NoFile = true
	description := r.Description(uuid)
	if uuid == r.here {
		description, item.Command = named(r.descriptions[uuid], "here"), "info "+uuid
	}
	i.add("uuid", uuid, uuid)
	i.add("description", description, description)
	i.add("trust", trustWords[r.Trust(uuid)], trustWords[r.Trust(uuid)])
	spec, ok := s.remoteNamed(name) // of those that share their content, the one that is meant
	if at := slices.IndexFunc(r.Peers, func(p dataset.Peer) bool { return p.UUID() == uuid }); !ok && at >= 0 {
		spec, ok = r.Peers[at].Spec, true
	}
	if ok {
		item.Command = "info " + spec.Name
		if err := s.infoType(ctx, i, spec); err != nil {
			return Outcome{}, err
		}
	}
	return s.infoKeysOf(ctx, i, uuid, item)
}

// infoType tells what kind of remote it is, and how it is set up.
func (s *Session) infoType(ctx context.Context, i *Infos, spec remote.Spec) error {
	i.add("remote", spec.Name, spec.Name)
	data, err := s.Log(ctx, annexlog.RemoteFile)
	if err != nil {
		return err
	}
	config := remote.ConfigOf(annexlog.ParseUUIDLog(data), remote.Setup{Spec: spec, Settings: s.D.Repo.Config})
	encryption := describeEncryption(config)
	cost := spec.Cost
	if encryption != "none" && config["type"] != "httpalso" {
		cost += encryptedCost
	}
	i.addText("cost", strconv.FormatFloat(cost, 'f', 1, 64))
	switch {
	case spec.UUID == WebUUID:
		i.addText("type", "web")
		return nil
	case spec.Kind != remote.Special:
		i.addText("type", "git")
		i.addText("repository location", spec.URL)
		i.addText("last synced", s.lastSynced(spec.Name))
		return nil
	}
	for _, field := range []string{"type", "externaltype"} {
		if v := config[field]; v != "" {
			i.addText(field, v)
		}
	}
	for _, place := range [][2]string{{"directory", "annex-directory"}, {"url", "annex-rsyncurl"}} {
		if v := s.D.Repo.Config.Get("remote." + spec.Name + "." + place[1]); v != "" {
			i.addText(place[0], v)
		}
	}
	if slices.Contains([]string{"git", "web", "httpalso"}, config["type"]) { // which keep nothing of their own
		return nil
	}
	i.addText("encryption", encryption)
	i.addText("chunking", i.chunking(config))
	for _, field := range []string{"exporttree", "importtree"} {
		if config[field] != "yes" && config[field] != "true" {
			continue
		}
		i.addText(field, "yes")
		if field == "exporttree" {
			exports, err := s.Log(ctx, annexlog.ExportFile)
			if err != nil {
				return err
			}
			i.addText("exportedtree", strings.Join(annexlog.ParseExports(exports).Trees(spec.UUID, ""), " "))
		}
	}
	return nil
}

// remoteNamed finds a remote in git's configuration.
func (s *Session) remoteNamed(name string) (remote.Spec, bool) {
	list := remote.WithWeb(remote.List(s.D.Repo.Config, s.D.Path()))
	at := slices.IndexFunc(list, func(spec remote.Spec) bool { return spec.Name == name })
	if at < 0 {
		return remote.Spec{}, false
	}
	return list[at], true
}

func (i *Infos) addText(label, text string) { i.add(label, text, text) }

// describeEncryption tells how content is encrypted, and for whom.
func describeEncryption(config map[string]string) string {
	how := config["encryption"]
	switch {
	case config["cipher"] == "" || how == "" || how == "none":
		return "none"
	case how == "shared":
		return "shared (encryption key stored in git repository)"
	}
	return how + " (to gpg keys: " + strings.ReplaceAll(config["cipherkeys"], ",", " ") + ")"
}

// chunking tells how large the pieces are that content is cut into.
func (i *Infos) chunking(config map[string]string) string {
	if n, ok := remote.ParseSize(config["chunk"]); ok && n > 0 {
		return i.sizeText(n) + " chunks"
	}
	if n, ok := remote.ParseSize(config["chunksize"]); ok && n > 0 {
		return i.sizeText(n) + " chunks (old style)"
	}
	return "none"
}

// lastSynced is when a branch of the remote was last fetched or pushed.
func (s *Session) lastSynced(name string) string {
	var last time.Time
	filepath.WalkDir(filepath.Join(s.D.Repo.CommonDir, "refs/remotes", name), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil // git may just be packing them
		}
		if fi, err := e.Info(); err == nil && fi.ModTime().After(last) {
			last = fi.ModTime()
		}
		return nil
	})
	if last.IsZero() {
		return "never"
	}
	return last.UTC().Format("2006-01-02 15:04:05 UTC")
}

func (s *Session) infoKeysOf(ctx context.Context, i *Infos, uuid string, item Item) (Outcome, error) {
	if s.Fast {
		return i.outcome(item), nil
	}
	t := newTally()
	err := s.LoggedKeys(ctx, func(k annexkey.Key) error {
		has, err := s.has(ctx, k, uuid)
		if has {
			t.add(k)
		}
		return err
	})
	if err != nil {
		return Outcome{}, err
	}
	i.add("remote annex keys", strconv.Itoa(t.count), t.count)
	i.size("remote annex size", t.bytes, t.unknown)
	return i.outcome(item), nil
}
