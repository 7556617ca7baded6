// Package annexcmd has the operations behind git-annex's commands: what happens
// to files, keys and the git-annex branch, in git-annex's own terms. It reports
// one Outcome for each item and knows neither options nor output formats.
package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// Settings are the options that concern every command.
type Settings struct {
	Force, Fast, Auto bool
	Jobs              int // 0: a few
	// Shared makes every change of the git-annex branch visible to other
	// processes at once, as long-lived batch commands need it.
	Shared bool
	// NumCopies, if positive, replaces the configured number.
	NumCopies int
	// Admit, if not nil, is asked before anything is transferred or dropped; what
	// it refuses is passed over.
	Admit func(annexkey.Key) bool
	// MinCopies does so with the number that must be certain to be there.
	MinCopies int
	// Trust replaces what logs and configuration say; a later one counts.
	Trust []TrustOverride
}

// TrustOverride is the trust that a repository has for one session.
type TrustOverride struct {
	Repository string // as a user names it
	Level      annexlog.Trust
}

// Session is one command in one repository. It is not safe for concurrent use.
// What it changed is complete when Close returns.
type Session struct {
	Settings
	D *dataset.Dataset
	// Report receives the outcome of each item, in order. Its error ends the
	// operation.
	Report func(Outcome) error
	// Progress, if not nil, hears how many bytes of an item have arrived.
	Progress func(o Outcome, done, total int64)
	telling  sync.Mutex // Progress is called by one goroutine at a time

	pinned  *annex.Snapshot // nil: logs are read as they are at each moment
	pending map[string][]annex.LogEdit
	order   []string
	index   []staged
	fill    []string // unlocked files to be filled once they are staged
	repos   *Repositories
	mute    map[string]bool  // remotes that do not say where content lies
	named   []dataset.Peer   // see Repositories.named
	opened  []dataset.Peer   // all that were opened, also before repos was read anew
	store   *local.Store     // our own content; nil until it is locked
	carried []func()         // end what makes many locks cheap
	sharing dataset.FileList // nil until asked for
	moves   *annex.Moves     // begun ones; nil until asked for
	// keyFiles are the files of every key; nil until asked for.
	keyFiles map[annexkey.Key][]File
	changed  bool // something was written to the git-annex branch

	ancestors *dataset.Ancestors // nil until a file is added
}

// staged is an index edit whose blob may still have to be made.
type staged struct {
	edit dataset.IndexEdit
	text []byte // nil: git has it
}

// errUninitialised is git-annex's answer in a plain repository.
var errUninitialised = errs.WithHint(errors.New("First run: git-annex init"), "`git annex init` makes an annex of this repository")

// Open begins a session in the dataset. A fresh clone of a repository with an
// annex is initialised on the way.
func Open(ctx context.Context, d *dataset.Dataset, settings Settings) (*Session, error) {
	if d.Annex == nil {
		if _, err := os.Lstat(d.Repo.Path(".noannex")); err == nil {
			return nil, errs.WithHint(errors.New("Initialization prevented by .noannex file"), "remove the file to override")
		}
		if err := d.EnsureAnnex(ctx); err != nil {
			return nil, err
		}
		if err := adjusted.ToFileSystem(ctx, d, false); err != nil {
			return nil, err
		}
	}
	if d.Annex == nil {
		return nil, errUninitialised
	}
	return &Session{Settings: settings, D: d, pending: map[string][]annex.LogEdit{}, mute: map[string]bool{}, Report: func(Outcome) error { return nil }}, nil
}

// Sync brings the git-annex branch up to date before logs are read: the journal
// is committed and fetched branches are merged.
func (s *Session) Sync(ctx context.Context) error {
	if !s.D.Repo.Config.Bool("annex.merge-annex-branches", true) {
		return nil
	}
	if _, err := s.D.Annex.Merge(ctx, s.D.Now()); err != nil {
		return s.tolerateReadOnly(err)
	}
	if s.D.Annex.Pending() && s.D.Repo.Config.Bool("annex.alwayscommit", true) {
		return s.tolerateReadOnly(s.commit(ctx, nil))
	}
	return nil
}

// tolerateReadOnly lets questions be answered in a repository of somebody else.
func (s *Session) tolerateReadOnly(err error) error {
	if err == nil || !errors.Is(err, os.ErrPermission) {
		return err
	}
	return nil
}

