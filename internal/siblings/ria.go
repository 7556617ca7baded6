package siblings

import (
	"context"
	"fmt"
	"slices"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/ria"
)

// What is done about siblings that exist already.
const (
	ExistingError       = "error"
	ExistingSkip        = "skip"
	ExistingReconfigure = "reconfigure"
	ExistingReplace     = "replace"
)

// Whether a RIA sibling gets a storage sibling for content.
const (
	StorageOn   = "on"
	StorageOff  = "off"
	StorageOnly = "only"
)

// RIAOptions says what siblings are made in a RIA store.
type RIAOptions struct {
	URL, PushURL string // ria+…
	Name         string
	StorageName  string // "" for NAME-storage
	Storage      string // "" is StorageOn
	Alias        string
	Existing     string // "" is ExistingError
	NewStore     bool   // the store may be made
	Shared       string
	Group        string
	PostUpdate   bool
	Trust        string // trust, semitrust, untrust; "" leaves it
	Levels       int
}

// CreateRIA makes a sibling of the dataset, and of its subdatasets, in a RIA
// store.
func CreateRIA(ctx context.Context, d *dataset.Dataset, opt RIAOptions, sink result.Sink) error {
	if opt.Storage == "" {
		opt.Storage = StorageOn
	}
	if opt.StorageName == "" {
		opt.StorageName = opt.Name + "-storage"
	}
	if opt.Storage == StorageOn && opt.Name == opt.StorageName {
		return errs.WithHint(fmt.Errorf("sibling names must not be equal"), "give the storage sibling another name: --storage-name")
	}
	for _, name := range []string{opt.Name, opt.StorageName} {
		if err := CheckNewName(name); err != nil {
			return err
		}
	}
	if err := ria.CheckAlias(opt.Alias); err != nil {
		return err
	}
	c := &riaCreation{opt: opt, sink: sink}
	if why, err := c.noDataset(ctx, d); err != nil || why != "" {
		if err == nil {
			err = sink.Emit(c.record(d, result.Error).Msg(why))
		}
		return err
	}
	if err := c.open(d); err != nil {
		return sink.Emit(c.record(d, result.Error).Msg(err.Error()))
	}
	if taken, err := c.taken(ctx, d); err != nil || taken {
		return err
	}
	if ready, err := c.store(ctx, d); err != nil || !ready {
		return err
	}
	return d.Each(ctx, opt.Levels, func(sub *dataset.Dataset, rel string) error {
		if rel != "." {
			c.opt.Alias = "" // there is one for the top only
		}
		return c.one(ctx, sub)
	})
}

// riaCreation is one run of CreateRIA.
type riaCreation struct {
	opt       RIAOptions
	sink      result.Sink
	url, push ria.URL
	there     *ria.Store
}

func (c *riaCreation) record(d *dataset.Dataset, status result.Status) result.Record {
	return result.New("create-sibling-ria", status, d.Path(), result.Dataset)
}

func (c *riaCreation) open(d *dataset.Dataset) error {
	var err error
	if c.url, err = ria.Parse(d.Repo.Config.RewriteURL(c.opt.URL)); err != nil {
		return err
	}
	where := c.url
	if c.opt.PushURL != "" {
		if c.push, err = ria.Parse(d.Repo.Config.RewriteURL(c.opt.PushURL)); err != nil {
			return err
		}
		where = c.push
	}
	if c.url.Trace() != "" || where.Trace() != "" {
		return fmt.Errorf("RIA URL of a store must not name a dataset: %s", c.opt.URL)
	}
	c.there, err = ria.OpenStore(where, d.Env.Vars)
	return err
}

