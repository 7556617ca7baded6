package run

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/result"
)

// inputs are files for commands to read.
func (b *box) inputs() *box {
	b.write("in1.txt", "one\n")
	b.write("in 2.txt", "two\n")
	b.write("d/e/f1.dat", "f\n")
	b.save("inputs")
	b.sh("git config datalad.run.substitutions.name joe")
	return b
}

// TestRecordsEqualDataLad runs the same commands with both programs and
// compares all commit messages and all trees.
func TestRecordsEqualDataLad(t *testing.T) {
	ours := newBox(t, "text2git").inputs()
	theirs := ours.twin()
	for _, c := range []struct {
		sub  string
		opt  Options
		args []string // for datalad, without the command
	}{
		{"", Options{Command: []string{"echo hi > out.txt"}, Message: "simple run"}, []string{"-m", "simple run"}},
		{"", Options{Command: []string{"cat {inputs} > new.dat"}, Inputs: []string{"in1.txt", "in*.txt"}, Outputs: []string{"o*.txt", "new.dat"}},
			[]string{"-i", "in1.txt", "-i", "in*.txt", "-o", "o*.txt", "-o", "new.dat"}},
		{"", Options{Command: []string{"cat {inputs} > new2.dat"}, Inputs: []string{"in*.txt"}, Outputs: []string{"o*.txt", "new2.dat"}, Expand: Both},
			[]string{"-i", "in*.txt", "-o", "o*.txt", "-o", "new2.dat", "--expand", "both"}},
		{"", Options{Command: []string{"echo üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü > long"}}, nil},
		{"", Options{Command: []string{"echo \"a\tb\\\\n\" > uni; echo ü >> uni"}, Message: "ünïcode “x”"}, []string{"-m", "ünïcode “x”"}},
		{"d", Options{Command: []string{"cat {inputs} > q"}, Message: "sub", Inputs: []string{"e/f1.dat"}, Outputs: []string{"q"}},
			[]string{"-m", "sub", "-i", "e/f1.dat", "-o", "q"}},
		{"", Options{Command: []string{"--", "sh", "-c", `mkdir -p "res dir"; cat "$1" > "res dir/x"`, "x", "in1.txt", "{{}}"}}, nil},
		{"", Options{Command: []string{"echo {name} {inputs[1]} {outputs[0]} {{x}} > {outputs}"}, Inputs: []string{"in1.txt", "{name}", "in 2.txt"}, Outputs: []string{"{name}.txt"},
			AssumeReady: Inputs}, []string{"--assume-ready", "inputs", "-i", "in1.txt", "-i", "{name}", "-i", "in 2.txt", "-o", "{name}.txt"}},
		{"", Options{Command: []string{"echo side > side.txt"}, Message: "side", Sidecar: ptr(true)}, []string{"-m", "side", "--sidecar", "yes"}},
		{"", Options{Command: []string{"echo a > x1; echo b > x2"}, Message: "explicit", Outputs: []string{"x1"}, Explicit: true}, []string{"-m", "explicit", "-o", "x1", "--explicit"}},
	} {
		ours.run(c.sub, c.opt)
		args := append([]string{"run"}, c.args...)
		theirs.datalad(c.sub, append(args, c.opt.Command...)...)
	}
	const log = "git log --reverse --format=%s%n%b"
	same(t, "messages", ours.sh(log), theirs.sh(log))
	tree := "git ls-tree -r HEAD | grep -v runinfo"
	same(t, "tree", ours.sh(tree), theirs.sh(tree))
	same(t, "status", ours.sh("git status --porcelain"), "?? x2")
	ours.sh("git fsck --strict && git annex fsck --fast --quiet")
}

func TestFailingCommand(t *testing.T) {
	ours := newBox(t, "text2git")
	theirs := ours.twin()
	got := ours.run("", Options{Command: []string{"echo foo > fail.txt; exit 3"}, Message: "fails"})
	same(t, "results", strings.Join(got, "\n"), "run error . [echo foo > fail.txt; exit 3]")
	theirs.datalad("", "run", "-m", "fails", "echo foo > fail.txt; exit 3")
	same(t, "COMMIT_EDITMSG", ours.read(".git/COMMIT_EDITMSG"), theirs.read(".git/COMMIT_EDITMSG"))
	same(t, "status", ours.sh("git status --porcelain"), "?? fail.txt")
	if !strings.Contains(ours.log.String(), "datalad save -d . -r -F .git/COMMIT_EDITMSG") {
		t.Errorf("log: %s", ours.log)
	}
}

