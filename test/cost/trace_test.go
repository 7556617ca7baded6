package cost

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// census is what a command did, with its children, but without the line that
// the user wrote.
type census struct {
	calls     int // that name a path inside the repository
	processes int // started beside the command itself
	programs  []string
	lines     []string // the calls
}

// task is a process or a thread.
type task struct {
	parent  int
	thread  bool
	program string
	line    bool // runs the user's own line
	inside  []string
}

// trace is one output of `strace -f`.
type trace struct {
	repo  string
	tasks map[int]*task
	cut   map[int]string // calls whose end comes later
	first int
}

// count runs the command under strace; it must succeed.
func count(t *testing.T, r *rig.Repo, line string, args ...string) census {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trace")
	cmd := r.Command("strace", append([]string{"-f", "-y", "-s", "4096", "-e", "trace=%file,%process", "-e", "signal=none", "-o", file, r.Bin}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("strace %v: %v\n%s", args, err, out)
	}
	tr := &trace{repo: r.Dir, tasks: map[int]*task{}, cut: map[int]string{}}
	if err := tr.read(file, line); err != nil {
		t.Fatal(err)
	}
	return tr.sum()
}

func (tr *trace) read(file, line string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		id, text, _ := strings.Cut(lines.Text(), " ")
		pid, err := strconv.Atoi(id)
		if err != nil {
			continue
		}
		if tr.first == 0 {
			tr.first = pid
		}
		text = strings.TrimLeft(text, " ")
		if head, ok := strings.CutSuffix(text, " <unfinished ...>"); ok {
			tr.cut[pid] = head
			continue
		}
		if _, tail, ok := strings.Cut(text, " resumed>"); ok && strings.HasPrefix(text, "<... ") {
			text = tr.cut[pid] + tail
		}
		tr.call(pid, text, line)
	}
	return lines.Err()
}

func (tr *trace) at(pid int) *task {
	if tr.tasks[pid] == nil {
		tr.tasks[pid] = &task{}
	}
	return tr.tasks[pid]
}

var (
	quoted    = regexp.MustCompile(`(?:(AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"`)
	forkCalls = regexp.MustCompile(`^(clone|clone3|fork|vfork)\(`)
	lastInt   = regexp.MustCompile(` = (\d+)(?:<[^>]*>)?$`)
)

// call takes one complete call into the books.
func (tr *trace) call(pid int, text, line string) {
	k := tr.at(pid)
	if forkCalls.MatchString(text) {
		if m := lastInt.FindStringSubmatch(text); m != nil {
			child, _ := strconv.Atoi(m[1])
			c := tr.at(child)
			c.parent, c.thread = pid, strings.Contains(text, "CLONE_THREAD")
		}
		return
	}
	args, _, _ := strings.Cut(text, ") = ")
	if strings.HasPrefix(text, "execve(") && strings.HasSuffix(text, " = 0") {
		k.program = quoted.FindStringSubmatch(text)[3]
		k.line = line != "" && (strings.HasPrefix(args, `execve("/bin/sh", ["/bin/sh", "-c", "`+line) || strings.Contains(args, `", ["`+line+`", `))
	}
	if !strings.Contains(text, "(") || strings.HasPrefix(text, "getcwd(") || strings.HasPrefix(text, "execve(") {
		return // these name no path of the repository
	}
	for _, m := range quoted.FindAllStringSubmatch(args, -1) {
		if tr.within(m[2], m[3]) {
			k.inside = append(k.inside, text)
			return
		}
	}
}

// within resolves a path; those without a folder are relative to the working
// folder, which is in the repository for all programs here.
func (tr *trace) within(dir, name string) bool {
	switch {
	case name == "":
		return false // fstat: an open file, not a path
	case filepath.IsAbs(name):
		return strings.HasPrefix(name+"/", tr.repo+"/")
	case dir != "":
		return strings.HasPrefix(filepath.Join(dir, name)+"/", tr.repo+"/")
	}
	return true
}

// sum leaves out the user's line and everything it started, and threads whose
// birth strace did not see the end of because the process exited.
func (tr *trace) sum() (c census) {
	for pid, k := range tr.tasks {
		if tr.ofLine(pid) {
			continue
		}
		c.calls += len(k.inside)
		c.lines = append(c.lines, k.inside...)
		if pid != tr.first && !k.thread && (k.parent != 0 || k.program != "") {
			c.processes++
			c.programs = append(c.programs, filepath.Base(k.program))
		}
	}
	return c
}

func (tr *trace) ofLine(pid int) bool {
	for n := 0; pid != 0 && n < 1000; n++ {
		k := tr.at(pid)
		if k.line {
			return true
		}
		pid = k.parent
	}
	return false
}
