package run

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// clock is a command whose output differs each time.
const clock = "date +%N > when.txt"

func (b *box) head() string { return b.sh("git rev-parse HEAD") }

func (b *box) message() string { return b.sh("git log -1 --format=%B") }

// chain is the list of earlier executions in the record of HEAD.
func (b *box) chain() []string {
	b.t.Helper()
	var rec struct{ Chain []string }
	_, text, _ := strings.Cut(b.message(), "=== Do not change lines below ===\n")
	text, _, _ = strings.Cut(text, "\n^^^")
	if err := json.Unmarshal([]byte(text), &rec); err != nil {
		b.t.Fatal(err)
	}
	return rec.Chain
}

func TestRerunExtendsTheChain(t *testing.T) {
	b := newBox(t, "text2git")
	b.run("", Options{Command: []string{clock}, Message: "datecmd", Outputs: []string{"when.txt"}})
	want := []string{}
	for range 2 {
		want = append(want, b.head())
		got := b.rerun(RerunOptions{})
		same(t, "results", strings.Join(got, "\n"), "unlock notneeded when.txt\nrun ok . [date +%N > when.txt]\nadd ok when.txt\nsave ok .")
		same(t, "chain", fmt.Sprint(b.chain()), fmt.Sprint(want))
		same(t, "title", b.sh("git log -1 --format=%s"), "[DATALAD RUNCMD] datecmd")
	}
	if !strings.Contains(b.log.String(), `msg="run commit `+want[1][:7]+`; (datecmd)"`) {
		t.Errorf("log: %s", b.log)
	}
	same(t, "branch", b.sh("git symbolic-ref --short HEAD"), "master")
}

func TestDeterministicCommandMakesNoCommit(t *testing.T) {
	for _, procedure := range []string{"text2git", "no"} {
		t.Run(procedure, func(t *testing.T) {
			var procedures []string
			if procedure == "text2git" {
				procedures = []string{procedure}
			}
			b := newBox(t, procedures...)
			b.run("", Options{Command: []string{"echo hi > out.txt"}, Message: "a title of more than twenty"})
			before := b.head()
			b.rerun(RerunOptions{})
			same(t, "HEAD", b.head(), before)
			same(t, "status", b.sh("git status --porcelain"), "")
			if !strings.Contains(b.log.String(), "(a title of more t...)") {
				t.Errorf("log: %s", b.log)
			}
		})
	}
}

// TestTwoPrograms lets each program rerun what the other recorded.
func TestTwoPrograms(t *testing.T) {
	b := newBox(t)
	b.write("in", "x\n")
	b.save("in")
	b.run("", Options{Command: []string{"cat {inputs} > d; date +%N >> d"}, Message: "mixed", Inputs: []string{"in"}, Outputs: []string{"d"}})
	first, message := b.head(), b.message()
	b.datalad("", "rerun")
	second := b.head()
	same(t, "chain by DataLad", fmt.Sprint(b.chain()), fmt.Sprint([]string{first}))
	b.rerun(RerunOptions{})
	third := b.head()
	same(t, "chain by Stemma", fmt.Sprint(b.chain()), fmt.Sprint([]string{first, second}))
	b.datalad("", "rerun")
	same(t, "chain by both", fmt.Sprint(b.chain()), fmt.Sprint([]string{first, second, third}))
	want := strings.Replace(message, "\"chain\": []", fmt.Sprintf("\"chain\": [\n  %q,\n  %q,\n  %q\n ]", first, second, third), 1)
	same(t, "message", b.message(), want)
	b.sh("git fsck --strict && git annex fsck --quiet && test -z \"$(git status --porcelain)\"")
}

// merged makes the history of the specification's merge replay.
func merged(t *testing.T, procedures ...string) *box {
	b := newBox(t, procedures...)
	b.run("", Options{Command: []string{"date +%N > a"}, Message: "r1"})
	b.write("manual", "m\n")
	b.save("manual")
	b.run("", Options{Command: []string{"cp a b; date +%N >> b"}, Message: "r2", Outputs: []string{"b"}, Inputs: []string{"a"}})
	b.sh("git -c core.hooksPath=/dev/null checkout -q -b side HEAD~2")
	b.run("", Options{Command: []string{"date +%N > s"}, Message: "rside"})
	b.sh("git -c core.hooksPath=/dev/null checkout -q master && git merge -q --no-ff -m 'merge side' side")
	b.run("", Options{Command: []string{"cat a b s > l"}, Message: "last"})
	return b
}

