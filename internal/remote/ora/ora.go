// Package ora reads and writes the content of datasets in DataLad's RIA stores,
// which DataLad does by the external special remote of type ora: in a folder of
// this machine, on a host that ssh reaches, or behind a web server. Archives in
// 7z format are read.
package ora

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
)

// place is a dataset in a store.
type place struct {
	host   host
	origin string // ssh://HOST; "" where dir is all there is to an address
	base   string // the store
	dir    string // the dataset
}

// Remote is the content of one dataset in a store.
type Remote struct {
	setup  remote.Setup
	text   string // the address, for people
	read   place
	write  place
	client *fetchurl.Client

	mu       sync.Mutex
	looked   bool
	lower    bool   // the layout of objects
	readOnly string // why nothing may be written; ""
	archived map[string]bool
}

// Open reads the configuration; the store is looked at when it is used first.
func Open(s remote.Setup) (*Remote, error) {
	dir, err := datasetDir(s.Option("archive-id"))
	if err != nil {
		return nil, fmt.Errorf("remote %s: %w", s.Name, err)
	}
	text := addressOf(s, "ora-url", "url")
	if text == "" {
		return nil, errs.WithHint(fmt.Errorf("remote %s has no address of a RIA store", s.Name), "set remote.%s.ora-url", s.Name)
	}
	r := &Remote{setup: s, text: redacted(text), client: fetchurl.New(s)}
	if r.read, err = r.place(text, dir); err != nil {
		return nil, fmt.Errorf("remote %s: %w", s.Name, err)
	}
	r.write = r.read
	if push := addressOf(s, "ora-push-url", "push-url"); push != "" {
		if r.write, err = r.place(push, dir); err != nil {
			return nil, fmt.Errorf("remote %s: %w", s.Name, err)
		}
	}
	return r, nil
}

func (r *Remote) place(text, dir string) (place, error) {
	a, err := parseAddress(text)
	if err != nil {
		return place{}, err
	}
	p := place{base: a.base, dir: a.base + "/" + dir}
	switch a.scheme {
	case "file":
		p.host = here{r.setup.Env}
	case "ssh":
		p.host, p.origin = onHost(r.setup, a.host), a.origin
	default:
		p.host = behindHTTP{r.client, r.setup.Temp()}
	}
	return p, nil
}

// Name returns the remote's name in our configuration.
func (r *Remote) Name() string { return r.setup.Name }

// UUID returns the remote's identity.
func (r *Remote) UUID() string { return r.setup.UUID }

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string {
	return [][2]string{{"type", "external"}, {"externaltype", "ora"}, {"url", r.text}, {"dataset", r.setup.Option("archive-id")}}
}

// Close implements remote.Closer.
func (r *Remote) Close() error {
	r.client.Close()
	for _, h := range []host{r.read.host, r.write.host} {
		if t, ok := h.(*there); ok {
			t.close()
		}
	}
	return nil
}

// member is the key's file below a folder of objects.
func (r *Remote) member(k annexkey.Key) string {
	if r.lower {
		return k.ObjectPathLower()
	}
	return k.ObjectPath()
}

func (p place) object(member string) string { return p.dir + "/annex/objects/" + member }

func (p place) archive() string { return p.dir + "/archives/archive.7z" }

// Addresses implements remote.Addresser, in DataLad's form.
func (r *Remote) Addresses(ctx context.Context, k annexkey.Key) ([]string, error) {
	if err := errors.Join(k.Safe(), r.look(ctx)); err != nil {
		return nil, err
	}
	object := r.read.object(r.member(k))
	switch {
	case r.read.origin != "":
		object = fmt.Sprintf("%s: %s:%s", r.read.origin, r.read.dir, r.member(k))
	case strings.Contains(r.read.base, "://"):
		object = redacted(escaped(object))
	}
	return []string{object}, nil
}

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	if err := errors.Join(k.Safe(), r.look(ctx)); err != nil {
		return false, err
	}
	_, err := r.read.host.size(ctx, r.read.object(r.member(k)))
	if errors.Is(err, remote.ErrAbsent) {
		return r.inArchive(ctx, k)
	}
	return err == nil, err
}

