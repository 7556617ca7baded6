package exporttree

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
)

// portion is how many files are looked for, or stored, at once. Where others
// write, too, identifiers are recorded after each portion: what is stored and not
// recorded has to be compared, after a kill, and git-annex refuses it.
const (
	portion       = 256
	sharedPortion = 16
)

// fill stores the files that the remote lacks.
func (x *export) fill(ctx context.Context) error {
	doubtful, err := x.doubtful(ctx)
	if err != nil {
		return err
	}
	most := portion
	if x.shared {
		most = sharedPortion
	}
	for len(doubtful) > 0 {
		n := min(most, len(doubtful))
		if err := x.fillSome(ctx, doubtful[:n]); err != nil {
			return err
		}
		doubtful = doubtful[n:]
	}
	return nil
}

// doubtful lists the files of which it is not known that the remote has them:
// where we have once completed an export of a tree, that is what was changed
// since then, and content that the location log no longer places there.
func (x *export) doubtful(ctx context.Context) ([]file, error) {
	if x.known == "" || len(x.old) != 1 || x.old[0] != x.known || len(x.stale) > 0 {
		return x.files, nil
	}
	var list []file
	for _, f := range x.files {
		if x.plan.changed[f.path] && !x.plan.moved[f.path] {
			list = append(list, f)
			continue
		}
		if !f.annexed {
			continue
		}
		there, err := x.recorded(ctx, f)
		if err != nil {
			return nil, err
		}
		if !there {
			list = append(list, f)
		}
	}
	return list, nil
}

// recorded reports whether the location log has the content at the remote.
func (x *run) recorded(ctx context.Context, f file) (bool, error) {
	data, err := x.s.Log(ctx, annexlog.LocationPath(f.key))
	if err != nil {
		return false, err
	}
	l, ok := annexlog.ParsePresence(data).Get(x.uuid)
	return ok && l.Status == annexlog.StatusPresent, nil
}

// fillSome stores what is missing of some files.
func (x *export) fillSome(ctx context.Context, files []file) error {
	sizes, err := x.plainSizes(ctx, files)
	if err != nil {
		return err
	}
	asked := make([]remote.TreeFile, len(files))
	for i, f := range files {
		if asked[i], err = x.treeFile(ctx, f.path, f); err != nil {
			return err
		}
		if !f.annexed {
			asked[i].Key.Size = sizes[f.entry.OID]
		}
	}
	there, err := x.store.HasFiles(ctx, asked)
	if err != nil {
		return err
	}
	var missing []int
	for i, f := range files {
		if !there[i] {
			missing = append(missing, i)
			continue
		}
		if err := x.found(ctx, f); err != nil {
			return err
		}
	}
	return x.send(ctx, files, asked, missing)
}

// found records a file that is there already.
func (x *export) found(ctx context.Context, f file) error {
	if !f.annexed {
		return nil
	}
	known, err := x.recorded(ctx, f)
	if err != nil || known {
		return err
	}
	if err := x.s.SetLocation(ctx, f.key, x.uuid, annexlog.StatusPresent); err != nil {
		return err
	}
	return x.report(annexcmd.Outcome{Item: x.item("export", f.path)})
}

func (x *export) plainSizes(ctx context.Context, files []file) (map[gitobj.OID]int64, error) {
	var ids []gitobj.OID
	for _, f := range files {
		if !f.annexed {
			ids = append(ids, f.entry.OID)
		}
	}
	return x.s.D.Repo.BlobSizes(ctx, ids)
}

