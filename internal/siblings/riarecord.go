package siblings

import (
	"context"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/ria"
)

// storageUUID is the identity of the storage sibling: that of one with the
// name, or a new one; "" where there shall be none.
func (c *riaCreation) storageUUID(ctx context.Context, d *dataset.Dataset, storage, name string) (string, error) {
	if storage == StorageOff {
		return "", nil
	}
	list, err := Specials(ctx, d)
	for _, s := range list {
		if s.Name == name {
			return s.UUID, err
		}
	}
	return dataset.NewUUID(), err
}

// addStorage describes the storage sibling on the git-annex branch and in
// git's configuration.
func (c *riaCreation) addStorage(ctx context.Context, d *dataset.Dataset, name, uuid string) error {
	config := map[string]string{
		"type": "external", "externaltype": "ora", "encryption": "none", "autoenable": "true", "name": name, "url": c.opt.URL, "archive-id": d.ID,
	}
	if c.opt.PushURL != "" {
		config["push-url"] = c.opt.PushURL
	}
	values := map[string]string{annexlog.RemoteFile: annexlog.EncodeConfig(config), annexlog.UUIDFile: name}
	if level, ok := map[string]annexlog.Trust{"trust": annexlog.Trusted, "semitrust": annexlog.Semitrusted, "untrust": annexlog.Untrusted}[c.opt.Trust]; ok {
		values[annexlog.TrustFile] = level.String()
	}
	var edits []annex.LogEdit
	for file, v := range values {
		e, err := setUUIDLog(file, uuid, v, d)
		if err != nil {
			return err
		}
		edits = append(edits, e)
	}
	if _, err := d.Publisher().Publish(ctx, commit.Request{Logs: edits, Reason: "stemma create-sibling-ria: " + name}); err != nil {
		return err
	}
	key := "remote." + name + "."
	cost := "100.0"
	if c.url.Scheme != "file" {
		cost = "200.0"
	}
	return d.Repo.SetConfig(git.Set(key+"annex-externaltype", "ora"), git.Set(key+"annex-uuid", uuid), git.Set(key+"skipFetchAll", "true"),
		git.Set(key+"annex-cost", cost), git.Set(key+"annex-availability", "GloballyAvailable"))
}

// addGit makes the repository in the store a git remote.
func (c *riaCreation) addGit(ctx context.Context, d *dataset.Dataset, storage string) error {
	if err := d.Repo.SetConfig(git.Set("remote."+c.opt.Name+".annex-ignore", "true")); err != nil {
		return err
	}
	s := Settings{Name: c.opt.Name, URL: c.address(c.url, d.ID), Fetch: true}
	if c.opt.PushURL != "" {
		s.PushURL = c.address(c.push, d.ID)
	}
	if storage == StorageOn {
		s.Depends = []string{c.opt.StorageName}
	}
	return Configure(ctx, d, s, c.sink)
}

// address is what git is told of a dataset in the store.
func (c *riaCreation) address(u ria.URL, id string) string {
	if u.Scheme == "file" && c.there != nil && u == c.where() {
		return c.there.Repository(id)
	}
	u.ID = id
	return u.Git()
}

func (c *riaCreation) where() ria.URL {
	if c.opt.PushURL != "" {
		return c.push
	}
	return c.url
}
