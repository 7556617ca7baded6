package commit

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// TestTreeState compares what is said of each path with git's answer, over
// batches in which files and folders take each other's place.
func TestTreeState(t *testing.T) {
	p := newPublisher(t)
	ctx := t.Context()
	paths := []string{"a", "a/b", "a/b/c", "a/d", "a-", "e", "e/f", "g"}
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, seed))
		first := p.publish(t, Request{Commits: []Commit{{Message: "base\n", AllowEmpty: true, Files: randomFiles(r, paths)}}})
		w := p.Repo.WriteObjects(ctx)
		defer w.Abort()
		who, err := p.Repo.Identities(ctx, p.now())
		if err != nil {
			t.Fatal(err)
		}
		state, tip := newTreeState(p.Repo, first.Tip), first.Tip
		for n := range 25 {
			commits := []Commit{{Files: randomFiles(r, paths)}}
			if err := writeBlobs(w, commits); err != nil {
				t.Fatal(err)
			}
			var changes []git.TreeChange
			for _, f := range commits[0].Files {
				changes = append(changes, git.TreeChange{Path: f.Path, Mode: f.Mode, OID: f.OID, Remove: f.Remove})
			}
			if tip, _, err = w.Commit(git.CommitSpec{Who: who, Message: fmt.Sprint(n), Parents: []gitobj.OID{tip}, Changes: changes}); err != nil {
				t.Fatal(err)
			}
			state.apply(changes)
			for _, path := range paths {
				want, _, err := w.Entry(tip, path)
				if err != nil {
					t.Fatal(err)
				}
				got, err := state.entry(ctx, path)
				if err != nil {
					t.Fatal(err)
				}
				if got == aFolder && (want.Mode == gitobj.ModeTree || want.OID == "") {
					continue // its id is not known before it is written; it may be empty
				}
				if got != want {
					t.Fatalf("seed %d, commit %d (%+v): %s is %+v, git says %+v", seed, n, changes, path, got, want)
				}
			}
		}
	}
}

// randomFiles are changes that can stand in one commit: none lies below another.
func randomFiles(r *rand.Rand, paths []string) (files []File) {
	switch p := paths[r.IntN(len(paths))]; r.IntN(3) {
	case 0:
		return []File{{Path: p, Remove: true}}
	case 1:
		return []File{{Path: p, Mode: gitobj.ModeFile, Data: []byte{byte(r.IntN(3))}}, {Path: "g", Remove: true}}
	default:
		return []File{{Path: p, Mode: gitobj.ModeFile, Data: []byte{byte(r.IntN(3))}}}
	}
}
