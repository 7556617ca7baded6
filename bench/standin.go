package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// standInVar names the folder in which the stand-in for Slurm keeps its jobs.
const standInVar = "BENCH_STAND_IN"

// standIns are the programs of Slurm that this program plays when it is called
// by their names: just enough of them to run ten thousand jobs at the speed of
// this machine, where a real Slurm would take an hour. They answer at once, so
// that what is measured is stemma.
var standIns = map[string]func(dir string, args []string) error{
	"sbatch": submit, "scontrol": showJob, "squeue": queued, "sacct": accountOf,
}

// useStandIn puts the stand-in on PATH.
func (b *bench) useStandIn() error {
	dir := filepath.Join(b.tmp, "standin")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		return err
	}
	for name := range standIns {
		if err := os.Symlink(self, filepath.Join(dir, "bin", name)); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	b.env = slices.DeleteFunc(b.env, func(v string) bool { return strings.HasPrefix(v, "STEMMA_SCHEDULER=") })
	b.env = append(b.env, "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), standInVar+"="+dir)
	b.standIn = dir
	return nil
}

// played is what useStandIn's programs were asked since the last call: a line
// for each call of squeue or sacct.
func (b *bench) played() (questions int, err error) {
	path := filepath.Join(b.standIn, "asked")
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	return strings.Count(string(data), "\n"), errors.Join(err, os.Remove(path))
}

// appendLine adds a line to a file that many processes write to.
func appendLine(path, line string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

// nextID counts the jobs.
func nextID(dir string) (id int, err error) {
	f, err := os.OpenFile(filepath.Join(dir, "last"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return 0, err
	}
	_, _ = fmt.Fscan(f, &id) // nothing yet: 0
	id++
	_, err = f.WriteAt(fmt.Appendf(nil, "%d\n", id), 0)
	return id, err
}

// recordLen is the length of a job's line, so that one is found without reading
// those of all others.
const recordLen = 512

func noteJob(dir string, id int, line string) error {
	f, err := os.OpenFile(filepath.Join(dir, "jobs"), os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "%-*s\n", recordLen-1, line), int64(id-1)*recordLen)
	return errors.Join(err, f.Close())
}

// jobNumber reads one job's line.
func jobNumber(dir, id string) (j standInJob, err error) {
	n, err := strconv.Atoi(id)
	if err != nil {
		return j, err
	}
	f, err := os.Open(filepath.Join(dir, "jobs"))
	if err != nil {
		return j, err
	}
	defer f.Close()
	line := make([]byte, recordLen)
	if _, err := f.ReadAt(line, int64(n-1)*recordLen); err != nil {
		return j, err
	}
	j, ok := parseJob(string(line))
	if !ok {
		err = fmt.Errorf("no job %s", id)
	}
	return j, err
}

func parseJob(line string) (standInJob, bool) {
	f := strings.SplitN(strings.TrimRight(line, " \n"), "|", 3)
	if len(f) != 3 {
		return standInJob{}, false
	}
	return standInJob{id: f[0], submitted: f[1], cwd: f[2]}, true
}

// submit runs the script in the background and tells its id.
func submit(dir string, args []string) error {
	id, err := nextID(dir)
	if err != nil {
		return err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := noteJob(dir, id, fmt.Sprintf("%d|%d|%s", id, time.Now().Unix(), cwd)); err != nil {
		return err
	}
	line := `out=$1 id=$2 ended=$3; shift 3; sh "$@" >"$out" 2>&1; echo "$id" >>"$ended"`
	argv := append([]string{"-c", line, "sh", fmt.Sprintf("slurm-%d.out", id), fmt.Sprint(id), filepath.Join(dir, "ended")}, args...)
	cmd := exec.Command("sh", argv...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	fmt.Printf("Submitted batch job %d\n", id)
	return cmd.Process.Release()
}

// standInJob is what is known of a job.
type standInJob struct {
	id, submitted, cwd string
	ended              bool
}

// jobsOf returns the jobs that args name with -j, or all.
func jobsOf(dir string, args []string) ([]standInJob, error) {
	asked := map[string]bool{}
	if i := slices.Index(args, "-j"); i >= 0 && i+1 < len(args) {
		for id := range strings.SplitSeq(args[i+1], ",") {
			asked[id] = true
		}
	}
	ended := map[string]bool{}
	if data, err := os.ReadFile(filepath.Join(dir, "ended")); err == nil {
		for _, id := range strings.Fields(string(data)) {
			ended[id] = true
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "jobs"))
	var list []standInJob
	for line := range strings.Lines(string(data)) {
		if j, ok := parseJob(line); ok && (len(asked) == 0 || asked[j.id]) {
			j.ended = ended[j.id]
			list = append(list, j)
		}
	}
	return list, err
}

// showJob answers scontrol show job ID.
func showJob(dir string, args []string) error {
	j, err := jobNumber(dir, args[len(args)-1])
	if err != nil {
		return err
	}
	_, err = fmt.Printf("JobId=%[1]s JobName=job.sh\n   JobState=RUNNING Reason=None Dependency=(null)\n   WorkDir=%[2]s\n   StdErr=%[2]s/slurm-%[1]s.out\n   StdIn=/dev/null\n   StdOut=%[2]s/slurm-%[1]s.out\n\n", j.id, j.cwd)
	return err
}

// queued answers squeue in the format that stemma asks for.
func queued(dir string, args []string) error {
	return tellOf(dir, args, func(j standInJob) string {
		if j.ended {
			return ""
		}
		return fmt.Sprintf("%[1]s|%[1]s|RUNNING|None|%[2]s", j.id, j.submitted)
	})
}

// accountOf answers sacct in the format that stemma asks for.
func accountOf(dir string, args []string) error {
	return tellOf(dir, args, func(j standInJob) string {
		state, end := "RUNNING", "Unknown"
		if j.ended {
			state, end = "COMPLETED", j.submitted
		}
		return fmt.Sprintf("%[1]s|%[1]s|%[3]s|0:0|0:0|%[2]s|%[4]s|00:00:00|node||%[2]s", j.id, j.submitted, state, end)
	})
}

// tellOf notes the question and prints the lines.
func tellOf(dir string, args []string, line func(standInJob) string) error {
	if err := appendLine(filepath.Join(dir, "asked"), "?"); err != nil {
		return err
	}
	list, err := jobsOf(dir, args)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(os.Stdout)
	for _, j := range list {
		if text := line(j); text != "" {
			fmt.Fprintln(w, text)
		}
	}
	return w.Flush()
}
