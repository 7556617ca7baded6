package commit

import (
	"strings"
	"testing"
)

// TestAmend compares with what git's own commit --amend keeps.
func TestAmend(t *testing.T) {
	p := newPublisher(t)
	p.publish(t, Request{Commits: []Commit{{Message: "root\n", Files: []File{p.textFile(t, "a", "a\n")}}}})
	p.gitOut(t, "-c", "user.name=x", "commit", "-q", "--allow-empty", "-m", "second\n\nbody", "--author=Eve <eve@example.org>", "--date=2001-02-03T04:05:06+0100")
	head := p.gitOut(t, "rev-parse", "HEAD")
	const kept = "%an <%ae> %ad|%P|%B"
	want := p.gitOut(t, "log", "-1", "--format="+kept)

	tip, err := p.Repo.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	res := p.publish(t, Request{Onto: tip.OID, Commits: []Commit{{Amend: true, Files: []File{p.textFile(t, "d/b", "b\n")}}}})
	if got := p.gitOut(t, "log", "-1", "--format="+kept); got != want {
		t.Errorf("kept %q, want %q", got, want)
	}
	if string(res.Tip) == head || p.gitOut(t, "rev-list", "--count", "HEAD") != "2" {
		t.Errorf("no new commit in the old one's place: %+v", res)
	}
	if got := p.gitOut(t, "ls-tree", "-r", "--name-only", "HEAD"); got != "a\nd/b" {
		t.Errorf("tree %q", got)
	}
	res = p.publish(t, Request{Onto: res.Tip, Commits: []Commit{{Amend: true, Message: "other words\n"}}})
	if got := p.gitOut(t, "log", "-1", "--format="+kept); got != strings.Replace(want, "second\n\nbody", "other words", 1) {
		t.Errorf("new message: %q", got)
	}
	if got := p.gitOut(t, "status", "--porcelain"); got != "" {
		t.Errorf("status %q", got)
	}
	p.gitOut(t, "fsck", "--strict")
}

func TestAmendRootCommitAndNothing(t *testing.T) {
	p := newPublisher(t)
	if _, err := p.Publish(t.Context(), Request{Reason: "test", Commits: []Commit{{Amend: true, Message: "x\n"}}}); err == nil {
		t.Error("a branch without commits was amended")
	}
	first := p.publish(t, Request{Commits: []Commit{{Message: "root\n", Files: []File{p.textFile(t, "a", "a\n")}}}})
	p.publish(t, Request{Onto: first.Tip, Commits: []Commit{{Amend: true, Files: []File{{Path: "a", Remove: true}}}}})
	if got := p.gitOut(t, "log", "--format=%s%P"); got != "root" {
		t.Errorf("log %q", got)
	}
	if got := p.gitOut(t, "ls-tree", "HEAD"); got != "" {
		t.Errorf("tree %q", got)
	}
}

func FuzzParseOriginal(f *testing.F) {
	f.Add("tree x\nparent 0123456789012345678901234567890123456789\nauthor A <a@b> 1 +0000\n\nm\n")
	f.Add("encoding latin1\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOriginal(text)
		if err == nil && o == nil {
			t.Error("nothing, and no error")
		}
	})
}