// taken reports siblings that are in the way, in all datasets.
func (c *riaCreation) taken(ctx context.Context, d *dataset.Dataset) (bool, error) {
	if c.opt.Existing != ExistingError && c.opt.Existing != "" {
		return false, nil
	}
	found := false
	err := d.Each(ctx, c.opt.Levels, func(sub *dataset.Dataset, _ string) error {
		names := Names(sub)
		specials, err := Specials(ctx, sub)
		if err != nil {
			return err
		}
		for _, s := range specials {
			names = append(names, s.Name)
		}
		for _, n := range []string{c.opt.Name, c.opt.StorageName} {
			if n == c.opt.StorageName && c.opt.Storage != StorageOn || !slices.Contains(names, n) {
				continue
			}
			found = true
			r := c.record(d, result.Error).With("name", n).With("message",
				result.Tuple{"a sibling %r is already configured in dataset %r", n, sub.Path()})
			r.Type = result.Sibling
			if err := c.sink.Emit(r); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// store makes sure that the store is there and of a known layout.
func (c *riaCreation) store(ctx context.Context, d *dataset.Dataset) (bool, error) {
	version, ok, err := c.there.Version(ctx)
	if err != nil {
		return false, err
	}
	if ok {
		return true, ria.CheckVersion(version)
	}
	if !c.opt.NewStore {
		return false, c.sink.Emit(c.record(d, result.Error).Msg(fmt.Sprintf("No store found at '%s'. Forgot --new-store-ok ?", c.there.Dir)))
	}
	d.Env.Log.Info("Creating a new RIA store at " + c.there.Dir)
	return true, c.there.Create(ctx)
}

// one makes the siblings of one dataset.
func (c *riaCreation) one(ctx context.Context, d *dataset.Dataset) error {
	if why, status, err := c.unfit(ctx, d); err != nil || why != "" {
		if err == nil {
			err = c.sink.Emit(c.record(d, status).Msg(why))
		}
		return err
	}
	storage := c.opt.Storage
	if d.Annex == nil {
		storage = StorageOff
	}
	name := c.opt.StorageName
	if storage == StorageOnly {
		name = c.opt.Name
	}
	uuid, err := c.storageUUID(ctx, d, storage, name)
	if err != nil {
		return err
	}
	c.announce(d, storage)
	aliased, err := c.there.Add(ctx, ria.Place{
		ID: d.ID, Alias: c.opt.Alias, Storage: uuid, NoGit: storage == StorageOnly, Shared: c.opt.Shared, Group: c.opt.Group, PostUpdate: c.opt.PostUpdate,
	})
	if err != nil {
		return err
	}
	if !aliased {
		d.Env.Log.Warn(fmt.Sprintf("Alias '%s' already exists in the RIA store, not adding an alias.", c.opt.Alias))
	}
	if uuid != "" {
		if err := c.addStorage(ctx, d, name, uuid); err != nil {
			return err
		}
	}
	if storage != StorageOnly {
		if err := c.addGit(ctx, d, storage); err != nil {
			return err
		}
	}
	return c.sink.Emit(c.record(d, result.OK))
}

// noDataset says that the repository is none that a store can hold; "" where
// it can.
func (c *riaCreation) noDataset(ctx context.Context, d *dataset.Dataset) (string, error) {
	head, err := d.RecordedHead(ctx)
	if err != nil || head != "" && d.ID != "" {
		return "", err
	}
	return fmt.Sprintf("Repository at %s is not a DataLad dataset, run 'datalad create [--force]' first.", d.Path()), nil
}

// unfit says why nothing is made for the dataset.
func (c *riaCreation) unfit(ctx context.Context, d *dataset.Dataset) (why string, status result.Status, err error) {
	if why, err := c.noDataset(ctx, d); err != nil || why != "" {
		return why, result.Error, err
	}
	names := Names(d)
	if c.opt.Existing == ExistingSkip && (slices.Contains(names, c.opt.Name) || slices.Contains(names, c.opt.StorageName)) {
		return "Skipped on existing sibling", result.NotNeeded, nil
	}
	there, err := c.there.Has(ctx, d.ID)
	switch {
	case err != nil || !there || c.opt.Existing == ExistingReconfigure:
		return "", "", err
	case c.opt.Existing == ExistingSkip:
		return "Skipped on existing remote directory " + c.there.Repository(d.ID), result.NotNeeded, nil
	}
	return fmt.Sprintf("remote directory %s already exists.", c.there.Repository(d.ID)), result.Error, nil
}

func (c *riaCreation) announce(d *dataset.Dataset, storage string) {
	switch storage {
	case StorageOnly:
		d.Env.Log.Info(fmt.Sprintf("create storage sibling '%s' ...", c.opt.Name))
	case StorageOff:
		d.Env.Log.Info(fmt.Sprintf("create sibling '%s' ...", c.opt.Name))
	default:
		d.Env.Log.Info(fmt.Sprintf("create siblings '%s' and '%s' ...", c.opt.Name, c.opt.StorageName))
	}
}
