package annexcli

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain makes the test binary play git-annex when it is called so.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "git-annex" {
		dir, err := os.Getwd()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(Main(Call{
			Args: os.Args[1:], Env: os.Environ(), Dir: dir, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
			Version: "test", Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		}))
	}
	os.Exit(m.Run())
}

// steps are commands whose output (standard output and exit code) must be
// git-annex's. Those before the first output only prepare.
var steps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir sub && echo one > one.txt && echo two > sub/two.dat && echo one > copy.txt && echo small > .dot`,
	`cd a && git annex add --json --json-error-messages one.txt`,
	`cd a && git annex add --json .`,
	`cd a && git commit -qm first && git status --porcelain`,
	`cd a && git ls-files -s`,
	`cd a && git annex find`,
	`cd a && git annex find --json sub`,
	`cd a/sub && git annex find --json ..`,
	`cd a && git annex find --include '*.dat' --or --include 'o*'`,
	`cd a && git annex find --not --in here`,
	`cd a && git annex find '-(' --include '*.dat' --or --copies 2 '-)' --largerthan 1b`,
	`cd a && git annex find --format '${escaped_file} ${backend} ${bytesize} ${hashdirlower}\n'`,
	`cd a && printf 'one.txt\n.dot\nnosuch\n' | git annex find --batch --json`,
	`cd a && git annex find nosuch`,
	`cd a && git annex lookupkey one.txt sub/two.dat`,
	`cd a && git annex lookupkey .dot`,
	`cd a && printf 'one.txt\n.dot\n' | git annex lookupkey --batch`,
	`cd a && git annex contentlocation $(git annex lookupkey one.txt)`,
	`cd a && git annex contentlocation SHA256E-s1--00.txt`,
	`cd a && git annex calckey one.txt`,
	`cd a && git annex examinekey --json $(git annex lookupkey sub/two.dat)`,
	`cd a && git annex examinekey --format '${objectpath} ${keyname}\n' WORM-s3-m5--x%y`,
	`cd a && git annex whereis --json`,
	`cd a && git annex info --json one.txt`,
	`cd a && git annex info --json .dot`,
	`cd a && git annex metadata one.txt -s author=bob -t t1 --json`,
	`cd a && git annex metadata one.txt -s author+=ann -u t1 --json`,
	`cd a && git annex metadata one.txt -g author`,
	`cd a && echo '{"file":"one.txt","fields":{"q":["1","2"]}}' | git annex metadata --batch --json`,
	`cd a && git annex find --metadata author=bo*`,
	`cd a && git annex numcopies; git annex numcopies 1; git annex numcopies; git annex mincopies`,
	`cd a && git annex group here client; git annex group here; git annex ungroup here client; git annex group here`,
	`cd a && git annex wanted here; git annex wanted here 'include=*.txt or present'; git annex wanted here`,
	`cd a && git annex wanted here 'bogus='`,
	`cd a && git annex required here 'include=one.txt'; git annex drop --json one.txt; git annex required here ''`,
	`cd a && git annex drop --json one.txt`,
	`cd a && git annex unlock --json one.txt && git status --porcelain && git annex lock --json one.txt && git status --porcelain`,
	`cd a && git annex config --set annex.largefiles 'largerthan=1kb'; git annex config --get annex.largefiles; git annex config --unset annex.largefiles`,
	`git clone -q a b && cd b && git annex init B -q`,
	`cd b && git annex find`,
	`cd b && git annex get --json --json-error-messages one.txt`,
	`cd b && git annex get --json one.txt`,
	`cd b && git annex get --json --key $(git annex lookupkey sub/two.dat)`,
	`cd b && printf 'copy.txt\nsub/two.dat\nnosuch\n' | git annex get --batch --json`,
	`cd b && git annex whereis --json one.txt`,
	`cd b && git annex list`,
	`cd b && git annex drop --json sub/two.dat`,
	`cd b && echo new > new.txt && git annex add -q new.txt && git commit -qm new && git annex copy --json --to origin new.txt`,
	`cd b && git annex copy --json --to origin new.txt`,
	`cd b && git annex drop --json --from origin new.txt`,
	`cd b && git annex move --json --to origin new.txt`,
	`cd b && git annex move --json --from origin new.txt`,
	`cd b && git annex get --json --from nosuch one.txt`,
	`cd b && git annex checkpresentkey $(git annex lookupkey one.txt) origin`,
	`cd b && git annex checkpresentkey SHA256E-s1--00.txt origin`,
	`cd b && git annex readpresentkey $(git annex lookupkey one.txt) 00000000-0000-0000-0000-000000000001`,
	`cd b && git annex fsck --json one.txt`,
	`cd b && git annex fsck --json --from origin --fast one.txt`,
	`cd b && git annex fromkey --json --force SHA256E-s3--00.txt from.txt`,
	`cd b && git annex fromkey SHA256E-s3--00.txt from2.txt`,
	`cd b && git annex registerurl $(git annex lookupkey one.txt) http://example.com/one && git annex whereis --json one.txt && git annex rmurl one.txt http://example.com/one`,
	`cd b && git annex unannex new.txt && git status --porcelain`,
	`cd b && git annex dropkey --force --json $(git annex lookupkey one.txt)`,
	`cd b && mv ../a ../gone; git annex get --json one.txt; mv ../gone ../a`,
	`cd b && git annex untrust origin; git annex whereis --json one.txt; git annex semitrust origin; git annex dead origin; git annex whereis --json one.txt`,
	`cd b && git annex merge`,
	`cd b && git annex nonsense 2>&1 | head -n 1`,
}

