package git

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// onePack commits a file by fast-import, which leaves one pack more.
func onePack(t *testing.T, r *Repo, env []string, n int) {
	t.Helper()
	text := strings.Repeat(fmt.Sprintln("line", n), 50)
	file := filepath.Join(r.WorkTree, fmt.Sprintf("d%d", n%3), fmt.Sprintf("f%d", n))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	runGit(t, r.WorkTree, env, "add", ".")
	runGit(t, r.WorkTree, env, "commit", "-q", "-m", fmt.Sprint("commit ", n))
	runGit(t, r.WorkTree, env, "repack", "-q", "-d")
}

func packCount(t *testing.T, r *Repo) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(r.GitDir, "objects", "pack", "*.pack"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// git finds all objects, and no damage, in packs that were joined time and again.
func TestJoinPacks(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		r, env := newRepo(t, "--object-format="+format)
		var want string
		for n := range 20 {
			onePack(t, r, env, n)
			want = runGit(t, r.WorkTree, env, "rev-list", "--objects", "--all")
			if _, err := r.JoinPacks(); err != nil {
				t.Fatal(err)
			}
			if n := packCount(t, r); n > fewPacks+1 {
				t.Errorf("%d packs", n)
			}
			if got := runGit(t, r.WorkTree, env, "rev-list", "--objects", "--all"); got != want {
				t.Fatalf("objects before\n%s\nafterwards\n%s", want, got)
			}
		}
		runGit(t, r.WorkTree, env, "fsck", "--full", "--strict")
		list, _ := filepath.Glob(filepath.Join(r.GitDir, "objects", "pack", "*.idx"))
		for _, idx := range list {
			runGit(t, r.WorkTree, env, "verify-pack", idx)
		}
		if left, _ := filepath.Glob(filepath.Join(r.GitDir, "objects", "pack", "tmp_*")); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}

// What somebody has reasons to keep, and what is damaged, stays.
func TestJoinPacksLeaves(t *testing.T) {
	for what, change := range map[string]func(pack string){
		"kept":            func(pack string) { os.WriteFile(pack[:len(pack)-5]+".keep", nil, 0o644) },
		"many packs":      func(pack string) { os.WriteFile(filepath.Join(filepath.Dir(pack), "multi-pack-index"), nil, 0o644) },
		"damaged":         func(pack string) { os.Chmod(pack, 0o644); flip(pack, 30) },
		"a damaged index": func(pack string) { os.Chmod(pack[:len(pack)-5]+".idx", 0o644); flip(pack[:len(pack)-5]+".idx", 1100) },
		"without index":   func(pack string) { os.Remove(pack[:len(pack)-5] + ".idx") },
	} {
		r, env := newRepo(t)
		for n := range fewPacks + 1 {
			onePack(t, r, env, n)
		}
		packs, _ := filepath.Glob(filepath.Join(r.GitDir, "objects", "pack", "*.pack"))
		change(packs[0])
		if _, err := r.JoinPacks(); (err != nil) != strings.Contains(what, "damaged") {
			t.Errorf("%s: %v", what, err)
		}
		if n := packCount(t, r); n != len(packs) {
			t.Errorf("%s: %d of %d packs are left", what, n, len(packs))
		}
	}
}

func flip(file string, at int) {
	data, err := os.ReadFile(file)
	if err == nil {
		data[at] ^= 1
		_ = os.WriteFile(file, data, 0o644)
	}
}

// Two writers may have packed the same object: it stays in two packs, and the
// others do not pile up for that.
func TestJoinPacksWithTheSameObject(t *testing.T) {
	r, env := newRepo(t)
	base := filepath.Join(r.GitDir, "objects", "pack", "pack")
	blob := func(n int) string {
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, fmt.Appendln(nil, "blob", n), 0o644); err != nil {
			t.Fatal(err)
		}
		return runGit(t, r.WorkTree, env, "hash-object", "-w", file)
	}
	shared := blob(-1)
	for n := range 2 * fewPacks {
		cmd := exec.Command("git", "pack-objects", "-q", base)
		cmd.Dir, cmd.Env, cmd.Stdin = r.WorkTree, env, strings.NewReader(shared+"\n"+blob(n)+"\n"+blob(1000+n)+"\n")
		if n%3 > 0 {
			cmd.Stdin = strings.NewReader(blob(n) + "\n" + blob(1000+n) + "\n")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	runGit(t, r.WorkTree, env, "prune-packed", "-q")
	if _, err := r.JoinPacks(); err != nil {
		t.Fatal(err)
	}
	if n := packCount(t, r); n != 4 { // one with all others, and those that repeat an object
		t.Errorf("%d packs", n)
	}
	for n := range 2 * fewPacks {
		runGit(t, r.WorkTree, env, "cat-file", "-e", blobID(r, n))
	}
	runGit(t, r.WorkTree, env, "cat-file", "-e", shared)
	runGit(t, r.WorkTree, env, "fsck", "--full")
}

func blobID(r *Repo, n int) string {
	return string(r.Format.HashObject("blob", fmt.Appendln(nil, "blob", n)))
}

// Processes that join at once, while git repacks, lose nothing.
func TestJoinPacksTogether(t *testing.T) {
	r, env := newRepo(t)
	for n := range 2*fewPacks + 2 {
		onePack(t, r, env, n)
	}
	want := runGit(t, r.WorkTree, env, "rev-list", "--objects", "--all")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { _, _ = r.JoinPacks() }) // another one may have been quicker
	}
	wg.Wait()
	if got := runGit(t, r.WorkTree, env, "rev-list", "--objects", "--all"); got != want {
		t.Errorf("objects before\n%s\nafterwards\n%s", want, got)
	}
	runGit(t, r.WorkTree, env, "fsck", "--full")
}
