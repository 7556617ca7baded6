package annexcli

import "testing"

var badURLSteps = []string{
	`git init -q a && cd a && git annex init A -q && git commit -q --allow-empty -m 1`,
	`cd a && for u in bogus /etc/passwd 1:2 :x a_b:c; do git annex addurl --relaxed --json $u; git annex addurl --json $u; done; git status --short`,
	`cd a && printf 'bogus\nhttp://127.0.0.1:1/x\n' | git annex addurl --relaxed --batch --json; git annex addurl --relaxed bogus; git ls-files`,
	`cd a && git annex addurl --relaxed --json --file f bogus; git ls-files`,
}

func TestBadURLs(t *testing.T) { likeGitAnnex(t, badURLSteps) }

// TestNothingIsPlacedInDotGit is ours: git-annex makes the links.
func TestNothingIsPlacedInDotGit(t *testing.T) {
	w := ourWorld(t)
	w.run(`git init -q a && cd a && git annex init A -q && mkdir s`)
	for _, place := range []string{".git/x", "s/.git/x", ".GIT/x", ".git", "s/.git/y/z"} {
		for _, command := range []string{"addurl --relaxed --file " + place + " http://127.0.0.1/x", "addurl --file " + place + " file:///etc/hostname", "fromkey --force SHA256E-s3--00.txt " + place} {
			got := w.run(`cd a && git annex ` + command + ` > /dev/null; echo $?; ls .git/x s/.git .GIT 2> /dev/null; git ls-files; ls .git/annex/journal 2> /dev/null`)
			if len(got) != 2 || got[1] != 1.0 {
				t.Errorf("%s: %v", command, got)
			}
		}
	}
	got := w.run(`cd a && git annex addurl --relaxed --prefix .git/ http://127.0.0.1/x > /dev/null; echo $?; ls .git/127* 2> /dev/null`)
	if len(got) != 2 || got[1] != 1.0 {
		t.Errorf("--prefix: %v", got)
	}
}
