package publish

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/transfer"
)

// sending is the content of one dataset on its way to one sibling.
type sending struct {
	*pushing
	m      *part
	target dataset.Peer
	known  map[annexkey.Key]bool // handed over, or being so
}

// annexFile is a file whose content may be sent.
type annexFile struct {
	path, typ string
	key       annexkey.Key
}

// data sends the content of the changed files.
func (p *pushing) data(ctx context.Context, m *part, target string) error {
	d := m.d
	if d.Annex == nil || p.opt.Data == DataNothing || d.Repo.Config.Bool("remote."+target+".annex-ignore", false) {
		return nil
	}
	peer, err := annexPeer(ctx, d, target)
	if err != nil {
		return err
	}
	r := p.record(d, result.NotNeeded)
	r.Action = "copy"
	r = r.With("target", target)
	if peer.UUID() == "" {
		if p.opt.Force == ForceAll || p.opt.Force == ForceCheckData {
			r = r.As(result.Impossible)
		}
		return p.sink.Emit(r.With("message", result.Tuple{"Target '%s' does not appear to be an annex remote", target}))
	}
	s := &sending{pushing: p, m: m, target: peer, known: map[annexkey.Key]bool{}}
	files, twins, err := s.files(ctx)
	if err != nil {
		return err
	}
	if len(files) > 0 && peer.Remote == nil {
		return p.sink.Emit(r.As(result.Error).Msg(peer.Err.Error()))
	}
	err = s.sendAll(ctx, files)
	s.endThere()
	if err != nil {
		return err
	}
	for _, f := range twins {
		if err := p.sink.Emit(s.record(f, result.NotNeeded).Msg("Another file points to the same key")); err != nil {
			return err
		}
	}
	return nil
}

// endThere lets the sibling write down what it has received before branches are
// sent: later, its git-annex branch would be ahead of what we sent, and with the
// next push it would all seem new.
func (s *sending) endThere() {
	if c, ok := remote.As[remote.Closer](s.target.Remote); ok {
		if err := c.Close(); err != nil && s.m.d.Env.Log != nil {
			s.m.d.Env.Log.Warn("close remote", "remote", c.Name(), "error", err)
		}
	}
}

// annexPeer opens the sibling. One whose annex is not known yet is asked.
func annexPeer(ctx context.Context, d *dataset.Dataset, target string) (dataset.Peer, error) {
	if d.Repo.Config.Get("remote."+target+".annex-uuid") == "" {
		d.RememberRemotes(ctx)
	}
	peers, err := d.Peers(ctx)
	for _, p := range peers {
		if p.Spec.Name == target {
			return p, err
		}
	}
	return dataset.Peer{}, err
}

func (s *sending) record(f annexFile, status result.Status) result.Record {
	r := result.New("copy", status, s.m.abs(f.path), f.typ).Ref(s.top.Path())
	return r.With("annexkey", f.key.String()).With("target", s.target.Spec.Name)
}

