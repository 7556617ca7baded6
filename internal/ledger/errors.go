package ledger

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"

	"modernc.org/sqlite"

	"github.com/stemma-data/stemma/internal/fsx"
)

// Primary result codes of SQLite that callers should know apart.
const (
	sqliteError   = 1
	sqliteIOErr   = 10
	sqliteCorrupt = 11
	sqliteFull    = 13
	sqliteNotADB  = 26
)

// wrap recognises damage and full disks, and names the operation; typed errors
// keep their text.
func (l *Ledger) wrap(op string, err error) error {
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return err
	}
	switch se.Code() & 0xff {
	case sqliteCorrupt, sqliteNotADB:
		return &DamagedError{l.path, err}
	case sqliteFull:
		return fmt.Errorf("%s %s: %w: %w", op, l.path, syscall.ENOSPC, err)
	case sqliteIOErr:
		if cause := fsx.ProbeWrite(filepath.Dir(l.path)); cause != nil {
			return fmt.Errorf("%s %s: %w: %w", op, l.path, cause, err)
		}
	}
	return fmt.Errorf("%s %s: %w", op, l.path, err)
}

// hasEnded holds for the rollback of a transaction that SQLite has undone by
// itself, as it does when the disk is full.
func hasEnded(err error) bool {
	var se *sqlite.Error
	return errors.As(err, &se) && se.Code()&0xff == sqliteError && strings.Contains(se.Error(), "no transaction is active")
}
