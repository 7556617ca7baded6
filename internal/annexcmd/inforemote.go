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

func (s *Session) infoRepository(ctx context.Context, r *Repositories, uuid string, item Item, inBytes bool) (Outcome, error) {
	i := newInfos(inBytes)
	item.NoFile = true
	description := r.Description(uuid)
	if uuid == r.here {
		description, item.Command = named(r.descriptions[uuid], "here"), "info "+uuid
	}
	i.add("uuid", uuid, uuid)
	i.add("description", description, description)
	i.add("trust", trustWords[r.Trust(uuid)], trustWords[r.Trust(uuid)])
	at := slices.IndexFunc(r.Peers, func(p dataset.Peer) bool { return p.UUID() == uuid })
	if at >= 0 {
		item.Command = "info " + r.Peers[at].Spec.Name
		if err := s.infoType(ctx, i, r.Peers[at].Spec); err != nil {
			return Outcome{}, err
		}
	}
	return s.infoKeysOf(ctx, i, uuid, item)
}

// infoType tells what kind of remote it is, and how it is set up.
func (s *Session) infoType(ctx context.Context, i *Infos, spec remote.Spec) error {
	i.add("remote", spec.Name, spec.Name)
	list, err := s.specials(ctx)
	if err != nil {
		return err
	}
	config := map[string]string{}
	for _, sp := range list {
		if sp.uuid == spec.UUID {
			config = sp.config
		}
	}
	encryption := describeEncryption(config)
	cost := spec.Cost
	if encryption != "none" {
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
	if config["type"] == "git" || config["type"] == "web" {
		return nil
	}
	i.addText("encryption", encryption)
	i.addText("chunking", i.chunking(config))
	for _, field := range []string{"exporttree", "importtree"} {
		if config[field] == "yes" || config[field] == "true" {
			i.addText(field, "yes")
		}
		if i.texts["exporttree"] != "" && field == "exporttree" {
			if err := s.infoExported(ctx, i, spec.UUID); err != nil {
				return err
			}
		}
	}
	return nil
}

// infoExported names the trees that were exported last: more than one where
// repositories did so without knowing of each other.
func (s *Session) infoExported(ctx context.Context, i *Infos, uuid string) error {
	data, err := s.Log(ctx, annexlog.ExportFile)
	if err != nil {
		return err
	}
	list := annexlog.ParseExports(data).To(uuid)
	slices.SortStableFunc(list, func(a, b annexlog.Export) int { return strings.Compare(a.From, b.From) })
	var trees []string
	for _, x := range list {
		if !slices.Contains(trees, x.Tree) {
			trees = append(trees, x.Tree)
		}
	}
	i.addText("exportedtree", strings.Join(trees, " "))
	return nil
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