const graph = "git log --graph --topo-order --format='%s %P' HEAD | sed 's/ [0-9a-f]\\{40\\}/ P/g'"

func TestMergeReplay(t *testing.T) {
	for _, procedure := range []string{"text2git", ""} {
		b := merged(t, strings.Fields(procedure)...)
		want := b.sh(graph)
		got := b.rerun(RerunOptions{Since: ptr(""), Branch: ptr("replay"), Onto: ptr("")})
		manual := b.sh("git rev-parse --short master~3")
		same(t, "results", strings.Join(got, "\n"), `run ok . [date +%N > a]
add ok a
save ok .
run ok . [`+manual+` does not have a command; cherry picking]
get notneeded a
run ok . [cp a b; date +%N >> b]
add ok b
save ok .
run ok . [date +%N > s]
add ok s
save ok .
run ok .
run ok . [cat a b s > l]
add ok l
save ok .`)
		same(t, "graph", b.sh(graph), want)
		same(t, "branch", b.sh("git symbolic-ref --short HEAD"), "replay")
		same(t, "status", b.sh("git status --porcelain"), "")
		same(t, "base", b.sh("git merge-base master replay"), b.sh("git rev-parse master~5"))
		same(t, "l", b.read("l"), b.read("a")+b.read("b")+b.read("s"))
		for _, line := range []string{"checkout commit ", "merge commit ", "skip-or-pick commit ", "skipping or cherry picking"} {
			if !strings.Contains(b.log.String(), line) {
				t.Errorf("log lacks %q: %s", line, b.log)
			}
		}
		b.sh("git fsck --strict")
	}
}

// TestReplayLikeDataLad compares further replays of the same history with those
// of DataLad: the graph, HEAD, and the results.
func TestReplayLikeDataLad(t *testing.T) {
	origin := merged(t, "text2git")
	for _, c := range []struct {
		name string
		opt  RerunOptions
		args []string
	}{
		{"merge", RerunOptions{Revision: ptr("HEAD~1")}, []string{"HEAD~1"}},
		{"since", RerunOptions{Since: ptr("HEAD~3")}, []string{"--since=HEAD~3"}},
		{"all", RerunOptions{Since: ptr("")}, []string{"--since="}},
		{"onto", RerunOptions{Since: ptr("HEAD~2"), Onto: ptr("HEAD~3")}, []string{"--since=HEAD~2", "--onto=HEAD~3"}},
		{"side", RerunOptions{Revision: ptr("side"), Onto: ptr("master~1"), Branch: ptr("n")}, []string{"--onto=master~1", "-b", "n", "side"}},
		{"branch", RerunOptions{Branch: ptr("n"), Since: ptr(""), Message: "new title"}, []string{"-b", "n", "--since=", "-m", "new title"}},
		{"other", RerunOptions{Revision: ptr("side"), Explicit: true}, []string{"--explicit", "side"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			outer := *origin
			outer.t = t
			ours, theirs := outer.twin(), outer.twin()
			records, err := ours.rerunRecords(c.opt)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range records.Records {
				got = append(got, shape(t, ours, jsonLine(r)))
			}
			var want []string
			for _, line := range strings.Split(strings.TrimSpace(theirs.datalad("", append([]string{"-f", "json", "rerun"}, c.args...)...)), "\n") {
				want = append(want, shape(t, theirs, line))
			}
			same(t, "results", strings.Join(got, "\n"), strings.Join(want, "\n"))
			same(t, "graph", ours.sh(graph), theirs.sh(graph))
			const at = "git symbolic-ref -q --short HEAD || echo detached; git log -1 --format=%s master"
			same(t, "HEAD", ours.sh(at), theirs.sh(at))
			same(t, "status", ours.sh("git status --porcelain"), theirs.sh("git status --porcelain"))
		})
	}
}

