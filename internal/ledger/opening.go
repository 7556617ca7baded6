package ledger

import (
	"context"
	"os"
	"path/filepath"
)

// Opening is a ledger that is being opened while its caller waits for the
// lease: the database is made ready, which takes half a millisecond, and the file
// is opened, but not read.
type Opening struct {
	dir  string
	file os.FileInfo // nil: there is no file yet
	done chan struct{}
	l    *Ledger
	err  error
}

// Begin begins to open the ledger in dir, and changes nothing there. Finish or
// Drop must follow.
func Begin(dir string) *Opening {
	o := &Opening{dir: dir, done: make(chan struct{})}
	path := filepath.Join(dir, FileName)
	var err error
	if o.file, err = os.Lstat(path); err != nil {
		o.file = nil
		close(o.done)
		return o
	}
	go func() {
		defer close(o.done)
		o.l, o.err = connect(context.Background(), path)
	}()
	return o
}

// Finish opens the ledger as Open does; the lease must be held by now.
func (o *Opening) Finish(ctx context.Context) (*Ledger, error) {
	<-o.done
	if o.file == nil {
		return Open(ctx, o.dir)
	}
	// Until the lease was held somebody may have put another file in its place.
	now, err := os.Lstat(o.l.path)
	if err != nil || o.err != nil || !os.SameFile(o.file, now) {
		o.Drop()
		return Open(ctx, o.dir)
	}
	if err := o.l.prepare(ctx); err != nil {
		return nil, o.l.giveUp(err)
	}
	return o.l, nil
}

// Drop ends it without a ledger.
func (o *Opening) Drop() {
	<-o.done
	if o.l != nil {
		_ = o.l.Close()
	}
}
