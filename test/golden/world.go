package golden

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// World is an isolated place for one script: a home, a work folder, and the
// program that answers to the name datalad.
type World struct {
	root, work string
	env        []string
}

// prelude makes datalad show what it is asked and how it ended.
const prelude = `set -u
umask 022
datalad() {
  printf '$ datalad'; printf ' %q' "$@"; echo
  command datalad "$@"
  echo "exit $?"
}
cd "$WORK"
`

// NewWorld prepares a world below root, an empty folder. The program is called
// by the name datalad; "" means the one on PATH.
func NewWorld(root, program string) (*World, error) {
	w := &World{root: root, work: filepath.Join(root, "w")}
	home, bin := filepath.Join(root, "home"), filepath.Join(root, "bin")
	for _, dir := range []string{home, bin, w.work, filepath.Join(root, "tmp")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	if program != "" {
		if err := os.Symlink(program, filepath.Join(bin, "datalad")); err != nil {
			return nil, err
		}
	}
	config := "[user]\n\tname = Ada Tester\n\temail = ada@example.org\n[init]\n\tdefaultBranch = master\n"
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(config), 0o644); err != nil {
		return nil, err
	}
	w.env = []string{
		"PATH=" + bin + ":/usr/bin:/bin:" + os.Getenv("PATH"), "HOME=" + home, "WORK=" + w.work,
		"TMPDIR=" + filepath.Join(root, "tmp"), "USER=ada", "LOGNAME=ada", "LC_ALL=C.UTF-8", "TZ=UTC",
		"GIT_CONFIG_GLOBAL=" + filepath.Join(home, ".gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_DATE=1700000000 +0100", "GIT_COMMITTER_DATE=1700000000 +0100",
	}
	return w, nil
}

// Run runs the script and returns what it left, and its error output.
func (w *World) Run(script string) (Snapshot, string, error) {
	cmd := exec.Command("bash", "-c", prelude+script)
	cmd.Env, cmd.Dir = w.env, w.work
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, stderr.String(), fmt.Errorf("script: %w", err)
	}
	s, err := w.snapshot(stdout.String())
	return s, stderr.String(), err
}

// snapshot describes every repository in the work folder.
func (w *World) snapshot(stdout string) (Snapshot, error) {
	repos, err := w.repositories()
	if err != nil {
		return nil, err
	}
	norm := newNormaliser(w)
	for _, r := range repos {
		norm.learn(r)
	}
	s := Snapshot{"stdout": norm.text(stdout)}
	for _, r := range repos {
		for aspect, text := range r.aspects() {
			s[r.name+"/"+aspect] = norm.text(text)
		}
	}
	for name, text := range s {
		if text != "" && !strings.HasSuffix(text, "\n") {
			s[name] = text + "\n"
		}
	}
	return s, nil
}

// Check returns what git and git-annex find wrong with the repositories.
func (w *World) Check() []string {
	repos, err := w.repositories()
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	for _, r := range repos {
		for _, args := range [][]string{{"fsck", "--no-progress", "--no-dangling"}, {"annex", "fsck", "--quiet"}} {
			if args[0] == "annex" && strings.TrimSpace(r.git("config", "annex.uuid")) == "" {
				continue
			}
			if out, err := r.try(args...); err != nil {
				wrong = append(wrong, fmt.Sprintf("%s: git %s: %v\n%s", r.name, strings.Join(args, " "), err, out))
			}
		}
	}
	return wrong
}

// repositories finds every git work tree, in path order.
func (w *World) repositories() ([]*repository, error) {
	var found []*repository
	err := filepath.WalkDir(w.work, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() != ".git" {
			return nil
		}
		dir := filepath.Dir(path)
		rel, err := filepath.Rel(w.work, dir)
		if err != nil {
			return err
		}
		found = append(found, &repository{name: rel, dir: dir, env: w.env})
		if d.IsDir() {
			return filepath.SkipDir
		}
		return nil
	})
	return found, err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
