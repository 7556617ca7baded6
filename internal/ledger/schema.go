package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"context"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
)

// schemaVersion stands in the header's user_version.
const schemaVersion = 1

// schema of version 1. A job's record is JSON; the columns beside it are what
// is searched for. Claims exist for jobs that are not closed, and sort so that
// everything below a folder is one range.
const schema = `
CREATE TABLE jobs (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	state    TEXT NOT NULL,
	job_id   TEXT NOT NULL,
	worktree TEXT NOT NULL,
	closed   INTEGER,
	record   TEXT NOT NULL
);
CREATE INDEX jobs_open ON jobs (id) WHERE state <> 'closed';
CREATE INDEX jobs_submitting ON jobs (id) WHERE state = 'submitting';
CREATE INDEX jobs_by_job_id ON jobs (job_id) WHERE job_id <> '';
CREATE INDEX jobs_closed ON jobs (closed) WHERE state = 'closed';
CREATE TABLE claims (
	worktree TEXT NOT NULL,
	path     TEXT NOT NULL,
	job      INTEGER NOT NULL REFERENCES jobs (id),
	PRIMARY KEY (worktree, path, job)
) WITHOUT ROWID;
CREATE INDEX claims_by_job ON claims (job);
`

// settings hold for every connection. The exclusive mode and the truncated
// journal save calls that name paths; see the package's tests for the count.
const settings = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA busy_timeout = 10000;
PRAGMA journal_mode = TRUNCATE;
PRAGMA synchronous = FULL;
PRAGMA temp_store = MEMORY;
PRAGMA trusted_schema = OFF;
PRAGMA cell_size_check = ON;
`

// prepare sets the connection up, makes the schema in a new file and refuses a
// newer one.
func (l *Ledger) prepare(ctx context.Context) error {
	tx := &Tx{ctx, l}
	if err := tx.exec(settings); err != nil {
		return err
	}
	var version int
	if err := tx.one([]any{&version}, "PRAGMA user_version"); err != nil {
		return err
	}
	if err := tx.one([]any{&l.flag}, "PRAGMA application_id"); err != nil {
		return err
	}
	switch {
	case version == schemaVersion:
		return l.takeIn(tx)
	case version != 0:
		return errs.WithHint(&VersionError{l.path, version, schemaVersion}, "use the stemma that wrote it, or a newer one; nothing was changed")
	}
	return l.create(tx)
}

func (l *Ledger) create(tx *Tx) error {
	err := tx.exec("BEGIN IMMEDIATE;" + schema + fmt.Sprintf("PRAGMA user_version = %d; COMMIT", schemaVersion))
	if err != nil {
		tx.exec("ROLLBACK")
		return err
	}
	fsx.Inherit(l.path) // SQLite gives later journals the mode of the file
	fsx.Inherit(l.path + journalSuffix)
	return fsx.SyncDir(filepath.Dir(l.path))
}

// updateFlag makes the header's application_id, which no one else uses, 1 if
// anything is open and 0 if not. It is part of the transaction.
func (tx *Tx) updateFlag() (int64, error) {
	var open int64
	err := tx.one([]any{&open}, `SELECT EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_open WHERE state <> 'closed')`)
	if err != nil || open == tx.l.flag {
		return open, err
	}
	return open, tx.exec(fmt.Sprintf("PRAGMA application_id = %d", open))
}

// HasOpen tells, without SQLite and without a lease, whether the ledger in dir
// has jobs that are not closed. In doubt (an interrupted or running
// transaction, a file that cannot be read) it says true, and the caller takes
// the lease and looks properly. It costs one open where nothing is open.
func HasOpen(dir string) bool {
	path := filepath.Join(dir, FileName)
	f, err := os.Open(path)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	defer f.Close()
	// Header fields of SQLite's file format: user_version at 60, application_id
	// at 68, both big-endian.
	var head [72]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return err != io.EOF // an empty file is a new ledger
	}
	if binary.BigEndian.Uint32(head[60:]) != schemaVersion || binary.BigEndian.Uint32(head[68:]) != 0 {
		return true
	}
	fi, err := os.Stat(path + journalSuffix)
	return err == nil && fi.Size() > 0
}

const journalSuffix = "-journal"

// Rebuild moves a damaged ledger in dir aside, as ledger.db.damaged-N, and
// opens a new, empty one. It returns the new name of the old file. The caller
// holds the lease, and has closed the old ledger.
func Rebuild(ctx context.Context, dir string) (*Ledger, string, error) {
	path := filepath.Join(dir, FileName)
	aside, err := freeName(path + ".damaged-")
	if err != nil {
		return nil, "", fmt.Errorf("rebuild ledger: %w", err)
	}
	// The journal goes first: left alone it would be played into the new file.
	for _, suffix := range []string{journalSuffix, ""} {
		err := os.Rename(path+suffix, aside+suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, "", fmt.Errorf("rebuild ledger: %w", err)
		}
	}
	if err := fsx.SyncDir(dir); err != nil {
		return nil, "", fmt.Errorf("rebuild ledger: %w", err)
	}
	l, err := Open(ctx, dir)
	return l, aside, err
}

func freeName(prefix string) (string, error) {
	for n := 1; n < 10000; n++ {
		name := fmt.Sprintf("%s%d", prefix, n)
		if _, err := os.Lstat(name); errors.Is(err, os.ErrNotExist) {
			return name, nil
		}
	}
	return "", errors.New("too many damaged ledgers")
}