// shape reduces a result to what both programs have in common.
func shape(t *testing.T, b *box, line string) string {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if info, ok := m["run_info"].(map[string]any); ok {
		info["chain"] = nil
	}
	delete(m, "message_") // some results have none
	if m["message"] == "" {
		delete(m, "message")
	}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), b.dir, "/DS")
}

func TestReportEqualsDataLad(t *testing.T) {
	b := merged(t, "text2git")
	b.run("", Options{Command: []string{"rm a; rm b; mkdir b; echo 4 > b/q; rm s; ln -s foo s; date > big.dat; head -c 5000 /dev/zero > bin"}, Message: "many"})
	for _, args := range [][]string{{"--since="}, {"--since=", "--onto=", "--branch=x"}, {"--since=", "--message=m"}} {
		opt := RerunOptions{Since: ptr(""), Report: true}
		for _, a := range args {
			switch name, v, _ := strings.Cut(a, "="); name {
			case "--onto":
				opt.Onto = &v
			case "--branch":
				opt.Branch = &v
			case "--message":
				opt.Message = v
			}
		}
		records, err := b.rerunRecords(opt)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, r := range records.Records {
			got.WriteString(jsonLine(r) + "\n")
		}
		same(t, "report", got.String(), b.datalad("", append([]string{"-f", "json", "rerun", "--report"}, args...)...))
	}
}

func TestScriptEqualsDataLad(t *testing.T) {
	b := merged(t, "text2git")
	b.run("", Options{Command: []string{"echo {inputs} {dspath} > sc"}, Inputs: []string{"a", "b"}, Message: "two\nlines"})
	b.sh("git tag -a -m v1 v1")
	b.run("", Options{Command: []string{"true {outputs}; echo x > y"}, Outputs: []string{"y"}})
	want := b.datalad("", "rerun", "--script", "-", "--since=")
	b.rerun(RerunOptions{Since: ptr(""), Script: "-"})
	same(t, "script", b.out.String(), want)

	b.write("new", "dirty is no obstacle")
	got := b.rerun(RerunOptions{Script: "s.sh"})
	if len(got) != 1 || !strings.HasSuffix(got[0], "[Script written to s.sh]") || !strings.Contains(b.read("s.sh"), "echo x > y") {
		t.Errorf("results %v", got)
	}
}

// TestScriptPwd: DataLad writes "/." at the end.
func TestScriptPwd(t *testing.T) {
	b := newBox(t, "text2git")
	b.run("", Options{Command: []string{"echo {pwd} > p"}})
	b.rerun(RerunOptions{Script: "-"})
	if !strings.HasSuffix(b.out.String(), "\necho "+b.dir+" > p\n") {
		t.Error(b.out)
	}
}

func TestRerunRefusals(t *testing.T) {
	b := newBox(t, "text2git")
	b.write("f", "x")
	b.save("f")
	first := func(opt RerunOptions) string {
		t.Helper()
		lines, err := b.tryRerun(opt)
		if err != nil {
			return "error: " + err.Error()
		}
		return strings.Join(lines, "\n")
	}
	same(t, "nothing", first(RerunOptions{}), "run impossible . [No run commits found in range master^..master]")
	same(t, "revision", first(RerunOptions{Revision: ptr("HEAD~1")}), "run impossible . [No run commits found in range HEAD~1^..HEAD~1]")
	same(t, "since", first(RerunOptions{Since: ptr("HEAD~1")}), "run impossible . [No run commits found in range HEAD~1..master]")
	same(t, "all", first(RerunOptions{Since: ptr("")}), "run impossible . [No run commits found in range master]")
	same(t, "unknown", first(RerunOptions{Revision: ptr("nope")}), `error: rerun: there is no commit "nope"`)
	same(t, "option", first(RerunOptions{Revision: ptr("--all")}), `error: rerun: there is no commit "--all"`)
	same(t, "unknown since", first(RerunOptions{Since: ptr("nope")}), `error: rerun: --since: there is no commit "nope"`)
	b.run("", Options{Command: []string{clock}})
	same(t, "onto", first(RerunOptions{Onto: ptr("nope")}), "run error . [Revision specified for --onto (nope) does not exist.]")
	b.sh("git branch side")
	same(t, "branch", first(RerunOptions{Branch: ptr("side")}), "run error . [branch 'side' already exists]")
	b.write("dirty", "x")
	same(t, "dirty", first(RerunOptions{}), "run impossible . ["+dirtyMessage+"]")
	b.sh("rm dirty; git checkout -q --detach")
	same(t, "detached", first(RerunOptions{Revision: ptr("HEAD~1")}), "run impossible . [No run commits found in range HEAD~1^..HEAD~1]")
	b.sh("git checkout -q -b 'adjusted/master(unlocked)'")
	if got := first(RerunOptions{Branch: ptr("x"), Report: true}); got != "run impossible . [--branch is incompatible with adjusted branch]" {
		t.Error(got)
	}
	b.sh("git checkout -q --orphan empty; git rm -qrf .")
	same(t, "empty", first(RerunOptions{Report: true}), "run impossible . [cannot rerun command, nothing recorded]")
}

