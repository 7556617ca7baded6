package git

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitattr"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// sourceRepo makes a repository with all kinds of entries and refs.
func sourceRepo(t *testing.T) (dir string, env []string) {
	t.Helper()
	r, env := newRepo(t)
	dir = r.WorkTree
	for name, text := range map[string]string{
		"a": "1\n", "sub/b": "2\n", "sub/deep/c": "3\n", "sub-b": "4\n", "x y/ü\nz": "5", "empty": "", ".gitignore": "*.log\n", "run": "#!/bin/sh\n",
		"sub/.gitattributes": "* annex.backend=MD5E\n**/.git* annex.largefiles=nothing\n",
	} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	os.Chmod(filepath.Join(dir, "run"), 0o755)
	os.Symlink("../.git/annex/objects/xx/yy/KEY/KEY", filepath.Join(dir, "sub/link"))
	runGit(t, dir, env, "init", "-q", "nested")
	runGit(t, filepath.Join(dir, "nested"), env, "commit", "-q", "--allow-empty", "-m", "n")
	runGit(t, dir, env, "add", ".")
	runGit(t, dir, env, "commit", "-q", "-m", "one")
	runGit(t, dir, env, "tag", "-a", "-m", "t", "v1")
	runGit(t, dir, env, "tag", "-a", "-m", "tt", "v1-of-a-tag", "v1")
	runGit(t, dir, env, "tag", "light")
	runGit(t, dir, env, "gc", "-q")
	runGit(t, dir, env, "branch", "side/x")
	os.WriteFile(filepath.Join(dir, "a"), []byte("new\n"), 0o644)
	runGit(t, dir, env, "commit", "-q", "-a", "-m", "two")
	return dir, env
}

func begun(string) error { return nil }

// plain says of each file that git would not convert it.
func plain(func(string) ([]byte, error)) func(string) (bool, error) {
	return func(string) (bool, error) { return false, nil }
}

// withAttributes asks the attributes of the tree for text=auto.
func withAttributes(source func(dir string) ([]byte, error)) func(string) (bool, error) {
	m := gitattr.New(source, nil, nil, nil, false)
	return func(path string) (bool, error) {
		v, err := m.Get(path, "text")
		return v["text"].State != gitattr.Unspecified, err
	}
}

var logTime = regexp.MustCompile(`\d{9,} [+-]\d{4}`)

