// Package shared lets two users work in one clone, as project groups on
// clusters do: folders that hand their group on, and core.sharedRepository. It
// knows the program from outside only.
package shared

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// program is the binary under test; TestMain builds it.
var program string

func TestMain(m *testing.M) { os.Exit(rig.RunTests(m, &program)) }

// The numbers of users and their group need no names.
const (
	ada   = 40001
	bob   = 40002
	group = 40000
)

// project is a clone of two users, with a stand-in for Slurm that both reach.
type project struct {
	t     *testing.T
	root  string
	dir   string // the clone
	umask int
}

func newProject(t *testing.T, umask int) *project {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become two users")
	}
	rig.Need(t, "git-annex")
	root := t.TempDir()
	t.Cleanup(func() { _ = exec.Command("chmod", "-R", "u+w", root).Run() })
	p := &project{t: t, root: root, dir: filepath.Join(root, "our project"), umask: umask}
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		p.must(os.Chmod(dir, 0o755))
	}
	p.must(os.Mkdir(filepath.Join(root, "jobs"), 0o777))
	p.must(os.Chmod(filepath.Join(root, "jobs"), 0o777))
	p.must(os.Mkdir(filepath.Join(root, "bin"), 0o755))
	for name, text := range standIns {
		p.must(os.WriteFile(filepath.Join(root, "bin", name), []byte("#!/bin/sh\nD='"+root+"/jobs'\n"+text), 0o755))
	}
	for _, dir := range []string{"our project", "stage", "our project/out"} {
		p.folder(filepath.Join(root, dir))
	}
	for _, uid := range []int{ada, bob} {
		p.must(os.Mkdir(p.home(uid), 0o755))
		p.must(os.Chown(p.home(uid), uid, uid))
		p.trust(uid)
	}
	return p
}

func (p *project) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// folder makes a folder that hands the group on.
func (p *project) folder(dir string) {
	p.t.Helper()
	p.must(os.MkdirAll(dir, 0o755))
	p.must(os.Chown(dir, ada, group))
	p.must(os.Chmod(dir, 0o775|fs.ModeSetgid))
}

func (p *project) home(uid int) string { return filepath.Join(p.root, fmt.Sprint(uid)) }

// trust writes the user's git configuration, with safe.directory for dirs.
func (p *project) trust(uid int, dirs ...string) {
	p.t.Helper()
	text := fmt.Sprintf("[user]\n\tname = User %d\n\temail = %d@example.org\n[init]\n\tdefaultBranch = main\n", uid, uid)
	for _, d := range dirs {
		text += "[safe]\n\tdirectory = " + d + "\n"
	}
	p.must(os.WriteFile(filepath.Join(p.home(uid), "gitconfig"), []byte(text), 0o644))
}

// as prepares a program of a user in the clone.
func (p *project) as(uid int, name string, args ...string) *exec.Cmd {
	script := fmt.Sprintf(`umask %04o; exec "$@"`, p.umask)
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "sh", name}, args...)...)
	cmd.Dir = p.dir
	cmd.Env = []string{
		"PATH=" + filepath.Join(p.root, "bin") + ":" + filepath.Dir(program) + ":/usr/bin:/bin:" + os.Getenv("PATH"), "HOME=" + p.home(uid),
		fmt.Sprint("USER=u", uid), "LC_ALL=C.UTF-8", "GIT_CONFIG_GLOBAL=" + filepath.Join(p.home(uid), "gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"STEMMA_SCHEDULER=slurm", "GIT_CEILING_DIRECTORIES=" + p.root,
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid), Groups: []uint32{group}}}
	return cmd
}