func TestForeignDataset(t *testing.T) {
	b := newBox(t, "text2git")
	b.run("", Options{Command: []string{clock}, Message: "x"})
	b.sh("git log -1 --format=%B | sed 's/" + testID + "/00000000-0000-4000-8000-000000000000/' | git commit -q --amend -F -")
	before := b.head()
	short := b.sh("git rev-parse --short HEAD")
	got := b.rerun(RerunOptions{})
	same(t, "results", strings.Join(got, "\n"), "run impossible . ["+short+" was ran from a different dataset; skipping]")
	b.sh("git checkout -q -b other HEAD~1; echo > o; git add o; git commit -qm o; git checkout -q master")
	got = b.rerun(RerunOptions{Onto: ptr("other"), Branch: ptr("n")})
	same(t, "results", strings.Join(got, "\n"), "run impossible . ["+short+" was ran from a different dataset; cherry picking]")
	same(t, "parent", b.sh("git rev-parse HEAD~1"), b.sh("git rev-parse other"))
	same(t, "picked", b.sh("git log -1 --format=%s%an%ad"), b.sh("git log -1 --format=%s%an%ad "+before))
	got = b.rerun(RerunOptions{Script: "-", Revision: ptr("master")})
	same(t, "script", strings.Join(got, "\n")+b.out.String(), "run impossible . ["+short+" was ran from a different dataset; skipping or cherry picking]")
}

const record = `[DATALAD RUNCMD] %s

=== Do not change lines below ===
{"cmd": "date +%%%%N > %[1]s"}
^^^ Do not change lines above ^^^
`

// TestRootAndOctopus: their records cannot be executed.
func TestRootAndOctopus(t *testing.T) {
	b := newBox(t, "text2git")
	b.run("", Options{Command: []string{"echo 1 > one"}})
	b.sh("for n in 1 2; do git checkout -q -b b$n master~1; echo $n > b$n; git add b$n; git commit -qm b$n; done; git checkout -q master")
	b.write("../msg", fmt.Sprintf(record, "octo"))
	b.sh("git merge -q -m octopus b1 b2; git commit -q --amend -F ../msg")
	got := b.rerun(RerunOptions{})
	if !strings.Contains(strings.Join(got, "\n"), "No run commits found") || !strings.Contains(b.log.String(), "it will not be re-executed") {
		t.Errorf("%v\n%s", got, b.log)
	}
	got = b.rerun(RerunOptions{Since: ptr("")})
	if !strings.Contains(strings.Join(got, "\n"), "run ok . [echo 1 > one]") {
		t.Errorf("results %v", got)
	}
	b.log.Reset()
	b.sh("git checkout -q $(git commit-tree -F ../msg HEAD^{tree})")
	got = b.rerun(RerunOptions{})
	if !strings.Contains(strings.Join(got, "\n"), "No run commits found in range HEAD]") || !strings.Contains(b.log.String(), "is a root commit") {
		t.Errorf("%v\n%s", got, b.log)
	}
}

