package git

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// onePack commits a file, which leaves one pack more.
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

// A folder that grows with each commit does not cost its whole list each time.
func TestJoinPacksShortensTrees(t *testing.T) {
	r, env := newRepo(t)
	for n := range 400 {
		write(r.WorkTree, fmt.Sprintf("file-%03d", n), "")
	}
	sum := func() (n int64) {
		list, _ := filepath.Glob(filepath.Join(r.GitDir, "objects", "pack", "*.pack"))
		for _, p := range list {
			if fi, err := os.Stat(p); err == nil {
				n += fi.Size()
			}
		}
		return n
	}
	var whole int64
	for n := range 60 {
		before := sum()
		write(r.WorkTree, fmt.Sprintf("file-%03d", 7*n), fmt.Sprint(n))
		write(r.WorkTree, fmt.Sprintf("new-%03d", n), fmt.Sprint(n))
		runGit(t, r.WorkTree, env, "add", ".")
		runGit(t, r.WorkTree, env, "commit", "-q", "-m", fmt.Sprint(n))
		runGit(t, r.WorkTree, env, "repack", "-q", "-d")
		whole += sum() - before
		if _, err := r.JoinPacks(); err != nil {
			t.Fatal(err)
		}
	}
	if now := sum(); now > whole/3 {
		t.Errorf("%d bytes, and %d as they were written", now, whole)
	}
	runGit(t, r.WorkTree, env, "fsck", "--full", "--strict")
	longest := 0
	list, _ := filepath.Glob(filepath.Join(r.GitDir, "objects", "pack", "*.idx"))
	for _, idx := range list {
		for line := range strings.Lines(runGit(t, r.WorkTree, env, "verify-pack", "-v", idx)) {
			if f := strings.Fields(line); len(f) == 7 {
				depth, _ := strconv.Atoi(f[5])
				longest = max(longest, depth)
			}
		}
	}
	if longest < 2 || longest > maxChain {
		t.Errorf("chains of %d", longest)
	}
}

// Whatever two trees are, what is told of the one by the other is the one again.
func TestTreeDelta(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	random := func() []byte {
		entries := map[string][]byte{}
		for range rnd.IntN(3000) {
			mode, name := "100644", fmt.Sprintf("%c%d", 'a'+rnd.IntN(3), rnd.IntN(4000))
			key := name
			if rnd.IntN(4) == 0 {
				mode, key = "40000", name+"/"
			}
			id := bytes.Repeat([]byte{byte(rnd.IntN(3))}, 20)
			entries[key] = append([]byte(mode+" "+name+"\x00"), id...)
		}
		var out []byte
		for _, key := range slices.Sorted(maps.Keys(entries)) {
			out = append(out, entries[key]...)
		}
		return out
	}
	for range 300 {
		base, tree := random(), random()
		delta := treeDelta(base, tree, 20, 1<<30)
		got, err := applyDelta(base, delta)
		if err != nil || !bytes.Equal(got, tree) {
			t.Fatalf("%v: %d bytes, want %d", err, len(got), len(tree))
		}
		if same := treeDelta(tree, tree, 20, 1<<30); len(same) > 20+8*(len(tree)/0xffff+1) {
			t.Fatalf("%d bytes for no difference in %d", len(same), len(tree))
		}
	}
	if treeDelta([]byte("no tree"), random(), 20, 1<<30) != nil && rnd != nil {
		t.Error("a damaged base was taken")
	}
}

func TestDistances(t *testing.T) {
	for n := int64(1); n < 1<<40; n = n*3/2 + 1 {
		if back, used := offsetBack(appendBack(nil, n)); back != n || used != len(appendBack(nil, n)) {
			t.Errorf("%d: %d in %d bytes", n, back, used)
		}
		h, err := readPackHead(appendSize(nil, treeKind, int(n)), 20)
		if err != nil || h.kind != treeKind || h.size != uint64(n) {
			t.Errorf("%d: %+v, %v", n, h, err)
		}
	}
}