// files picks those whose content is here and, by the logs, not there. twins
// have the content of another one.
func (s *sending) files(ctx context.Context) (files, twins []annexFile, err error) {
	wants, done, err := s.filter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	for _, c := range s.m.changed {
		k, ok, err := s.m.d.KeyOf(ctx, c.path, c.mode, c.oid)
		if err != nil || !ok {
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		f := annexFile{c.path, result.File, k}
		switch {
		case s.known[k]:
			twins = append(twins, f)
			continue
		case !s.m.d.Annex.Has(k):
			if len(s.opt.Paths) > 0 {
				r := s.record(f, result.Impossible).Msg("Slated for transport, but no content present")
				delete(r.Fields, "annexkey")
				if err := s.sink.Emit(r); err != nil {
					return nil, nil, err
				}
			}
			continue
		}
		s.known[k] = true
		there, asked, err := s.there(ctx, k)
		if err == nil && there && asked {
			err = s.sink.Emit(s.record(f, result.OK)) // as who asked for it wants to see
		}
		if err != nil {
			return nil, nil, err
		}
		if there {
			continue
		}
		if ok, err := wants(f); err != nil || !ok {
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		files = append(files, f)
	}
	return files, twins, nil
}

// there tells whether the sibling has the content: by the logs, or by asking
// where the user does not trust them.
func (s *sending) there(ctx context.Context, k annexkey.Key) (there, asked bool, err error) {
	if s.opt.Force == ForceAll || s.opt.Force == ForceCheckData {
		if s.target.Remote == nil {
			return false, false, nil
		}
		there, err = s.target.Remote.Present(ctx, k)
		return there, true, err
	}
	data, err := s.m.d.Annex.ReadLog(ctx, annexlog.LocationPath(k))
	if err != nil {
		return false, false, err
	}
	line, _ := annexlog.ParsePresence(data).Get(s.target.UUID())
	return line.Status == annexlog.StatusPresent, false, nil
}

// filter returns what decides whether the sibling wants a file.
func (s *sending) filter(ctx context.Context) (wants func(annexFile) (bool, error), done func(), err error) {
	all := func(annexFile) (bool, error) { return true, nil }
	if s.opt.Data == DataAnything {
		return all, func() {}, nil
	}
	if s.opt.Data == DataIfWanted {
		wanted, err := configured(ctx, s.m.d, s.target.UUID())
		if err != nil || !wanted {
			return all, func() {}, err
		}
	}
	session, err := annexcmd.Open(ctx, s.m.d, annexcmd.Settings{Auto: true})
	if err != nil {
		return nil, nil, err
	}
	return func(f annexFile) (bool, error) {
		file := annexcmd.File{Rel: f.path, Key: f.key}
		wants, known, err := session.Wants(ctx, file, s.target.UUID(), false)
		if err != nil || known {
			return wants, err
		}
		return s.tooFew(ctx, session, file)
	}, func() { session.Release() }, nil
}

// tooFew reports whether fewer copies exist than there should be.
func (s *sending) tooFew(ctx context.Context, session *annexcmd.Session, f annexcmd.File) (bool, error) {
	num, _, err := session.Copies(ctx, f, true)
	if err != nil {
		return false, err
	}
	data, err := s.m.d.Annex.ReadLog(ctx, annexlog.LocationPath(f.Key))
	return len(annexlog.ParsePresence(data).Present()) < num, err
}

// configured reports whether the sibling has an expression for what it wants.
func configured(ctx context.Context, d *dataset.Dataset, uuid string) (bool, error) {
	data, err := d.Annex.ReadLog(ctx, annexlog.PreferredContentFile)
	e, ok := annexlog.ParseUUIDLog(data).Get(uuid)
	return ok && e.Value != "", err
}

// portion is how many files are sent before the logs are written.
const portion = 1000

// sendAll sends the files, some at once, and notes where they are.
func (s *sending) sendAll(ctx context.Context, files []annexFile) error {
	for len(files) > 0 {
		n := min(portion, len(files))
		if err := s.send(ctx, files[:n]); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

func (s *sending) send(ctx context.Context, files []annexFile) error {
	sender := s.m.d.Sender(nil)
	for _, f := range files {
		transfer.Expect(sender.Progress, f.key, f.path)
	}
	store := s.m.d.OwnStore()
	defer store.Carry()()
	outcome := make([]error, len(files))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(s.jobs())
	for i, f := range files {
		group.Go(func() error {
			outcome[i] = s.one(gctx, store, sender, f.key)
			return gctx.Err()
		})
	}
	err := group.Wait()
	return errors.Join(err, s.note(context.WithoutCancel(ctx), files, outcome), s.report(files, outcome, err))
}

// one sends content that is kept from being dropped meanwhile.
func (s *sending) one(ctx context.Context, store *local.Store, sender *transfer.Sender, k annexkey.Key) error {
	lock, err := store.Share(k)
	if err == nil {
		defer lock.Release()
	} else if !errors.Is(err, remote.ErrNoLock) {
		return err
	}
	return sender.Send(ctx, k, s.target.Remote)
}

// jobs is how many files are on their way at once.
func (s *sending) jobs() int {
	const few = 4
	if s.opt.Jobs > 0 {
		return s.opt.Jobs
	}
	return remote.AtOnce(s.target.Remote, few)
}

// note writes into the git-annex branch what the sibling has now.
func (s *sending) note(ctx context.Context, files []annexFile, outcome []error) error {
	now := s.m.d.LogClock()
	var edits []annex.LogEdit
	for i, f := range files {
		if outcome[i] == nil {
			edits = append(edits, annex.SetLocation(f.key, s.target.UUID(), annexlog.StatusPresent, now))
		}
	}
	if len(edits) == 0 {
		return nil
	}
	_, err := s.m.d.Publisher().Publish(ctx, commit.Request{Logs: edits, Reason: "stemma push: to " + s.target.Spec.Name})
	return err
}

func (s *sending) report(files []annexFile, outcome []error, failure error) error {
	for i, f := range files {
		r := s.record(f, result.OK).Msg("to " + s.target.Spec.Name + "...")
		switch {
		case outcome[i] != nil && failure != nil:
			continue // ended before it was done
		case outcome[i] != nil:
			r = r.As(result.Error).Msg(outcome[i].Error())
		}
		if err := s.sink.Emit(r); err != nil {
			return err
		}
	}
	return nil
}