func TestDamagedRecordNamesTheCommit(t *testing.T) {
	b := newBox(t, "text2git")
	for _, json := range []string{"{", `{"inputs": []}`, `"nosuchsidecar"`, `"../../x"`} {
		b.write("f", json)
		b.sh("git add f; printf '[DATALAD RUNCMD] t\\n\\n=== Do not change lines below ===\\n%s\\n^^^ Do not change lines above ^^^\\n' '" + json + "' | git commit -qF -")
		_, err := b.tryRerun(RerunOptions{Since: ptr("")})
		if err == nil || !strings.Contains(err.Error(), "Error on "+b.head()+"'s message") {
			t.Errorf("%s: %v", json, err)
		}
		b.sh("git reset -q --hard HEAD^")
	}
}

// TestOldRecord: what is missing has a default.
func TestOldRecord(t *testing.T) {
	b := newBox(t, "text2git")
	b.write("old", "1")
	b.write("../msg", fmt.Sprintf(record, "old"))
	b.sh("git add old; sed -i 's/%%/%/' ../msg; git commit -qF ../msg")
	before := b.head()
	b.rerun(RerunOptions{})
	same(t, "chain", fmt.Sprint(b.chain()), "["+before+"]")
}

func TestExitCodes(t *testing.T) {
	b := newBox(t, "text2git")
	b.write("code", "3")
	b.save("code")
	b.run("", Options{Command: []string{clock + "; exit $(cat code)"}, KeepGoing: true})
	first := b.head()
	got := b.rerun(RerunOptions{})
	if len(got) == 0 || !strings.HasPrefix(got[len(got)-3], "run ok .") {
		t.Errorf("the recorded exit code is a failure: %v", got)
	}
	b.write("code", "4")
	b.save("other code")
	os.Remove(filepath.Join(b.dir, ".git", "COMMIT_EDITMSG"))
	before := b.head()
	got = b.rerun(RerunOptions{Revision: &first})
	if last := got[len(got)-1]; !strings.HasPrefix(last, "run error .") || b.head() != before {
		t.Errorf("another exit code: %v", got)
	}
	if _, err := os.Lstat(filepath.Join(b.dir, ".git", "COMMIT_EDITMSG")); err == nil {
		t.Error("a failed rerun left a message")
	}
	b.sh("git checkout -q when.txt")
	got = b.rerun(RerunOptions{Revision: &first, KeepGoing: true})
	if !strings.HasPrefix(got[len(got)-3], "run error .") || b.head() == before || !strings.Contains(b.message(), `"exit": 4`) {
		t.Errorf("going on: %v", got)
	}
}

func TestSidecarRecords(t *testing.T) {
	for _, procedure := range []string{"", "text2git"} {
		b := newBox(t, strings.Fields(procedure)...)
		b.run("", Options{Command: []string{clock}, Message: "side", Outputs: []string{"when.txt"}, Sidecar: ptr(true)})
		first := b.head()
		b.rerun(RerunOptions{})
		same(t, "chain", fmt.Sprint(b.chain()), "["+first+"]")
		b.sh("git rm -qr .datalad/runinfo; git commit -qm gone")
		b.rerun(RerunOptions{Revision: &first})
		same(t, "chain from the tree", fmt.Sprint(b.chain()), "["+first+"]")
		b.datalad("", "run", "-m", "theirs", "-o", "when.txt", "--sidecar", "yes", clock)
		second := b.head()
		b.rerun(RerunOptions{})
		same(t, "chain of DataLad's", fmt.Sprint(b.chain()), "["+second+"]")
	}
}

// TestUndeclaredOutputIsUnlocked: the commit tells what the command writes.
func TestUndeclaredOutputIsUnlocked(t *testing.T) {
	b := newBox(t)
	b.run("", Options{Command: []string{"mkdir d; date +%N >> d/f"}})
	first := b.head()
	b.sh("sed -i 's/x/x/' .gitattributes")
	b.write("mkdir", "#!/bin/sh\n")
	got := b.rerun(RerunOptions{Explicit: true})
	same(t, "explicit", strings.Join(got[:1], "\n"), "unlock ok d/f")
	b.sh("git checkout -q d; rm mkdir")
	got = b.rerun(RerunOptions{Revision: &first, KeepGoing: true})
	same(t, "unlock", got[0], "unlock ok d/f")
	same(t, "lines", b.sh("wc -l < d/f"), "2")
}

