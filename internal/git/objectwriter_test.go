package git

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

	"github.com/stemma-data/stemma/internal/gitobj"
)

// TestWriterMakesWhatGitMakes compares the commits of random changes with those of
// git fast-import, in both formats, and lets git check what was written.
func TestWriterMakesWhatGitMakes(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		for seed := range uint64(4) {
			r, env := newRepo(t, "--object-format="+format)
			rnd := rand.New(rand.NewPCG(seed, 7))
			h := history{t: t, rnd: rnd, w: r.WriteObjects(t.Context())}
			var err error
			if h.who, err = r.Identities(t.Context(), time.Unix(1700000000, 0).UTC()); err != nil {
				t.Fatal(err)
			}
			for n := range 40 {
				h.commit(n)
			}
			for _, id := range h.commits {
				for _, p := range h.paths() {
					if e, ok, err := h.w.Entry(id, p); err != nil || ok && e.Mode == gitobj.ModeFile && h.blobs[e.OID] == "" {
						t.Fatalf("%s:%s: %v %v", id, p, e, err)
					}
				}
			}
			for id, text := range h.blobs {
				if got, err := h.w.Blob(id); err != nil || string(got) != text {
					t.Fatalf("blob of %d bytes: %d, %v", len(text), len(got), err)
				}
			}
			if err := h.w.Close(); err != nil {
				t.Fatal(err)
			}
			if want := h.byGit(env, format); strings.Join(want, " ") != fmt.Sprint(h.commits)[1:len(fmt.Sprint(h.commits))-1] {
				t.Fatalf("seed %d: commits are %v, git makes %v", seed, h.commits, want)
			}
			for i, id := range h.commits {
				runGit(t, r.WorkTree, env, "update-ref", fmt.Sprint("refs/heads/c", i), string(id))
			}
			runGit(t, r.WorkTree, env, "fsck", "--strict", "--full")
			verifyPacks(t, r, env)
		}
	}
}

// history is commits of random changes, and the same for git fast-import.
type history struct {
	t       *testing.T
	rnd     *rand.Rand
	w       *ObjectWriter
	who     Identities
	commits []gitobj.OID
	blobs   map[gitobj.OID]string
	script  strings.Builder
}

func (h *history) paths() []string {
	return []string{"a", "a/b", "a/b/c", "a-", "a.", "d/e/f", "d/e/g", "d/h", "flat/1", "sp ace/\"q\"\\b\n\tü", "z"}
}

func (h *history) blob() gitobj.OID {
	text := strings.Repeat(fmt.Sprintf("%d\n", h.rnd.IntN(50)), h.rnd.IntN(400)+1)
	var id gitobj.OID
	var err error
	if h.rnd.IntN(2) == 0 {
		id, err = h.w.WriteBlob([]byte(text))
	} else {
		id, err = h.w.WriteBlobFrom(strings.NewReader(text+"more"), int64(len(text)))
	}
	if err != nil {
		h.t.Fatal(err)
	}
	if h.blobs == nil {
		h.blobs = map[gitobj.OID]string{}
	}
	h.blobs[id] = text
	fmt.Fprintf(&h.script, "blob\ndata %d\n%s\n", len(text), text)
	return id
}

func (h *history) commit(n int) {
	spec := CommitSpec{Who: h.who, Message: fmt.Sprintf("commit %d", n)}
	if n > 0 && h.rnd.IntN(10) > 0 {
		spec.Parents = append(spec.Parents, h.commits[h.rnd.IntN(n)])
		if h.rnd.IntN(4) == 0 {
			spec.Parents = append(spec.Parents, h.commits[h.rnd.IntN(n)])
		}
	}
	modes := []gitobj.Mode{gitobj.ModeFile, gitobj.ModeExec, gitobj.ModeSymlink}
	var later []TreeChange
	for range h.rnd.IntN(6) {
		paths := h.paths()
		c := TreeChange{Path: paths[h.rnd.IntN(len(paths))]}
		if c.Remove = h.rnd.IntN(3) == 0; !c.Remove {
			c.Mode, c.OID = modes[h.rnd.IntN(3)], h.blob()
		}
		spec.Changes = append(spec.Changes, c)
	}
	if n == 5 { // a folder that is worth a difference
		for i := range 300 {
			later = append(later, TreeChange{Path: fmt.Sprintf("flat/%d", i), Mode: gitobj.ModeFile, OID: h.blob()})
		}
	}
	fmt.Fprintf(&h.script, "commit refs/heads/x\nmark :%d\nauthor %s\ncommitter %s\ndata %d\n%s\n", n+1, h.who.Author, h.who.Committer, len(spec.Message), spec.Message)
	for i, p := range spec.Parents {
		fmt.Fprintf(&h.script, "%s %s\n", []string{"from", "merge"}[i], h.mark(p))
	}
	for _, removals := range []bool{true, false} {
		for _, c := range append(spec.Changes[:len(spec.Changes):len(spec.Changes)], later...) {
			switch path := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(c.Path) + `"`; {
			case c.Remove != removals:
			case c.Remove:
				fmt.Fprintf(&h.script, "D %s\n", path)
			default:
				fmt.Fprintf(&h.script, "M %s %s %s\n", c.Mode, c.OID, path)
			}
		}
	}
	fmt.Fprintf(&h.script, "get-mark :%d\nreset refs/heads/x\n\n", n+1)
	if err := h.w.Begin(spec); err != nil {
		h.t.Fatal(err)
	}
	if h.rnd.IntN(4) == 0 {
		h.w.edits = manyEdits // as after very many
	}
	for _, c := range later {
		h.w.PutData(c.Path, c.Mode, []byte(h.blobs[c.OID]))
	}
	id, _, err := h.w.End()
	if err != nil {
		h.t.Fatal(err)
	}
	h.commits = append(h.commits, id)
}