// send sends contents. Locks keep them from being dropped meanwhile.
func (x *export) send(ctx context.Context, files []file, asked []remote.TreeFile, missing []int) error {
	if len(missing) == 0 {
		return nil
	}
	dir := x.s.D.Annex.Dir("tmp", fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var contents []remote.TreeContent
	var which []file
	for _, i := range missing {
		c, release, err := x.content(ctx, dir, files[i], asked[i])
		if err != nil {
			if err := x.report(x.withoutContent(files[i], err)); err != nil {
				return err
			}
			continue
		}
		defer release()
		contents, which = append(contents, c), append(which, files[i])
	}
	if len(contents) == 0 {
		return nil
	}
	if err := x.put(ctx, which, contents); err != nil || !x.shared {
		return err
	}
	return x.s.JournalOnly(ctx) // identifiers cannot be found out again
}

// put sends contents and reports them in their order.
func (x *export) put(ctx context.Context, which []file, contents []remote.TreeContent) error {
	outcomes := make([]*annexcmd.Outcome, len(contents))
	next := 0
	var failure error
	hear := func(i int, id string, err error) {
		o, err := x.stored(ctx, which[i], contents[i], id, err)
		outcomes[i], failure = &o, errors.Join(failure, err)
		for ; next < len(outcomes) && outcomes[next] != nil; next++ {
			failure = errors.Join(failure, x.report(*outcomes[next]))
		}
	}
	err := x.store.PutFiles(ctx, contents, hear)
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), failure)
	}
	for i := range outcomes {
		if err != nil && outcomes[i] == nil {
			hear(i, "", err)
		}
	}
	return failure
}

// errUnavailable says that the content is not here.
var errUnavailable = errors.New("not available")

func (x *export) withoutContent(f file, err error) annexcmd.Outcome {
	item := x.item("export", f.path)
	if errors.Is(err, errUnavailable) {
		return annexcmd.Outcome{Item: item, Failed: true, Notes: []annexcmd.Note{{Text: "not available"}}}
	}
	return x.broken(item, err)
}

// content is a file's content here: the annex's, or a copy of git's.
func (x *export) content(ctx context.Context, dir string, f file, t remote.TreeFile) (c remote.TreeContent, release func(), err error) {
	c = remote.TreeContent{File: t, Plain: !f.annexed}
	release = func() {}
	if !f.annexed {
		c.From.Path = filepath.Join(dir, string(f.entry.OID))
		c.From.Size, err = x.writeBlob(ctx, c.From.Path, f.entry.OID)
		return c, release, err
	}
	lock, err := x.s.D.OwnStore().Share(f.key)
	switch {
	case err == nil:
		release = lock.Release
	case errors.Is(err, remote.ErrAbsent):
		return c, release, errUnavailable
	case !errors.Is(err, remote.ErrNoLock):
		return c, release, err
	}
	object, ok := x.s.D.Annex.Locate(f.key)
	if !ok {
		release()
		return c, release, errUnavailable
	}
	fi, err := os.Stat(object)
	if err != nil {
		release()
		return c, release, err
	}
	c.From = remote.Content{Path: object, Size: fi.Size()}
	return c, release, nil
}

func (x *export) writeBlob(ctx context.Context, path string, id gitobj.OID) (size int64, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	size, err = x.s.D.Repo.CopyBlob(ctx, f, id)
	return size, errors.Join(err, f.Close())
}

// stored records a file that was sent.
func (x *export) stored(ctx context.Context, f file, c remote.TreeContent, id string, err error) (annexcmd.Outcome, error) {
	item := x.item("export", f.path)
	var unknown *remote.UnknownContentError
	if errors.As(err, &unknown) {
		if found, aerr := x.adopt(ctx, f, c); aerr == nil && found != "" {
			id, err = found, nil
		}
	}
	if err != nil {
		return x.broken(item, err), nil
	}
	if id != "" {
		if err := x.addID(ctx, f, id); err != nil {
			return annexcmd.Outcome{}, err
		}
	}
	if f.annexed {
		if err := x.s.SetLocation(ctx, f.key, x.uuid, annexlog.StatusPresent); err != nil {
			return annexcmd.Outcome{}, err
		}
	}
	return annexcmd.Outcome{Item: item}, nil
}