func TestConflictIsTakenBack(t *testing.T) {
	b := newBox(t, "text2git")
	b.write("f", "1\n")
	b.save("one")
	b.run("", Options{Command: []string{clock}})
	b.write("f", "2\n")
	b.save("two")
	b.sh("git checkout -q -b other HEAD~2; echo 3 > f; git commit -qam three; git checkout -q master")
	_, err := b.tryRerun(RerunOptions{Since: ptr(""), Onto: ptr("other"), Branch: ptr("n")})
	if err == nil || !strings.Contains(err.Error(), "conflict in f") {
		t.Errorf("error = %v", err)
	}
	same(t, "status", b.sh("git status --porcelain"), "")
	same(t, "HEAD", b.sh("git log -1 --format=%s"), "[DATALAD RUNCMD] date +%N > when.txt")
	if _, err := os.Lstat(filepath.Join(b.dir, ".git", "CHERRY_PICK_HEAD")); err == nil {
		t.Error("the cherry-pick was left unfinished")
	}
}

// TestGitAnnexIsNotStarted replays with a git-annex that tells on itself, and a
// hook of the user's.
func TestGitAnnexIsNotStarted(t *testing.T) {
	b := merged(t)
	bin := t.TempDir()
	b.write("../hook", "#!/bin/sh\necho hook >> "+bin+"/hook\n")
	b.sh("cp ../hook .git/hooks/post-commit; chmod +x .git/hooks/post-commit")
	fake := filepath.Join(bin, "git-annex")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\necho started >> "+bin+"/annex\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.vars = append(b.vars, "PATH="+bin+":"+os.Getenv("PATH"))
	b.rerun(RerunOptions{Since: ptr(""), Branch: ptr("replay"), Onto: ptr("")})
	if _, err := os.Lstat(filepath.Join(bin, "annex")); err == nil {
		t.Error("git-annex was started")
	}
	if _, err := os.Lstat(filepath.Join(bin, "hook")); err != nil {
		t.Error("the user's hook did not run")
	}
}

// TestUnlockedFilesHaveContent: git writes pointers, the replay fills them.
func TestUnlockedFilesHaveContent(t *testing.T) {
	b := newBox(t)
	b.write("u", "one\n")
	b.sh("git annex add -q u && git annex unlock -q u && git commit -qm u")
	b.run("", Options{Command: []string{clock}})
	b.write("u", "two\n")
	b.sh("git add u && git commit -qm u2")
	b.run("", Options{Command: []string{"cat u > c; " + clock}, Outputs: []string{"when.txt"}})
	b.rerun(RerunOptions{Since: ptr("HEAD~3"), Onto: ptr("HEAD~3"), Branch: ptr("n")})
	same(t, "u", b.read("u"), "two\n")
	same(t, "c", b.read("c"), "two\n")
	same(t, "status", b.sh("git status --porcelain"), "")
	same(t, "annex status", b.sh("git -c filter.annex.process= -c filter.annex.clean= diff --stat"), "")
}

// TestFolderOfExecutionIsMade: git does not keep empty folders.
func TestFolderOfExecutionIsMade(t *testing.T) {
	b := newBox(t, "text2git")
	b.sh("mkdir d")
	b.run("d", Options{Command: []string{"date +%N > ../w"}})
	b.sh("rm -r d")
	b.rerun(RerunOptions{})
	if len(b.chain()) != 1 {
		t.Error(b.message())
	}
}

// TestSelfCommittingCommandAgain: its own commits are not picked as well.
func TestSelfCommittingCommandAgain(t *testing.T) {
	b := newBox(t, "text2git")
	b.write("a", "0\n")
	b.save("a")
	b.run("", Options{Command: []string{"date +%N > a; git commit -qam inner; date +%N > b"}, Message: "self"})
	want := b.sh(graph)
	got := b.rerun(RerunOptions{Since: ptr(""), Onto: ptr(""), Branch: ptr("again")})
	same(t, "graph", b.sh(graph), want)
	same(t, "chain", fmt.Sprint(b.chain()), "["+b.sh("git rev-parse master")+"]")
	t.Log(got)
	b.rerun(RerunOptions{})
	if len(b.chain()) != 2 {
		t.Error(b.message())
	}
}