func TestFailingCommandResult(t *testing.T) {
	b := newBox(t)
	got := &result.Collector{}
	err := Run(t.Context(), b.open(""), Options{Command: []string{"exit 3"}}, got)
	if err != nil || len(got.Records) != 1 {
		t.Fatal(got.Records, err)
	}
	f := got.Records[0].Fields
	if f["exit_code"] != 3 || f["exception"] != "CommandError: 'exit 3' failed with exitcode 3 under "+b.dir || f["msg_path"] != filepath.Join(b.dir, ".git/COMMIT_EDITMSG") {
		t.Errorf("fields = %v", f)
	}
}

func TestKeepGoingSavesTheFailure(t *testing.T) {
	b := newBox(t, "text2git")
	got := b.run("", Options{Command: []string{"echo foo > f; exit 3"}, KeepGoing: true})
	same(t, "results", strings.Join(got, "\n"), "run error . [echo foo > f; exit 3]\nadd ok f\nsave ok .")
	if !strings.Contains(b.sh("git log -1 --format=%B"), `"exit": 3,`) {
		t.Error("the exit code is not recorded")
	}
}

// TestSelfCommittingCommand checks the merge that carries the record.
func TestSelfCommittingCommand(t *testing.T) {
	b := newBox(t, "text2git")
	b.write("a", "0\n")
	b.save("a")
	before := b.sh("git rev-parse HEAD")
	b.run("", Options{Command: []string{"echo 1 > a; git commit -qam inner; echo 2 > b"}})
	graph := b.sh("git log --graph --format=%s -5 HEAD")
	want := `*   [DATALAD RUNCMD] echo 1 > a; git commit -qam inner; echo ...
|\  
| * Remaining changes after command execution
| * inner
|/  
* a`
	if !strings.HasPrefix(graph, want) {
		t.Errorf("graph:\n%s", graph)
	}
	same(t, "first parent", b.sh("git rev-parse HEAD^1"), before)
	same(t, "status", b.sh("git status --porcelain"), "")
	same(t, "tree", b.sh("git rev-parse HEAD^{tree}"), b.sh("git rev-parse HEAD^2^{tree}"))
}

// TestCommitsOfOthersAreNotTheCommands: another process of ours commits while
// the command runs; the record is an ordinary commit on top. What the command
// itself commits by such a process still gets its merge.
func TestCommitsOfOthersAreNotTheCommands(t *testing.T) {
	b := newBox(t, "text2git")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := func(name string) string { return "STEMMA_TEST_CHILD=" + name + " '" + self + "'" }
	before := b.sh("git rev-parse HEAD")
	foreign := "env -u STEMMA_WITHIN " + child("x")
	b.run("", Options{Command: []string{foreign + "; " + "env -u STEMMA_WITHIN " + child("y") + "; echo 1 > out"}, Message: "plain"})
	same(t, "history", b.sh("git log --first-parent --format=%s "+before+".."), "[DATALAD RUNCMD] plain\n[DATALAD RUNCMD] echo y > y\n[DATALAD RUNCMD] echo x > x")
	same(t, "merges", b.sh("git rev-list --count --min-parents=2 HEAD"), "0")

	before = b.sh("git rev-parse HEAD")
	b.run("", Options{Command: []string{child("z") + "; echo 2 > out"}, Message: "its own"})
	same(t, "first parent", b.sh("git rev-parse HEAD^1"), before)
	same(t, "merges", b.sh("git rev-list --count --min-parents=2 HEAD"), "1")

	// Both: what the command did is not to be lost among the others.
	before = b.sh("git rev-parse HEAD")
	b.run("", Options{Command: []string{"env -u STEMMA_WITHIN " + child("u") + "; git commit -q --allow-empty -m own; " + "echo 3 > out"}, Message: "mixed"})
	same(t, "first parent", b.sh("git rev-parse HEAD^1"), before)

	// Without a reflog nobody can tell, and DataLad's reading holds.
	b.sh("git config core.logAllRefUpdates false; rm -rf .git/logs")
	before = b.sh("git rev-parse HEAD")
	b.run("", Options{Command: []string{"env -u STEMMA_WITHIN " + child("v") + "; echo 4 > out"}, Message: "no reflog"})
	same(t, "first parent", b.sh("git rev-parse HEAD^1"), before)
}

func TestMissingInput(t *testing.T) {
	b := newBox(t)
	got := b.run("", Options{Command: []string{"touch ran"}, Inputs: []string{"nope*"}})
	same(t, "results", strings.Join(got, "\n"), "run error . [Input did not match existing file: nope*]")
	if _, err := os.Lstat(filepath.Join(b.dir, "ran")); err == nil {
		t.Error("the command was executed")
	}
}

