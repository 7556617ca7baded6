package gitobj

import "testing"

func TestIsDotGit(t *testing.T) {
	for _, name := range []string{".git", ".GIT", ".Git", ".git.", ".git ", ".git. .", ".git:x", ".git::$INDEX_ALLOCATION", "git~1", "GIT~1", "GiT~1.", ".g\u200cit", ".GI\u200eT", "\ufeff.git"} {
		if !IsDotGit(name) || !HasDotGit("a/"+name+"/hooks/x") {
			t.Errorf("%q is git's folder somewhere", name)
		}
	}
	for _, name := range []string{"", "git", ".gitignore", ".gita", "git~2", "git~10", ".git-x", "x.git", "a.git", ".g it", ". git"} {
		if IsDotGit(name) {
			t.Errorf("%q is not git's folder", name)
		}
	}
}