func (h *history) mark(id gitobj.OID) string {
	for n, c := range h.commits {
		if c == id {
			return fmt.Sprint(":", n+1)
		}
	}
	h.t.Fatal("unknown parent")
	return ""
}

// byGit lets git fast-import do the same in a repository of its own.
func (h *history) byGit(env []string, format string) []string {
	dir := filepath.Join(h.t.TempDir(), "other")
	runGit(h.t, h.t.TempDir(), env, "init", "-q", "--object-format="+format, dir)
	cmd := exec.Command("git", "-C", dir, "fast-import", "--quiet", "--force", "--date-format=raw", "--cat-blob-fd=1")
	cmd.Env, cmd.Stdin, cmd.Stderr = env, strings.NewReader(h.script.String()), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		h.t.Fatalf("git fast-import: %v", err)
	}
	return strings.Fields(string(out))
}

// verifyPacks lets git check all packs and returns how many there are.
func verifyPacks(t *testing.T, r *Repo, env []string) int {
	t.Helper()
	packs, err := filepath.Glob(filepath.Join(r.packDir(), "pack-*.idx"))
	if err != nil || len(packs) == 0 {
		t.Fatalf("no packs: %v", err)
	}
	for _, p := range packs {
		runGit(t, r.WorkTree, env, "verify-pack", p)
		runGit(t, r.WorkTree, env, "index-pack", "--verify", strings.TrimSuffix(p, ".idx")+".pack")
		for _, name := range []string{p, strings.TrimSuffix(p, ".idx") + ".pack"} {
			if fi, err := os.Stat(name); err != nil || fi.Mode().Perm()&0o222 != 0 {
				t.Errorf("%s: mode %v, %v", name, fi.Mode(), err)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(r.packDir(), "tmp_*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return len(packs)
}

// TestWriterSpills: what does not fit into memory goes to the file on the way, and
// can be read all the same; what is there already is taken back.
func TestWriterSpills(t *testing.T) {
	r, env := newRepo(t)
	w := r.WriteObjects(t.Context())
	defer w.Abort()
	rnd := rand.New(rand.NewPCG(1, 2))
	var ids []gitobj.OID
	var texts [][]byte
	for _, size := range []int{100, spillAt + 1000, 0, 3 * pieces, 200, spillAt + 1000} {
		text := make([]byte, size)
		for i := range text {
			text[i] = byte(rnd.Uint32())
		}
		id, err := w.WriteBlobFrom(bytes.NewReader(text), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		ids, texts = append(ids, id), append(texts, text)
		before := w.pack.size()
		if again, err := w.WriteBlobFrom(bytes.NewReader(text), int64(size)); err != nil || again != id || w.pack.size() != before {
			t.Errorf("written twice: %s and %s, %v, %d and %d bytes", id, again, err, before, w.pack.size())
		}
		if _, err := w.WriteBlobFrom(bytes.NewReader(text), int64(size)+1); err == nil || w.pack.size() != before {
			t.Errorf("a source that is too short: %v, %d and %d bytes", err, before, w.pack.size())
		}
		for i := range ids {
			if got, err := w.Blob(ids[i]); err != nil || !bytes.Equal(got, texts[i]) {
				t.Fatalf("blob %d: %d bytes of %d, %v", i, len(got), len(texts[i]), err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	verifyPacks(t, r, env)
	for i, id := range ids {
		if got := runGit(t, r.WorkTree, env, "cat-file", "-s", string(id)); got != fmt.Sprint(len(texts[i])) {
			t.Errorf("git says that blob %d has %s bytes", i, got)
		}
	}
	again := r.WriteObjects(t.Context())
	if _, err := again.WriteBlob(texts[0]); err != nil || again.Close() != nil {
		t.Fatal(err)
	}
	if n := verifyPacks(t, r, env); n != 1 {
		t.Errorf("%d packs: what git has was written again", n)
	}
}

// TestWriterGivesUp: nothing is left of what was aborted, and no commit is made of
// what is not there or of paths that git does not accept.
func TestWriterGivesUp(t *testing.T) {
	r, _ := newRepo(t)
	w := r.WriteObjects(t.Context())
	if _, err := w.WriteBlobFrom(bytes.NewReader(make([]byte, 4*spillAt)), 4*spillAt); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, spillAt)
	for i := range big {
		big[i] = byte(rand.Uint32())
	}
	blob, err := w.WriteBlob(big)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []TreeChange{
		{Path: "a", OID: r.Format.HashObject("blob", []byte("elsewhere"))},
		{Path: "a", OID: "12"}, {Path: "a", OID: "1"}, {Path: "a"},
		{Path: "a/../b", OID: blob}, {Path: "/a", OID: blob}, {Path: "a//b", OID: blob}, {Path: "", OID: blob}, {Path: ".GIT/config", OID: blob},
		{Path: "git~1", OID: blob}, {Path: ".git. /a", OID: blob}, {Path: ".git::$INDEX", OID: blob}, {Path: ".g\u200cit", OID: blob},
	} {
		c.Mode = gitobj.ModeFile
		w := r.WriteObjects(t.Context())
		if _, _, err := w.Commit(CommitSpec{Message: "m", Changes: []TreeChange{c}}); err == nil {
			t.Errorf("%+v was committed", c)
		}
		w.Abort()
	}
	w.Abort()
	w.Abort()
	if left, _ := os.ReadDir(r.packDir()); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