func (p *project) run(uid int, name string, args ...string) string {
	p.t.Helper()
	out, err := p.as(uid, name, args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%d: %s %s: %v\n%s", uid, filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

func (p *project) stemma(uid int, args ...string) string {
	p.t.Helper()
	return p.run(uid, program, args...)
}

// start makes the dataset.
func (p *project) start() {
	p.t.Helper()
	p.run(ada, "git", "init", "-q", "--shared=group", p.dir)
	p.stemma(ada, "create", "--force", "-c", "text2git")
	for _, uid := range []int{ada, bob} {
		p.trust(uid, p.dir)
	}
	p.run(ada, "sh", "-c", `printf '#!/bin/sh\necho "$1" > "out/$1"; printf "\001%s" "$1" >> "out/$1.bin"\n' > job.sh; echo one > in.txt; printf '\001binary' > in.bin`)
	p.stemma(ada, "save", "-m", "start")
}

// standIns play Slurm: a job is over when it has been submitted.
var standIns = map[string]string{
	"sbatch": `n=1; while ! mkdir "$D/$n" 2>/dev/null; do n=$((n+1)); done
pwd -P > "$D/$n/dir"; date +%s > "$D/$n/time"
sh "$@" > slurm-$n.out 2>&1
echo "Submitted batch job $n"
`,
	"squeue": `for a; do case "$a" in *%F*) exit 0;; esac; done
while [ "$1" != -j ]; do shift; done
for n in $(echo "$2" | tr , ' '); do [ -d "$D/$n" ] && echo "$n|$n|COMPLETED|None|$(cat "$D/$n/time")"; done
exit 0
`,
	"sacct": `echo "Slurm accounting storage is disabled" >&2; exit 1
`,
	"scontrol": `for n; do :; done
dir=$(cat "$D/$n/dir") || { echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1; }
at=$(date -d "@$(cat "$D/$n/time")" +%Y-%m-%dT%H:%M:%S)
echo "JobId=$n JobName=job.sh UserId=u(1) GroupId=g(1) JobState=COMPLETED Reason=None Dependency=(null) ExitCode=0:0 SubmitTime=$at StartTime=$at EndTime=$at NodeList=n1 Command=$dir/job.sh WorkDir=$dir StdErr=$dir/slurm-$n.out StdIn=/dev/null StdOut=$dir/slurm-$n.out"
`,
}

// modes looks at everything that the two must both be able to change.
func (p *project) modes() {
	p.t.Helper()
	err := filepath.WalkDir(filepath.Join(p.dir, ".git"), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(p.dir, path)
		mode := fi.Mode()
		gid := fi.Sys().(*syscall.Stat_t).Gid
		switch {
		case gid != group:
			p.t.Errorf("%s has group %d", rel, gid)
		case fi.IsDir() && (mode.Perm()&0o070 != 0o070 || mode&fs.ModeSetgid == 0):
			p.t.Errorf("%s has mode %v", rel, mode)
		case strings.Contains(rel, "/objects/") && mode.IsRegular() && (mode.Perm()&0o040 == 0 || mode.Perm()&0o222 != 0):
			p.t.Errorf("%s has mode %v", rel, mode)
		case mode.IsRegular() && mode.Perm()&0o040 == 0:
			p.t.Errorf("%s has mode %v: the group cannot read it", rel, mode)
		case mode.IsRegular() && mode.Perm()&0o020 == 0 && mustWrite(rel):
			p.t.Errorf("%s has mode %v: the group cannot write it", rel, mode)
		}
		return nil
	})
	p.must(err)
}

// mustWrite names the files that are written to, not replaced.
func mustWrite(rel string) bool {
	name := filepath.Base(rel)
	return strings.HasSuffix(name, ".lck") || strings.HasSuffix(name, ".log") || strings.Contains(rel, ".git/stemma/") && !strings.Contains(rel, "/tmp/") || strings.Contains(rel, "/logs/") || name == "index"
}

func TestSharedClone(t *testing.T) {
	for _, umask := range []int{0o002, 0o022, 0o027} {
		t.Run(fmt.Sprintf("umask %03o", umask), func(t *testing.T) {
			p := newProject(t, umask)
			p.start()

			// Who must not trust the clone does not work in it.
			p.trust(bob)
			for _, args := range [][]string{{"status"}, {"save"}, {"finish"}, {"stage", "list"}} {
				out, err := p.as(bob, program, args...).CombinedOutput()
				if err == nil || !strings.Contains(string(out), "dubious ownership") {
					t.Errorf("stemma %s: %v\n%s", args[0], err, out)
				}
			}
			p.trust(bob, p.dir)

			p.stemma(bob, "schedule", "-i", "in.txt", "-o", "out/b", "-o", "out/b.bin", "sbatch", "job.sh", "b")
			p.modes()
			p.stemma(ada, "schedule", "-i", "in.bin", "-o", "out/a", "-o", "out/a.bin", "sbatch", "job.sh", "a")
			p.stemma(ada, "finish", "1") // of the other one
			p.stemma(bob, "finish")
			p.stemma(ada, "schedule", "--isolated", "../stage", "-i", "in.txt", "-o", "out/i", "-o", "out/i.bin", "sbatch", "job.sh", "i")
			p.stemma(bob, "schedule", "--isolated", "../stage", "-i", "in.txt", "-i", "in.bin", "-o", "out/i", "-o", "out/i.bin", "sbatch", "job.sh", "i")
			p.modes()
			p.must(os.Mkdir(filepath.Join(p.root, "mine"), 0o755))
			out, err := p.as(bob, program, "schedule", "--isolated", "../mine", "-o", "new", "sbatch", "job.sh", "n").CombinedOutput()
			if err == nil || !strings.Contains(string(out), "permission denied") || !strings.Contains(string(out), "choose a folder that you can write to") {
				t.Errorf("%s", out)
			}
			if out := p.stemma(bob, "-f", "json", "stage", "list"); !strings.Contains(out, `"shared":3`) || !strings.Contains(out, `"kind":"pool"`) {
				t.Error("nothing is shared:", out)
			}
			p.stemma(bob, "finish")
			if out := p.stemma(ada, "stage", "prune"); strings.Count(out, "removed ") < 2 {
				t.Error(out)
			}
			if got := p.run(bob, "git", "log", "-4", "--format=%an"); got != "User 40002\nUser 40002\nUser 40002\nUser 40001" {
				t.Error(got)
			}
			if got := p.run(ada, "git", "status", "--porcelain"); got != "" {
				t.Error(got)
			}

			// Content that is here already, and a file of the other one.
			p.run(ada, "sh", "-c", `printf '\001binary' > again.bin; printf '\001other' > other.bin`)
			p.stemma(bob, "save", "-m", "ada's files")
			for _, uid := range []int{ada, bob} {
				p.run(uid, "sh", "-c", "git annex fsck 2>&1; git fsck 2>&1")
			}
			p.run(bob, "sh", "-c", "printf '\\001added' > added.bin && git annex add -q added.bin && git annex metadata -q --set by=bob in.bin")
			p.run(bob, "git", "commit", "-q", "--allow-empty", "-m", "git")
			p.modes()
		})
	}
}

// Two users save at the same time, again and again; nothing is lost.
func TestTwoUsersSaveAtOnce(t *testing.T) {
	p := newProject(t, 0o002)
	p.start()
	const rounds = 6
	var wg sync.WaitGroup
	for _, uid := range []int{ada, bob} {
		wg.Go(func() {
			for i := range rounds {
				name := fmt.Sprintf("u%d-%d", uid, i)
				cmd := p.as(uid, "sh", "-c", `echo "$1" > "$1.txt" && printf '\001%s' "$1" > "$1.bin" && "$0" save -m "$1" "$1.txt" "$1.bin"`, program, name)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", name, err, out)
				}
			}
		})
	}
	wg.Wait()
	log := p.run(ada, "git", "log", "--format=%an %s")
	for _, uid := range []int{ada, bob} {
		for i := range rounds {
			if want := fmt.Sprintf("User %d u%d-%d", uid, uid, i); strings.Count(log, want) != 1 {
				t.Errorf("%q is in the log %d times", want, strings.Count(log, want))
			}
		}
	}
	if got := p.run(bob, "git", "status", "--porcelain"); got != "" {
		t.Error(got)
	}
	p.run(bob, "sh", "-c", "git annex fsck 2>&1; git fsck 2>&1")
	p.modes()
}