// Fetch implements remote.Remote.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	return r.FetchFrom(ctx, k, dst, 0, h)
}

// FetchFrom implements remote.Resumer.
func (r *Remote) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	if err := errors.Join(k.Safe(), r.look(ctx)); err != nil {
		return err
	}
	err := r.read.host.fetch(ctx, k, r.read.object(r.member(k)), dst, offset, h)
	if errors.Is(err, remote.ErrAbsent) {
		return r.fromArchive(ctx, k, dst, offset, h)
	}
	return err
}

// inArchive lists the archive once.
func (r *Remote) inArchive(ctx context.Context, k annexkey.Key) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.archived == nil {
		list := map[string]bool{}
		err := r.read.host.sevenZip(ctx, r.read.archive(), []string{"l", "-ba", "-slt", "--", r.read.archive()}, func(out io.Reader) error {
			lines := bufio.NewScanner(out)
			for lines.Scan() {
				if path, ok := strings.CutPrefix(lines.Text(), "Path = "); ok {
					list[path] = true
				}
			}
			return lines.Err()
		})
		if err != nil && !errors.Is(err, remote.ErrAbsent) {
			return false, fmt.Errorf("list %s: %w", r.read.archive(), err)
		}
		r.archived = list
	}
	return r.archived[r.member(k)], nil
}

func (r *Remote) fromArchive(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	ok, err := r.inArchive(ctx, k)
	if err != nil {
		return err
	}
	if !ok {
		return remote.ErrAbsent
	}
	args := []string{"x", "-so", "-spd", "--", r.read.archive(), r.member(k)}
	return r.read.host.sevenZip(ctx, r.read.archive(), args, func(out io.Reader) error {
		if _, err := io.CopyN(io.Discard, out, offset); err != nil {
			return err
		}
		return remote.Receive(ctx, k, dst, offset, h, out)
	})
}

// Store implements remote.Keeper. Content is brought to a folder for transfers
// in the dataset and renamed.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	if err := errors.Join(k.Safe(), r.mayWrite(ctx)); err != nil {
		return err
	}
	object := r.write.object(r.member(k))
	if _, err := r.write.host.size(ctx, object); !errors.Is(err, remote.ErrAbsent) {
		return err
	}
	tmp := r.write.dir + "/ora-remote-" + r.setup.Settings.Get("annex.uuid") + "/transfer/" + strings.ToLower(rand.Text())
	if err := r.write.host.store(ctx, c, tmp, object); err != nil {
		return fmt.Errorf("store in %s: %w", r.text, err)
	}
	return nil
}

// Remove implements remote.Keeper. What lies in an archive cannot be removed.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	if err := errors.Join(k.Safe(), r.mayWrite(ctx)); err != nil {
		return err
	}
	if err := r.write.host.remove(ctx, r.write.object(r.member(k))); err != nil {
		return fmt.Errorf("remove from %s: %w", r.text, err)
	}
	ok, err := r.Present(ctx, k)
	if ok && err == nil {
		err = fmt.Errorf("the content is in the archive of RIA store %s and stays there", r.text)
	}
	return err
}

// Initialise checks that the store has the dataset and returns the
// configuration as it is to be stored. id is the dataset's, "" if it has none.
func Initialise(ctx context.Context, s remote.Setup, id string) (map[string]string, error) {
	s.Config = maps.Clone(s.Config)
	if s.Option("archive-id") == "" {
		s.Config["archive-id"] = id
		if id == "" {
			s.Config["archive-id"] = s.UUID
		}
	}
	for _, field := range []string{"url", "push-url"} {
		if v := s.Option(field); v != "" {
			s.Config[field] = instead(s.Settings, v)
		}
	}
	r, err := Open(s)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return s.Config, r.look(ctx)
}
