package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
)

// AddURLOptions says how the content of a URL becomes a file.
type AddURLOptions struct {
	File           string // as the user names it; "" takes the name from the URL
	Relaxed        bool   // neither download nor look at the URL
	Raw            bool   // the URL is the web's, whatever remotes claim
	PathDepth      int    // of the URL's path in the name; 0: all in one name
	Prefix, Suffix string
	Backend        string
	Input          []string
}

// AddURL makes a file of what a URL leads to. With --fast only the size is
// asked for, and the content is left where it is.
func (s *Session) AddURL(ctx context.Context, address string, opt AddURLOptions) error {
	if opt.File == "" && !hasScheme(address) {
		item := Item{Command: "addurl", File: address, Input: opt.Input}
		return s.Report(item.error(errors.New("bad url "+address)).With("file", nil))
	}
	if opt.File == "" {
		opt.File = opt.Prefix + fileNameOf(address, opt.PathDepth) + opt.Suffix
	}
	item := Item{Command: "addurl", File: opt.File, Input: opt.Input}
	err := s.addURL(ctx, address, opt, &item)
	if err == nil || ctx.Err() != nil {
		return err
	}
	o := item.error(err)
	o.Errors[0] = "  " + o.Errors[0]
	return s.Report(o)
}

func (s *Session) addURL(ctx context.Context, address string, opt AddURLOptions, item *Item) error {
	rel, err := s.D.Rel(opt.File)
	if err != nil {
		return err
	}
	if err := s.mayPlace(rel); err != nil {
		return err
	}
	from, done, err := s.sourceOf(ctx, address, opt.Raw)
	if err != nil {
		return err
	}
	defer done()
	f, annexed, err := s.FileOf(ctx, opt.File)
	switch {
	case err != nil:
		return err
	case annexed && s.exists(rel):
		return s.addURLTo(ctx, from, address, opt, f, *item)
	case s.exists(rel):
		return fmt.Errorf("%s already exists", opt.File)
	case opt.Relaxed || s.Fast:
		return s.placeURL(ctx, from, address, opt, rel, item)
	}
	return s.download(ctx, from, address, opt, rel, item)
}

// sourceOf finds out who serves a URL.
func (s *Session) sourceOf(ctx context.Context, address string, raw bool) (from source, done func(), err error) {
	var p *dataset.Peer
	var c Claimer
	if !raw {
		if p, c, err = s.claimer(ctx, address); err != nil {
			return from, nil, err
		}
	}
	k := annexkey.URL(address, -1)
	if p != nil {
		// What comes is hashed by us; so c is asked itself, and not through what
		// refuses content that a key cannot verify.
		back := s.D.LendURL(k, address)
		return source{
			uuid:  p.UUID(),
			size:  func(ctx context.Context) (int64, error) { return c.CheckURL(ctx, address) },
			fetch: func(ctx context.Context, dst string) error { return c.Fetch(ctx, k, dst, nil) },
		}, back, nil
	}
	client := s.D.WebClient()
	return source{
		size:  func(ctx context.Context) (int64, error) { return client.Size(ctx, address) },
		fetch: func(ctx context.Context, dst string) error { return client.Fetch(ctx, k, address, dst, 0, nil) },
	}, client.Close, nil
}

// registerFrom records the URL, and that its remote has the content.
func (s *Session) registerFrom(ctx context.Context, k annexkey.Key, address string, from source) error {
	if err := s.RegisterURL(ctx, k, address, from.uuid); err != nil || from.uuid == "" {
		return err
	}
	return s.SetLocation(ctx, k, from.uuid, annexlog.StatusPresent)
}

func (s *Session) exists(rel string) bool {
	_, err := os.Lstat(s.D.Repo.Path(filepath.FromSlash(rel)))
	return err == nil
}

// addURLTo records one more URL of a file that is annexed already.
func (s *Session) addURLTo(ctx context.Context, from source, address string, opt AddURLOptions, f File, item Item) error {
	known, err := s.URLs(ctx, f.Key)
	if err != nil {
		return err
	}
	if !contains(known, address) {
		if !opt.Relaxed {
			size, err := from.size(ctx)
			if err != nil {
				return err
			}
			if f.Key.Size >= 0 && size >= 0 && size != f.Key.Size {
				return fmt.Errorf("while adding a new url to an already annexed file, url does not have expected file size (use --relaxed to bypass this check) %s", address)
			}
		}
		if err := s.registerFrom(ctx, f.Key, address, from); err != nil {
			return err
		}
	}
	return s.Report(item.ok(short("to " + opt.File)))
}