func TestUnknownPlaceholder(t *testing.T) {
	b := newBox(t)
	got := b.run("", Options{Command: []string{"echo {nokey}"}})
	same(t, "results", strings.Join(got, "\n"), "run impossible . [command has an unrecognized placeholder: 'nokey']")
}

func TestNoCommand(t *testing.T) {
	b := newBox(t)
	if got := b.run("", Options{}); len(got) > 0 || !strings.Contains(b.log.String(), "No command given") {
		t.Errorf("%v, log %s", got, b.log)
	}
}

func TestDirtyDatasetIsRefused(t *testing.T) {
	b := newBox(t)
	b.write("new", "x")
	got := b.run("", Options{Command: []string{"true"}})
	same(t, "results", strings.Join(got, "\n"), "run impossible . ["+dirtyMessage+"]")
	got = b.run("", Options{Command: []string{"true"}, DryRun: "basic"})
	same(t, "dry run", strings.Join(got, "\n"), "run impossible . ["+dirtyMessage+"]")
}

func TestDryRunEqualsDataLad(t *testing.T) {
	b := newBox(t, "text2git").inputs()
	for _, mode := range []string{"basic", "command"} {
		for _, cmd := range []string{"cat {inputs} > {outputs}", "plain"} {
			opt := Options{Command: []string{cmd}, DryRun: mode}
			args := []string{"run", "--dry-run", mode}
			if cmd != "plain" {
				opt.Inputs, opt.Outputs = []string{"in*.txt"}, []string{"out.txt"}
				args = append(args, "-i", "in*.txt", "-o", "out.txt")
			}
			got := &result.Collector{}
			if err := Run(t.Context(), b.open("d"), opt, got); err != nil || len(got.Records) != 1 {
				t.Fatal(got.Records, err)
			}
			same(t, mode+" "+cmd, DryRunText(got.Records[0], mode), b.datalad("d", append(args, cmd)...))
		}
	}
}

func TestExplicitSavesOutputsOnly(t *testing.T) {
	b := newBox(t, "text2git")
	b.write("gone", "x\n")
	b.write("other", "x\n")
	b.save("files")
	b.write("other", "changed\n")
	b.run("", Options{Command: []string{"rm gone; echo 1 > out; echo 2 > not"}, Outputs: []string{"gone", "out"}, Explicit: true})
	same(t, "commit", b.sh("git diff-tree -r --name-status HEAD^ HEAD"), "D\tgone\nA\tout")
	same(t, "status", b.sh("git status --porcelain"), " M other\n?? not")
}

// TestAnnexedOutputIsUnlocked lets a command change an annexed file in place.
func TestAnnexedOutputIsUnlocked(t *testing.T) {
	b := newBox(t)
	b.run("", Options{Command: []string{"echo 1 > f"}})
	got := b.run("", Options{Command: []string{"echo 2 >> f"}, Outputs: []string{"f"}})
	same(t, "results", strings.Join(got, "\n"), "unlock ok f\nrun ok . [echo 2 >> f]\nadd ok f\nsave ok .")
	same(t, "content", b.read("f"), "1\n2\n")
}

// TestSixteenProcesses runs commands in one clone at the same time: each gets
// its commit and its record.
func TestSixteenProcesses(t *testing.T) {
	b := newBox(t)
	const n = 16
	var procs []*exec.Cmd
	for i := range n {
		cmd := exec.Command(os.Args[0])
		cmd.Dir = b.dir
		cmd.Env = append(append([]string{}, b.vars...), fmt.Sprintf("STEMMA_TEST_CHILD=out.%d", i))
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		procs = append(procs, cmd)
	}
	for _, p := range procs {
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
	log := b.sh("git log --format=%B")
	for i := range n {
		name := fmt.Sprintf("out.%d", i)
		if strings.Count(log, fmt.Sprintf("\"cmd\": \"echo %s > %s\"", name, name)) != 1 {
			t.Errorf("%s has not exactly one record", name)
		}
		same(t, name, b.read(name), name+"\n")
	}
	same(t, "merges", b.sh("git log --merges --format=%h"), "")
	same(t, "status", b.sh("git status --porcelain"), "")
	b.sh("git fsck --strict")
}

func TestCommandThatSwitchesBranches(t *testing.T) {
	b := newBox(t, "text2git")
	got := b.run("", Options{Command: []string{"git checkout -q -b other; echo 1 > x"}})
	if last := got[len(got)-1]; !strings.HasPrefix(last, "run error . [command switched branches from master to other;") {
		t.Error(got)
	}
	same(t, "status", b.sh("git status --porcelain"), "?? x")
	if !strings.Contains(b.read(".git/COMMIT_EDITMSG"), "git checkout -q -b other") {
		t.Error("the record was not kept")
	}
}