// portrait is everything in a clone but the content of objects and stat data.
func portrait(t *testing.T, dir string, env []string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		if err != nil || strings.HasPrefix(rel, ".git/objects") || rel == ".git/index" {
			return err
		}
		fi, err := e.Info()
		b.WriteString(fi.Mode().String() + " " + rel + "\n")
		switch {
		case fi.Mode()&fs.ModeSymlink != 0:
			target, _ := os.Readlink(path)
			b.WriteString("-> " + target + "\n")
		case fi.Mode().IsRegular():
			data, _ := os.ReadFile(path)
			b.WriteString(logTime.ReplaceAllString(string(data), "TIME"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"ls-files", "--stage"}, {"status", "--porcelain", "--ignored"}, {"for-each-ref"}, {"fsck", "--full", "--strict"}, {"rev-parse", "HEAD"}, {"write-tree"}} {
		b.WriteString(runGit(t, dir, env, args...) + "\n")
	}
	return b.String()
}

func TestLocalCloneAsGits(t *testing.T) {
	source, env := sourceRepo(t)
	bare := filepath.Join(t.TempDir(), "bare.git")
	runGit(t, source, env, "clone", "-q", "--bare", source, bare)
	for _, from := range []string{source, bare} {
		dir := filepath.Join(t.TempDir(), "in", "clone")
		runGit(t, source, append(env, "GIT_TEMPLATE_DIR="), "clone", "-q", from, dir)
		want := portrait(t, dir, env)
		os.RemoveAll(filepath.Dir(dir))
		if !CloneLocal(t.Context(), CloneOptions{URL: from, Dir: dir, Env: env}, begun) {
			t.Fatal("left to git")
		}
		populate(t, dir, env, plain)
		if got := portrait(t, dir, env); got != want {
			t.Errorf("clone of %s:\n%s\ngit's:\n%s", from, got, want)
		}
		index, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
		if err != nil || !strings.Contains(string(index), "TREE") {
			t.Errorf("no cache tree: %v", err)
		}
		runGit(t, dir, env, "fetch", "-q")
		runGit(t, dir, env, "reset", "-q", "--hard", "HEAD~1")
	}
}

func populate(t *testing.T, dir string, env []string, convert Converter) {
	t.Helper()
	r, err := Open(t.Context(), dir, Options{Env: env})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	head, err := r.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Populate(t.Context(), head.OID, convert); err != nil {
		t.Fatal(err)
	}
}

func TestPopulateLeavesConversionToGit(t *testing.T) {
	source, env := sourceRepo(t)
	os.WriteFile(filepath.Join(source, "sub", ".gitattributes"), []byte("*.txt text eol=crlf\n"), 0o644)
	os.WriteFile(filepath.Join(source, "sub", "t.txt"), []byte("a\nb\n"), 0o644)
	runGit(t, source, env, "add", ".")
	runGit(t, source, env, "commit", "-q", "-m", "three")
	dir := filepath.Join(t.TempDir(), "clone")
	if !CloneLocal(t.Context(), CloneOptions{URL: source, Dir: dir, Env: env}, begun) {
		t.Fatal("left to git")
	}
	populate(t, dir, env, withAttributes)
	if data, _ := os.ReadFile(filepath.Join(dir, "sub", "t.txt")); string(data) != "a\r\nb\r\n" {
		t.Errorf("%q", data)
	}
	if got := runGit(t, dir, env, "status", "--porcelain"); got != "" {
		t.Error(got)
	}
}

func TestLocalCloneLeftToGit(t *testing.T) {
	for name, disturb := range map[string]func(t *testing.T, source string, opt *CloneOptions){
		"option":           func(_ *testing.T, _ string, o *CloneOptions) { o.Args = []string{"--depth=1"} },
		"relative path":    func(_ *testing.T, _ string, o *CloneOptions) { o.URL = "./x" },
		"address":          func(_ *testing.T, s string, o *CloneOptions) { o.URL = "file://" + s },
		"variable":         func(_ *testing.T, _ string, o *CloneOptions) { o.Env = append(o.Env, "GIT_TEMPLATE_DIR=/x") },
		"nothing there":    func(_ *testing.T, s string, o *CloneOptions) { os.RemoveAll(s) },
		"in the way":       func(_ *testing.T, _ string, o *CloneOptions) { os.MkdirAll(filepath.Join(o.Dir, "x"), 0o755) },
		"shallow":          func(_ *testing.T, s string, _ *CloneOptions) { write(s, ".git/shallow", "") },
		"borrowed objects": func(_ *testing.T, s string, _ *CloneOptions) { write(s, ".git/objects/info/alternates", "/x\n") },
		"detached": func(t *testing.T, s string, o *CloneOptions) {
			runGit(t, s, o.Env, "checkout", "-q", "--detach")
		},
		"no commits": func(t *testing.T, s string, o *CloneOptions) {
			runGit(t, s, o.Env, "symbolic-ref", "HEAD", "refs/heads/none")
		},
		"link among objects": func(_ *testing.T, s string, _ *CloneOptions) {
			os.Symlink("/etc/passwd", filepath.Join(s, ".git/objects/pack/pack-1.pack"))
		},
		"link in place of a folder": func(_ *testing.T, s string, _ *CloneOptions) {
			os.Symlink("/etc", filepath.Join(s, ".git/objects/zz"))
		},
		"broken ref": func(_ *testing.T, s string, _ *CloneOptions) { write(s, ".git/refs/heads/broken", "no id\n") },
		"user's setting": func(_ *testing.T, _ string, o *CloneOptions) {
			o.Env = append(o.Env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.autocrlf", "GIT_CONFIG_VALUE_0=true")
		},
		"source's setting": func(t *testing.T, s string, o *CloneOptions) {
			runGit(t, s, o.Env, "config", "uploadpack.hideRefs", "refs/heads/side")
		},
	} {
		t.Run(name, func(t *testing.T) {
			source, env := sourceRepo(t)
			opt := CloneOptions{URL: source, Dir: filepath.Join(t.TempDir(), "in", "clone"), Env: env}
			disturb(t, source, &opt)
			if CloneLocal(t.Context(), opt, begun) {
				t.Error("cloned")
			}
			left, _ := exec.Command("find", filepath.Dir(opt.Dir), "-mindepth", "1").Output()
			if name != "in the way" && len(left) > 0 || name == "in the way" && strings.Count(string(left), "\n") != 2 {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

func write(dir, name, text string) { os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644) }

// TestPopulateHostileTrees gives trees that lead out of the work tree or into
// .git, which git refuses to check out.
func TestPopulateHostileTrees(t *testing.T) {
	source, env := sourceRepo(t)
	blob := runGit(t, source, env, "hash-object", "-w", "a")
	for _, entries := range []string{
		"100644 blob " + blob + "\t.git\n", "100644 blob " + blob + "\t.GIT\n", "100644 blob " + blob + "\tgit~1\n", "100644 blob " + blob + "\t..\n",
		"120000 blob " + blob + "\t.gitmodules\n", "100644 blob " + blob + "\t.g\u200cit\n", "100644 blob " + blob + "\ta\\..\\b\n",
	} {
		tree := mktree(t, source, env, entries)
		commit := runGit(t, source, env, "commit-tree", "-m", "x", tree)
		runGit(t, source, env, "update-ref", "refs/heads/evil", commit)
		dir := filepath.Join(t.TempDir(), "clone")
		if !CloneLocal(t.Context(), CloneOptions{URL: source, Dir: dir, Env: env}, begun) {
			t.Fatal("left to git")
		}
		r, err := Open(t.Context(), dir, Options{Env: env})
		if err != nil {
			t.Fatal(err)
		}
		p := &populating{repo: r, objs: r.objects()}
		if _, err := p.tree(t.Context(), gitobj.OID(tree), "", "", 0); err == nil {
			t.Errorf("%q is not left to git", entries)
		}
		r.Close()
	}
}

func mktree(t *testing.T, dir string, env []string, entries string) string {
	t.Helper()
	cmd := exec.Command("git", "mktree")
	cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader(entries)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("mktree %q: %v", entries, err)
	}
	return strings.TrimSpace(string(out))
}

// A blob that only git reads is met in the middle of the work.
func TestPopulateWithALargeBlob(t *testing.T) {
	source, env := sourceRepo(t)
	if err := os.WriteFile(filepath.Join(source, "large"), make([]byte, maxNativeObject+1), 0o644); err != nil {
		t.Fatal(err)
	}
	runGit(t, source, env, "add", "large")
	runGit(t, source, env, "commit", "-q", "-m", "large")
	dir := filepath.Join(t.TempDir(), "clone")
	if !CloneLocal(t.Context(), CloneOptions{URL: source, Dir: dir, Env: env}, begun) {
		t.Fatal("left to git")
	}
	populate(t, dir, env, plain)
	if got := runGit(t, dir, env, "status", "--porcelain"); got != "" {
		t.Error(got)
	}
	if fi, err := os.Stat(filepath.Join(dir, "large")); err != nil || fi.Size() != maxNativeObject+1 {
		t.Errorf("%v, %v", fi, err)
	}
}
