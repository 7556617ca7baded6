// Package ledger keeps what cannot be derived from git: the jobs in flight and
// the paths they claim. It is one SQLite file with a rollback journal in the folder it is given. The caller
// holds the repository's lease from before Open until after Close; the ledger
// itself takes no lease, and knows nothing of git or of schedulers.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the "sqlite" driver
)

// FileName is the name of the ledger in its folder.
const FileName = "ledger.db"

// ErrNotFound says that no job has the given id.
var ErrNotFound = errors.New("not in the ledger")

// Ledger is an open ledger. It is safe for concurrent use by goroutines.
type Ledger struct {
	path string
	db   *sql.DB
	conn *sql.Conn

	mu    sync.Mutex // one statement or transaction at a time
	guard func() error
	flag  int64 // the open flag as stored in the file's header
	begun bool  // a transaction is open
	steps int   // statements run so far; tests watch it
}

// Open opens the ledger in dir, or makes the folder and a new ledger. The error
// is a *VersionError if a newer program wrote it and a *DamagedError if it is
// no sound database; see Rebuild.
func Open(ctx context.Context, dir string) (*Ledger, error) {
	l, err := open(ctx, filepath.Join(dir, FileName))
	if err != nil && missingDir(dir) {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, fmt.Errorf("open ledger: %w", err)
		}
		l, err = open(ctx, filepath.Join(dir, FileName))
	}
	return l, err
}

func missingDir(dir string) bool {
	_, err := os.Stat(dir)
	return errors.Is(err, fs.ErrNotExist)
}

func open(ctx context.Context, path string) (*Ledger, error) {
	l, err := connect(ctx, path)
	if err == nil {
		err = l.prepare(ctx)
	}
	if err != nil {
		return nil, l.giveUp(err)
	}
	return l, nil
}

// connect opens the file, but neither locks nor reads it.
func connect(ctx context.Context, path string) (l *Ledger, err error) {
	l = &Ledger{path: path}
	if l.db, err = sql.Open("sqlite", dataSource(path, "")); err != nil {
		return l, err
	}
	l.db.SetMaxOpenConns(1)
	l.conn, err = l.db.Conn(ctx)
	return l, err
}

func (l *Ledger) giveUp(err error) error {
	_ = l.Close()
	return l.wrap("open ledger", err)
}

// dataSource quotes a path for SQLite, which reads it as a URI.
func dataSource(path, query string) string {
	u := url.URL{Scheme: "file", Path: path, RawQuery: query}
	if !filepath.IsAbs(path) {
		u = url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: query}
	}
	return u.String()
}

// Guard sets a function that is called right before each commit; an error
// rolls the transaction back and is returned. It is meant for the check that
// the lease is still ours.
func (l *Ledger) Guard(check func() error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.guard = check
}

// Close closes the file. Call it before the lease is given back.
func (l *Ledger) Close() error {
	var err error
	if l.conn != nil {
		err = l.conn.Close()
	}
	if l.db != nil {
		err = errors.Join(err, l.db.Close())
	}
	if err != nil {
		return fmt.Errorf("close ledger: %w", err)
	}
	return nil
}

// Tx is one transaction. It is valid inside the function given to Update only.
type Tx struct {
	ctx context.Context
	l   *Ledger
}

// Update runs fn in one transaction: all of its changes become durable
// together, or none when fn, the guard or the disk fails. fn must use tx and
// not the Ledger, which is locked meanwhile.
func (l *Ledger) Update(ctx context.Context, fn func(*Tx) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	tx := &Tx{ctx, l}
	if err := l.begin(tx); err != nil {
		return l.wrap("ledger", err)
	}
	err := fn(tx)
	if err == nil {
		err = tx.commit()
	}
	if err != nil {
		// The context may have ended; the rollback must happen all the same.
		tx.ctx = context.WithoutCancel(ctx)
		return l.wrap("ledger", errors.Join(err, l.rollback(tx)))
	}
	return nil
}

// commit stores the open flag with the rest and asks the guard last.
func (tx *Tx) commit() error {
	flag, err := tx.updateFlag()
	if err != nil {
		return err
	}
	if tx.l.guard != nil {
		if err := tx.l.guard(); err != nil {
			return err
		}
	}
	// A commit is not cancelled half way: its outcome would be unknown.
	tx.ctx = context.WithoutCancel(tx.ctx)
	if err := tx.exec("COMMIT"); err != nil {
		return err
	}
	tx.l.flag, tx.l.begun = flag, false
	return nil
}

func (tx *Tx) exec(query string, args ...any) error {
	tx.l.steps++
	_, err := tx.l.conn.ExecContext(tx.ctx, query, args...)
	return err
}

// one reads a single row; the error is ErrNotFound if there is none.
func (tx *Tx) one(dest []any, query string, args ...any) error {
	tx.l.steps++
	err := tx.l.conn.QueryRowContext(tx.ctx, query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// each calls scan for every row of the answer. scan must run no statements.
func (tx *Tx) each(scan func(*sql.Rows) error, query string, args ...any) error {
	tx.l.steps++
	rows, err := tx.l.conn.QueryContext(tx.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// view runs reads outside a transaction. Nobody else writes, so that they see
// one state.
func (l *Ledger) view(ctx context.Context, fn func(*Tx) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := fn(&Tx{ctx, l}); err != nil {
		return l.wrap("ledger", err)
	}
	return nil
}

// VersionError says that a newer program wrote the ledger.
type VersionError struct {
	Path       string
	Have, Know int
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("ledger %s has version %d, this program knows versions up to %d", e.Path, e.Have, e.Know)
}

// DamagedError says that the ledger is no sound database.
type DamagedError struct {
	Path string
	Err  error
}

func (e *DamagedError) Error() string { return fmt.Sprintf("ledger %s is damaged: %v", e.Path, e.Err) }
func (e *DamagedError) Unwrap() error { return e.Err }
