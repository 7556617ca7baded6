package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/fsx"
)

// copySuffix is what the copy of a job's record is called, after SubmitFile.
const copySuffix = ".json"

// maxCopy bounds what is read of a copy, in bytes.
const maxCopy = 16 << 20

// WriteCopy keeps a job's record beside its SubmitFile, for a ledger that has
// to be made again. It is not synced. Whoever may read SubmitFile may read it.
func WriteCopy(j *Job) error {
	fi, err := os.Lstat(j.SubmitFile)
	if err != nil {
		return err
	}
	return j.writeCopy(os.O_TRUNC, false, fi.Mode().Perm())
}

// Tell makes known what has become of a job whose row is in state submitting:
// its copy is what the next Open takes in, so that neither the lease nor the
// database is needed. When it returns nil the copy is durable. The error is
// fs.ErrNotExist where SubmitFile is gone: somebody has given the job up.
func Tell(j *Job) error {
	fi, err := os.Lstat(j.SubmitFile)
	if err != nil {
		return err
	}
	if err := j.writeCopy(os.O_EXCL, true, fi.Mode().Perm()); err != nil {
		return err
	}
	return fsx.SyncDir(filepath.Dir(j.SubmitFile))
}

func (j *Job) writeCopy(flag int, sync bool, mode fs.FileMode) error {
	record, err := j.encode()
	if err != nil {
		return err
	}
	path := j.SubmitFile + copySuffix
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flag, 0o666)
	if err != nil {
		return err
	}
	if mode&0o020 != 0 {
		err = f.Chmod(mode) // a shared repository's, whatever the umask
	}
	if err == nil {
		_, err = f.WriteString(record)
	}
	if err == nil && sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(path)
	}
	return err
}

// DropCopy removes what lies beside the ledger for a job that is closed.
func DropCopy(j *Job) {
	if j.SubmitFile == "" {
		return
	}
	for _, suffix := range []string{"", ".err", copySuffix} {
		_ = os.Remove(j.SubmitFile + suffix)
	}
}

// Copies lists the copies of jobs whose submissions wrote to the folder.
func Copies(submitDir string) ([]string, error) {
	return filepath.Glob(filepath.Join(submitDir, "*"+copySuffix))
}

// ReadCopy reads one; ok is false where it is not whole or the job is closed.
func ReadCopy(file string) (job Job, ok bool) {
	fi, err := os.Stat(file)
	if err != nil || fi.Size() > maxCopy {
		return job, false
	}
	data, err := os.ReadFile(file)
	if err != nil || job.decode(string(data)) != nil || job.State == StateClosed {
		return job, false
	}
	return job, job.check() == nil
}

// takeIn brings rows in state submitting up to what Tell has said of them, in a
// transaction that stays open: everybody who reads sees it, the first Update
// makes it durable together with its own changes, and without one it is
// repeated by the next Open.
func (l *Ledger) takeIn(tx *Tx) error {
	waiting, err := tx.jobList("SELECT " + jobColumns + " FROM jobs WHERE state = 'submitting' ORDER BY id")
	if err != nil {
		return err
	}
	for _, row := range waiting {
		told, ok := ReadCopy(row.SubmitFile + copySuffix)
		if !ok || told.State != StateOpen || told.SubmitFile != row.SubmitFile {
			continue
		}
		if err := l.begin(tx); err != nil {
			return err
		}
		if err := tx.Transition(row.ID, StateSubmitting, func(j *Job) { *j = told }); err != nil {
			return fmt.Errorf("take in job %s: %w", told.JobID, err)
		}
	}
	return nil
}

// begin starts a transaction, or goes on with the one that is open.
func (l *Ledger) begin(tx *Tx) error {
	if l.begun {
		return nil
	}
	err := tx.exec("BEGIN IMMEDIATE")
	l.begun = err == nil
	return err
}

// rollback undoes all but what was told.
func (l *Ledger) rollback(tx *Tx) error {
	l.begun = false
	err := tx.exec("ROLLBACK")
	if hasEnded(err) {
		_ = l.takeIn(tx) // in vain where the disk is full; the next one does it
		return nil
	}
	return errors.Join(err, l.takeIn(tx))
}
