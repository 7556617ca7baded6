package annexcli

import "testing"

var initSteps = []string{
	`for v in 3 4 7 8 9 10; do git init -q r$v && cd r$v && git annex init -q --version $v; git config annex.version; cd ..; done`,
	`git init -q bad && cd bad && git annex init --version 2; git config annex.uuid`,
	// An annex keeps its version.
	`cd r10 && git annex init --version=8; git annex init --version 8 new name; git annex init -q --version 10 other; git config annex.version; git show git-annex:uuid.log | wc -l`,
	`cd r8 && git annex init --version=5; git annex init -q --version=8; git config annex.version`,
	// Logs have the time that is asked for from the beginning.
	`git init -q a && cd a && GIT_ANNEX_VECTOR_CLOCK=1123 git annex init A -q; git show git-annex:uuid.log; GIT_ANNEX_VECTOR_CLOCK=1124.5 git annex describe -q here B; git show git-annex:uuid.log`,
	// No locked files where there are no symlinks.
	`git init -q o && cd o && git annex init -q o && echo x > f && git annex add -q f && git commit -qm f`,
	`git clone -q -c core.symlinks=false -c annex.crippledfilesystem=true o c && cd c && git annex init -q c >../init.log 2>&1; git branch --format='%(refname)'; git ls-files -s; cat f`,
	`cd c && git annex get -q f; cat f; echo n > n; git annex add -q n; git commit -qm n; git ls-files -s; git ls-tree master; cat f n; git status --porcelain`,
	`git clone -q -c core.symlinks=false o e && cd e && git annex init -q e; git branch --format='%(refname)'; echo n > n; git annex add -q n; git ls-files -s; cat n; git annex lock -q n; git ls-files -s n; cat n; git annex get -q; cat f`,
	// A clone that shares git's objects shares content, too.
	`git clone -q --shared o sh && cd sh && git annex init sh >../init.log 2>&1; git config annex.hardlink; git show git-annex:trust.log | cut -d' ' -f2; git annex get -q; stat -c %h "$(readlink -f f)"; git annex whereis f | grep copy`,
	`git clone -q --shared o auto && cd auto && git annex get -q f >../init.log 2>&1; git config annex.hardlink; git show git-annex:trust.log | cut -d' ' -f2; git annex get -q; stat -c %h "$(readlink -f f)"`,
	`git clone -q --reference o o ref && cd ref && git annex init -q ref; git config annex.hardlink; git cat-file -e git-annex:trust.log; git annex init -q again; git config annex.hardlink`,
}

func TestInit(t *testing.T) { likeGitAnnex(t, initSteps) }
