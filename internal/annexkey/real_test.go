package annexkey

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// annexRepo makes a repository of the real git-annex, isolated from the user's
// configuration. Without the program the test is skipped, but fails under CI.
func annexRepo(t *testing.T) string {
	t.Helper()
	for _, prog := range []string{"git", "git-annex"} {
		if _, err := exec.LookPath(prog); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	home, dir := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(home, "gitconfig"))
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	t.Setenv("LC_ALL", "C.UTF-8")
	run(t, dir, "", "git", "init", "-q")
	run(t, dir, "", "git", "config", "user.name", "T")
	run(t, dir, "", "git", "config", "user.email", "t@example.org")
	run(t, dir, "", "git", "annex", "init", "-q", "x")
	return dir
}

func run(t *testing.T, dir, stdin, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, errs.String())
	}
	return out.String()
}

// randomText draws from an alphabet that exercises every rule of names.
func randomText(r *rand.Rand, most int) string {
	alphabet := []string{".", ".", ".", "a", "B", "7", "gz", "tar", "-", "_", " ", ",", "%", "&", ":", "é", "日", "\xff", "+", "longext"}
	var b strings.Builder
	for range 1 + r.IntN(most) {
		b.WriteString(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

func randomNames(r *rand.Rand, n int) []string {
	seen := map[string]bool{".": true, "..": true}
	var names []string
	for len(names) < n {
		if name := "x" + randomText(r, 24); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

func TestRealCalckey(t *testing.T) {
	dir := annexRepo(t)
	r := rand.New(rand.NewPCG(1, 2))
	names := randomNames(r, 60)
	when := time.Unix(1287765018, 700_000_000)
	for i, name := range names {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.Repeat("z", i)), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	for _, backend := range BackendNames() {
		if backend == "URL" {
			continue
		}
		b, _ := LookupBackend(backend)
		some := names
		if b.HasExt() && backend != "MD5E" {
			some = names[:3]
		}
		out := run(t, dir, "", "git", append([]string{"annex", "calckey", "--backend=" + backend, "--"}, some...)...)
		got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		for i, name := range some {
			if want := ourKey(b, name, i, when); i >= len(got) || got[i] != want.String() {
				t.Fatalf("%s of %q: ours %s, git-annex %s", backend, name, want, got[min(i, len(got)-1)])
			}
		}
	}
}

func ourKey(b Backend, name string, size int, when time.Time) Key {
	h := b.New()
	if h == nil {
		return WORM(name, int64(size), when.Unix())
	}
	h.Write(bytes.Repeat([]byte("z"), size))
	return b.Key(name, int64(size), h.Sum(nil), DefaultExtRule())
}

func TestRealExaminekey(t *testing.T) {
	dir := annexRepo(t)
	r := rand.New(rand.NewPCG(3, 4))
	var in strings.Builder
	var want []string
	for len(want) < 300 {
		k, err := Parse(randomKey(r))
		if err != nil {
			continue
		}
		fmt.Fprintln(&in, k)
		want = append(want, fmt.Sprintf("%s|%s|%s|.git/annex/objects/%s|/annex/objects/%s",
			k, k.HashLower()+"/", k.HashMixed()+"/", k.ObjectPath(), k.File()))
	}
	out := run(t, dir, in.String(), "git", "annex", "examinekey", "--batch",
		"--format=${key}|${hashdirlower}|${hashdirmixed}|${objectpath}|${objectpointer}")
	got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	for i, w := range want {
		if i >= len(got) || got[i] != w {
			t.Fatalf("ours      %q\ngit-annex %q", w, got[min(i, len(got)-1)])
		}
	}
}

// randomKey often makes a malformed one.
func randomKey(r *rand.Rand) string {
	s := []string{"SHA256E", "MD5", "XFOO", "XFOOE", "foo", "URL", "A/B:&%"}[r.IntN(7)]
	for _, f := range []string{"-s", "-m", "-S", "-C"} {
		if r.IntN(3) == 0 {
			s += fmt.Sprint(f, r.Int64N(1<<r.IntN(40)))
		}
	}
	return s + "--" + strings.ReplaceAll(randomText(r, 30), " ", "/")
}

func TestRealExaminekeyRejects(t *testing.T) {
	dir := annexRepo(t)
	for _, s := range []string{"SHA256-m5-s5--x", "SHA256-s--x", "MD5E--x." + strings.Repeat("y", 64), "E--." + strings.Repeat("y", 64)} {
		if exec.Command("git", "-C", dir, "annex", "examinekey", s).Run() == nil {
			t.Errorf("git-annex accepts %q", s)
		}
	}
}

func TestRealMigrate(t *testing.T) {
	dir := annexRepo(t)
	const key = "MD5-s6--b1946ac92492d2347c6235b4d2611184"
	var in, want strings.Builder
	for _, name := range randomNames(rand.New(rand.NewPCG(5, 6)), 200) {
		fmt.Fprintf(&in, "%s %s\n", key, name)
		fmt.Fprintf(&want, "MD5E%s%s\n", strings.TrimPrefix(key, "MD5"), Extension(name, DefaultExtRule()))
	}
	got := run(t, dir, in.String(), "git", "annex", "examinekey", "--batch", "--migrate-to-backend=MD5E", `--format=${key}\n`)
	if got != want.String() {
		t.Errorf("ours\n%s\ngit-annex\n%s", want.String(), got)
	}
}
