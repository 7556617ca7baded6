// Package submission runs the line by which a user submits a job, so that its
// answer outlives this process, and brings what became of it into the ledger:
// the job's id, or that nobody knows. It never submits a second time.
package submission

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
)

// NewFile returns a fresh path for a submission's output. Its errors go to
// the same name with ".err".
func NewFile(d *dataset.Dataset) string {
	return filepath.Join(jobdb.SubmitDir(d), strings.ToLower(rand.Text()[:20]))
}

// Line is one run of the user's line.
type Line struct {
	Text   string
	Dir    string
	Env    []string
	File   string    // takes standard output
	Stdin  io.Reader // an *os.File is passed on as it is; nil: /dev/null
	Repo   *git.Repo // whose users may all read what is written; nil: the umask decides
	Stderr io.Writer // shows the line's messages as they come; nil: nobody
	Slow   func()    // is called once if the line takes long; nil: nobody
}

// Long is after how long somebody is told that a line still runs. A
// controller that hangs is given up by sbatch itself.
const Long = 30 * time.Second

// Answer is what a line left behind.
type Answer struct {
	Stdout, Stderr []byte
	Exit           int // 128 + signal for a signal
}

// ErrInterrupted says that the line may still be running.
var ErrInterrupted = errors.New("interrupted while the submission was under way")

// maxAnswer bounds how much of each stream is read.
const maxAnswer = 1 << 20

// grace is how long an interrupted submission may take to end.
const grace = 5 * time.Second

// Run runs the line as DataLad does, by /bin/sh -c; a plain call of sbatch needs
// no shell. It is in a process group of its own: neither an interrupt nor our
// death ends a submission half way. It holds a lock on its output file for as
// long as it lives.
func (s Line) Run(ctx context.Context) (Answer, error) {
	out, errFile, err := s.open()
	if err != nil {
		return Answer{}, fmt.Errorf("submit: %w", err)
	}
	defer out.Close()
	defer errFile.Close()
	cmd, err := s.start(out, errFile)
	if err != nil {
		return Answer{}, fmt.Errorf("submit: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	err = s.follow(ctx, errFile, done)
	if errors.Is(err, ErrInterrupted) {
		return Answer{}, err
	}
	a := Answer{Exit: ExitOf(cmd.ProcessState)}
	var rerr, rerr2 error
	a.Stdout, rerr = io.ReadAll(io.NewSectionReader(out, 0, maxAnswer))
	a.Stderr, rerr2 = io.ReadAll(io.NewSectionReader(errFile, 0, maxAnswer))
	if ee := (*exec.ExitError)(nil); errors.As(err, &ee) {
		err = nil // the exit code tells
	}
	return a, errors.Join(err, rerr, rerr2)
}

func (s Line) start(out, errFile *os.File) (*exec.Cmd, error) {
	var err error
	for _, cmd := range []*exec.Cmd{s.direct(), s.shell()} {
		if cmd == nil {
			continue
		}
		cmd.Dir, cmd.Env = s.Dir, append(s.Env[:len(s.Env):len(s.Env)], "PWD="+s.Dir)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, out, errFile
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err = cmd.Start(); err == nil {
			return cmd, nil
		}
	}
	return nil, err // a shell also runs what is no program for the kernel
}

// open makes both files. The lock on the first is inherited by the shell.
func (s Line) open() (out, errFile *os.File, err error) {
	flags := os.O_RDWR | os.O_CREATE | os.O_EXCL
	out, err = os.OpenFile(s.File, flags, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.makeDir(); err == nil {
			out, err = os.OpenFile(s.File, flags, 0o666)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	_ = syscall.Flock(int(out.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errFile, err = os.OpenFile(s.File+".err", flags, 0o666); err != nil {
		out.Close()
		return nil, nil, err
	}
	if s.Repo != nil {
		err = errors.Join(s.Repo.Share(s.File), s.Repo.Share(s.File+".err"))
	}
	return out, errFile, err
}

func (s Line) makeDir() error {
	if s.Repo != nil {
		return s.Repo.MakeShared(filepath.Dir(s.File))
	}
	return os.MkdirAll(filepath.Dir(s.File), 0o777)
}

// follow shows errors as they come until the line has ended.
func (s Line) follow(ctx context.Context, errFile *os.File, done <-chan error) error {
	show := &follower{from: errFile, to: s.Stderr}
	defer show.more()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	stop, long := ctx.Done(), time.After(Long)
	var giveUp <-chan time.Time
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			show.more()
		case <-long:
			if s.Slow != nil {
				s.Slow()
			}
		case <-stop:
			stop, giveUp = nil, time.After(grace)
		case <-giveUp:
			return ErrInterrupted
		}
	}
}

// follower copies what has been added to a file.
type follower struct {
	from *os.File
	to   io.Writer
	at   int64
}

func (f *follower) more() {
	if f.to == nil {
		return
	}
	n, _ := io.Copy(f.to, io.NewSectionReader(f.from, f.at, maxAnswer))
	f.at += n
}

// ExitOf is the exit code of a process; 128 + signal for a signal.
func ExitOf(st *os.ProcessState) int {
	if st == nil {
		return -1
	}
	if ws, ok := st.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return st.ExitCode()
}

// readAnswer reads what a line has written so far.
func readAnswer(file string) (a Answer, err error) {
	if a.Stdout, err = fsx.ReadHead(file, maxAnswer); err != nil {
		return a, err
	}
	a.Stderr, err = fsx.ReadHead(file+".err", maxAnswer)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return a, err
}

// doubtful are the words by which Slurm's programs say that a request may have
// arrived although no answer came.
var doubtful = []string{
	"timed out", "Zero Bytes were transmitted", "Unexpected message received", "Message receive failure",
	"Communication connection failure", "Connection reset", "Broken pipe",
}

// mayHaveSubmitted reports whether a line that told no job id may have
// submitted a job all the same.
func (a Answer) mayHaveSubmitted() bool {
	if a.Exit > 128 || a.Exit < 0 {
		return true // ended by a signal
	}
	for _, words := range doubtful {
		if strings.Contains(string(a.Stderr), words) {
			return true
		}
	}
	return false
}

// Reason is the last thing the line said, for error messages.
func (a Answer) Reason() string {
	lines := strings.Split(strings.TrimSpace(string(a.Stderr)), "\n")
	text := lines[len(lines)-1]
	if text == "" && a.Exit != 0 {
		text = fmt.Sprintf("exit code %d", a.Exit)
	}
	return text[:min(len(text), 500)]
}