// placeURL makes a file of a URL without its content.
func (s *Session) placeURL(ctx context.Context, from source, address string, opt AddURLOptions, rel string, item *Item) error {
	size := int64(-1)
	if !opt.Relaxed {
		var err error
		if size, err = from.size(ctx); err != nil {
			return fmt.Errorf("unable to access url: %s (%w)", git.Redact(address), err)
		}
	}
	k := annexkey.URL(address, size)
	if err := k.Safe(); err != nil {
		return err
	}
	if err := s.placeKey(ctx, k, rel); err != nil {
		return err
	}
	if err := s.registerFrom(ctx, k, address, from); err != nil {
		return err
	}
	item.Key = k
	return s.Report(item.ok(short("to " + opt.File)))
}

// download fetches the content and adds it like any other file.
func (s *Session) download(ctx context.Context, from source, address string, opt AddURLOptions, rel string, item *Item) error {
	tmp := s.D.Annex.Dir("tmp", fsx.TempPrefix+"url-"+dataset.NewUUID())
	if err := os.MkdirAll(filepath.Dir(tmp), 0o777); err != nil {
		return err
	}
	defer os.Remove(tmp)
	if err := from.fetch(ctx, tmp); err != nil {
		return fmt.Errorf("download failed: %w", err)
	}
	if err := os.Chmod(tmp, 0o644); err != nil {
		return err
	}
	fi, err := os.Stat(tmp)
	if err != nil {
		return err
	}
	if s.Progress != nil && fi.Size() > 0 {
		s.Progress(item.ok(), fi.Size(), fi.Size())
	}
	if err := fsx.RenameBelow(s.D.Path(), rel, tmp); err != nil {
		return err
	}
	return s.addDownloaded(ctx, from, address, opt, rel, item)
}

// addDownloaded decides about the new file as add does, and records the URL of
// what is annexed.
func (s *Session) addDownloaded(ctx context.Context, from source, address string, opt AddURLOptions, rel string, item *Item) error {
	f := &candidate{rel: rel, show: opt.File, input: opt.File}
	report := s.Report
	var outcome Outcome
	s.Report = func(o Outcome) error { outcome = o; return nil }
	err := s.addSome(ctx, []*candidate{f}, AddOptions{Backend: opt.Backend, DotFiles: true})
	s.Report = report
	if err != nil {
		return err
	}
	if outcome.Failed {
		return errors.New(strings.Join(outcome.Errors, "; "))
	}
	if f.key.IsZero() {
		o := item.ok(outcome.Notes...)
		return s.Report(o)
	}
	if err := s.registerFrom(ctx, f.key, address, from); err != nil {
		return err
	}
	if err := s.SetLocation(ctx, f.key, s.D.Annex.UUID, annexlog.StatusPresent); err != nil {
		return err
	}
	item.Key = f.key
	return s.Report(item.ok(short("to " + opt.File)))
}

// maxURLName is the length in bytes to which names from URLs are cut.
const maxURLName = 200

// fileNameOf is git-annex's name for a URL: host, path and query in one name,
// or with a depth the path without that many components (the last ones, where
// it is negative).
func fileNameOf(address string, depth int) string {
	u, err := url.Parse(address)
	full := address
	if err == nil && u.Host != "" {
		full = u.Hostname() + u.EscapedPath()
		if u.RawQuery != "" {
			full += "?" + u.RawQuery
		}
	}
	parts := strings.FieldsFunc(full, func(r rune) bool { return r == '/' })
	for i := range parts {
		parts[i] = saneName(parts[i])
	}
	if len(parts) == 0 {
		return saneName("") // "http://:80/"
	}
	switch {
	case depth > 0 && depth < len(parts):
		return path.Join(parts[depth:]...)
	case depth > 0:
		return path.Join(parts[len(parts)-1:]...)
	case depth < 0:
		return path.Join(parts[max(len(parts)+depth, 0):]...)
	}
	name := strings.Join(parts, "_")
	for len(name) > maxURLName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

// hasScheme reports whether an address begins as a URL does.
func hasScheme(address string) bool {
	scheme, _, ok := strings.Cut(address, ":")
	return ok && scheme != "" && !strings.ContainsFunc(scheme, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("+-.", r)
	}) && unicode.IsLetter(rune(scheme[0]))
}

// saneName keeps letters, digits and what is harmless in a name.
func saneName(s string) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, s)
	if strings.HasPrefix(name, ".") {
		name = "_" + name[1:]
	}
	if name == "" {
		return "_"
	}
	return name
}