func (s *Session) admits(k annexkey.Key) bool { return s.Admit == nil || s.Admit(k) }

// clock is the time for log lines.
func (s *Session) clock() annexlog.Clock { return s.D.LogClock() }

// Log returns a log of the git-annex branch with all that this session changed.
func (s *Session) Log(ctx context.Context, path string) ([]byte, error) {
	read := s.D.Annex.ReadLog
	if s.pinned != nil {
		read = s.pinned.ReadLog
	}
	data, err := read(ctx, path)
	if err != nil {
		return nil, err
	}
	for _, e := range s.pending[path] {
		data = e.Change(data)
	}
	return data, nil
}

// Pin lets all logs be read as they are now: for commands that ask about many
// files and end then.
func (s *Session) Pin(ctx context.Context) (err error) {
	s.pinned, err = s.D.Annex.Snapshot(ctx)
	return err
}

// Stage lets a path of the index become a blob with the text (nil: the edit
// names one that git has) when the session ends.
func (s *Session) Stage(edit gitindex.Edit, was gitobj.OID, text []byte) {
	s.index = append(s.index, staged{dataset.IndexEdit{Edit: edit, Was: was}, text})
}

// Close stages what is to be staged and commits the git-annex branch.
func (s *Session) Close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	err := s.flushIndex(ctx)
	edits := s.takeEdits()
	if !s.D.Repo.Config.Bool("annex.alwayscommit", true) {
		return errors.Join(err, s.D.Annex.Note(ctx, edits))
	}
	if len(edits) == 0 && !(s.changed && s.D.Annex.Pending()) {
		return err
	}
	return errors.Join(err, s.commit(ctx, edits))
}

// Release ends what remotes hold: processes, connections, and the records that
// they have yet to commit.
func (s *Session) Release() error {
	for _, done := range s.carried {
		done()
	}
	s.carried, s.store = nil, nil
	var failures []error
	for _, p := range s.opened {
		if c, ok := remote.As[remote.Closer](p.Remote); ok {
			failures = append(failures, c.Close())
		}
	}
	s.opened, s.named = nil, nil
	return errors.Join(failures...)
}

// ownStore is our own content, for locks on one key after the other.
func (s *Session) ownStore() *local.Store {
	if s.store == nil {
		s.store = s.D.OwnStore()
		s.carried = append(s.carried, s.store.Carry())
	}
	return s.store
}

// Changed reports whether the git-annex branch gets something to record.
func (s *Session) Changed() bool { return s.changed || len(s.index) > 0 }

// JournalOnly leaves all changes in the journal, for a later command to commit,
// as git-annex's plumbing does.
func (s *Session) JournalOnly(ctx context.Context) error {
	err := s.flushIndex(ctx)
	edits := s.takeEdits()
	return errors.Join(err, s.D.Annex.Note(ctx, edits))
}

func (s *Session) commit(ctx context.Context, edits []annex.LogEdit) error {
	_, err := s.D.Publisher().Publish(ctx, commit.Request{Logs: edits, Reason: "git-annex"})
	if err != nil {
		return fmt.Errorf("record state: %w", err)
	}
	return nil
}

// flushIndex makes the blobs and applies the edits.
func (s *Session) flushIndex(ctx context.Context) error {
	if len(s.index) == 0 {
		return nil
	}
	var texts [][]byte
	var which []int
	seen := map[string]int{}
	for i, st := range s.index {
		if st.text == nil {
			continue
		}
		if _, ok := seen[string(st.text)]; !ok {
			seen[string(st.text)] = len(texts)
			texts = append(texts, st.text)
		}
		which = append(which, i)
	}
	ids, err := s.D.StoreBlobs(ctx, texts)
	if err != nil {
		return err
	}
	for _, i := range which {
		s.index[i].edit.OID = ids[seen[string(s.index[i].text)]]
	}
	edits := make([]dataset.IndexEdit, len(s.index))
	for i, st := range s.index {
		edits[i] = st.edit
	}
	s.index = nil
	if err := s.D.UpdateIndex(ctx, edits); err != nil || len(s.fill) == 0 {
		return err
	}
	fill := s.fill
	s.fill = nil
	return s.D.PopulateFiles(ctx, fill)
}
