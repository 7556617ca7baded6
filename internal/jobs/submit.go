package jobs

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
)

// submitName returns a fresh path for a submission's output. Its errors go to
// the same name with ".err".
func submitName(d *dataset.Dataset) string {
	return filepath.Join(submitDir(d), strings.ToLower(rand.Text()[:20]))
}

// submission is one run of the user's line.
type submission struct {
	line   string
	dir    string
	env    []string
	file   string    // takes standard output
	stdin  io.Reader // an *os.File is passed on as it is; nil: /dev/null
	repo   *git.Repo // whose users may all read what is written; nil: the umask decides
	stderr io.Writer // shows the line's messages as they come; nil: nobody
	slow   func()    // is called once if the line takes long; nil: nobody
}

// longSubmission is after how long somebody is told that a line still runs. A
// controller that hangs is given up by sbatch itself.
const longSubmission = 30 * time.Second

// answer is what a line left behind.
type answer struct {
	stdout, stderr []byte
	exit           int // 128 + signal for a signal
}

// errInterrupted says that the line may still be running.
var errInterrupted = errors.New("interrupted while the submission was under way")

// maxAnswer bounds how much of each stream is read.
const maxAnswer = 1 << 20

// grace is how long an interrupted submission may take to end.
const grace = 5 * time.Second

// run runs the line as DataLad does, by /bin/sh -c. The shell is in a process
// group of its own: neither an interrupt nor our death ends a submission half
// way. It holds a lock on its output file for as long as it lives.
func (s submission) run(ctx context.Context) (answer, error) {
	out, errFile, err := s.open()
	if err != nil {
		return answer{}, fmt.Errorf("submit: %w", err)
	}
	defer out.Close()
	defer errFile.Close()
	cmd := exec.Command("/bin/sh", "-c", s.line)
	cmd.Dir, cmd.Env = s.dir, append(s.env[:len(s.env):len(s.env)], "PWD="+s.dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.stdin, out, errFile
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return answer{}, fmt.Errorf("submit: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	err = s.follow(ctx, errFile, done)
	if errors.Is(err, errInterrupted) {
		return answer{}, err
	}
	a := answer{exit: exitOf(cmd.ProcessState)}
	var rerr, rerr2 error
	a.stdout, rerr = io.ReadAll(io.NewSectionReader(out, 0, maxAnswer))
	a.stderr, rerr2 = io.ReadAll(io.NewSectionReader(errFile, 0, maxAnswer))
	if ee := (*exec.ExitError)(nil); errors.As(err, &ee) {
		err = nil // the exit code tells
	}
	return a, errors.Join(err, rerr, rerr2)
}

// open makes both files. The lock on the first is inherited by the shell.
func (s submission) open() (out, errFile *os.File, err error) {
	flags := os.O_RDWR | os.O_CREATE | os.O_EXCL
	out, err = os.OpenFile(s.file, flags, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		if err = s.makeDir(); err == nil {
			out, err = os.OpenFile(s.file, flags, 0o666)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	_ = syscall.Flock(int(out.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errFile, err = os.OpenFile(s.file+".err", flags, 0o666); err != nil {
		out.Close()
		return nil, nil, err
	}
	if s.repo != nil {
		err = errors.Join(s.repo.Share(s.file), s.repo.Share(s.file+".err"))
	}
	return out, errFile, err
}

func (s submission) makeDir() error {
	if s.repo != nil {
		return s.repo.MakeShared(filepath.Dir(s.file))
	}
	return os.MkdirAll(filepath.Dir(s.file), 0o777)
}

// follow shows errors as they come until the line has ended.
func (s submission) follow(ctx context.Context, errFile *os.File, done <-chan error) error {
	show := &follower{from: errFile, to: s.stderr}
	defer show.more()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	stop, long := ctx.Done(), time.After(longSubmission)
	var giveUp <-chan time.Time
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			show.more()
		case <-long:
			if s.slow != nil {
				s.slow()
			}
		case <-stop:
			stop, giveUp = nil, time.After(grace)
		case <-giveUp:
			return errInterrupted
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

func exitOf(st *os.ProcessState) int {
	if st == nil {
		return -1
	}
	if ws, ok := st.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return st.ExitCode()
}

// readAnswer reads what a line has written so far.
func readAnswer(file string) (a answer, err error) {
	if a.stdout, err = fsx.ReadHead(file, maxAnswer); err != nil {
		return a, err
	}
	a.stderr, err = fsx.ReadHead(file+".err", maxAnswer)
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
func (a answer) mayHaveSubmitted() bool {
	if a.exit > 128 || a.exit < 0 {
		return true // ended by a signal
	}
	for _, words := range doubtful {
		if strings.Contains(string(a.stderr), words) {
			return true
		}
	}
	return false
}

// reason is the last thing the line said, for error messages.
func (a answer) reason() string {
	lines := strings.Split(strings.TrimSpace(string(a.stderr)), "\n")
	text := lines[len(lines)-1]
	if text == "" && a.exit != 0 {
		text = fmt.Sprintf("exit code %d", a.exit)
	}
	return text[:min(len(text), 500)]
}