func TestLikeGitAnnex(t *testing.T) { likeGitAnnex(t, steps) }

// likeGitAnnex runs the steps with git-annex and with us, and compares.
func likeGitAnnex(t *testing.T, steps []string) {
	t.Helper()
	if _, err := exec.LookPath("git-annex"); err != nil || os.Getenv("STEMMA_ORACLES") == "none" {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no git-annex; run scripts/oracles")
		}
		t.Skip("git-annex is not asked")
	}
	real, ours := newWorld(t, ""), ourWorld(t)
	for _, s := range steps {
		want, got := real.run(s), ours.run(s)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s\n%s%s", s, d, ours.complaint)
		}
	}
}

// ourWorld is one in which we are git-annex.
func ourWorld(t *testing.T) *world {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	faces := t.TempDir()
	if err := os.Symlink(self, filepath.Join(faces, "git-annex")); err != nil {
		t.Fatal(err)
	}
	return newWorld(t, faces+":")
}

// world is a folder in which one of the two programs is git-annex.
type world struct {
	dir, path string
	uuids     map[string]string
	complaint string
	prelude   string // of steps that must says
}

func newWorld(t *testing.T, path string) *world {
	w := &world{dir: t.TempDir(), path: path, uuids: map[string]string{}}
	config := "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
	if err := os.WriteFile(filepath.Join(w.dir, ".gitconfig"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", w.dir).Run() })
	return w
}

// run returns the exit code and the lines of output, JSON as values.
func (w *world) run(step string) []any {
	cmd := exec.Command("sh", "-c", step)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "PATH="+w.path+os.Getenv("PATH"), "HOME="+w.dir, "GIT_CONFIG_GLOBAL="+w.dir+"/.gitconfig",
		"GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C.UTF-8", "TZ=UTC", "GIT_CEILING_DIRECTORIES="+w.dir)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	w.complaint = complaint.String()
	lines := []any{fmt.Sprint(err)}
	for line := range strings.Lines(string(out)) {
		line = w.normalise(strings.TrimRight(line, "\n"))
		var v any
		if json.Unmarshal([]byte(line), &v) == nil {
			lines = append(lines, inOrder(v))
		} else if line = strings.TrimSpace(line); !strings.HasPrefix(line, "(recording state") && !strings.HasPrefix(line, "100%") {
			lines = append(lines, line)
		}
	}
	return lines
}

// inOrder sorts lists of repositories, whose identities are random.
func inOrder(v any) any {
	o, ok := v.(map[string]any)
	if !ok {
		return v
	}
	for _, name := range []string{"whereis", "untrusted", "wanted"} {
		if list, ok := o[name].([]any); ok {
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	}
	if note, ok := o["note"].(string); ok {
		lines := strings.Split(note, "\n")
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		slices.Sort(lines)
		o["note"] = strings.Join(lines, "\n")
	}
	return o
}

var (
	uuidPattern = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	timePattern = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}@[0-9]{2}-[0-9]{2}-[0-9]{2}`)
)

// normalise names repositories in the order in which they turn up, and takes
// out times.
func (w *world) normalise(line string) string {
	line = uuidPattern.ReplaceAllStringFunc(line, func(u string) string {
		if strings.HasPrefix(u, "00000000-") {
			return u
		}
		if _, ok := w.uuids[u]; !ok {
			w.uuids[u] = fmt.Sprintf("uuid-%d", len(w.uuids)+1)
		}
		return w.uuids[u]
	})
	line = strings.ReplaceAll(line, w.dir, "WORK")
	return timePattern.ReplaceAllString(line, "TIME")
}
