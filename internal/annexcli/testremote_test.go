package annexcli

import "testing"

// trials shows what was tried by both programs, and how it went.
const trials = `trials() { git annex testremote "$@" > ../out; code=$?; sed -n 's/^    \([A-Za-z0-9% ]*\): *\(OK\|FAIL\).*/\1 \2/p' ../out | grep -v 'export\|Cheap\|checkPresent\|removeKey OK' | sort -u; return $code; }; `

var testRemoteSteps = []string{
	shelf + `shelf; top=$PWD; mkdir d store/1; git init -q a && cd a && git annex init A -q && echo 1 > one && git annex add -q . && git commit -qm 1 && git annex initremote -q d type=directory directory=../d encryption=none && git annex initremote -q s type=external externaltype=shelf encryption=none folder=$top/store/1`,
	shelf + trials + `cd a && trials --fast d; find ../d -type f; git status --short`,
	shelf + trials + `cd a && trials --fast --size 1000b s; ls ../store/1`,
	shelf + trials + `cd a && git annex copy -q --to d one && trials --test-readonly one d >/dev/null`,
	shelf + trials + `cd a && rm -rf ../d && trials --fast d | grep -c FAIL > /dev/null; trials --fast d >/dev/null || echo failed`,
	shelf + trials + `cd a && trials nosuch; trials`,
}

func TestTestRemoteIsGitAnnexs(t *testing.T) { likeGitAnnex(t, testRemoteSteps) }

// TestTrialsLeaveNothing: also content in chunks goes again, and no log of the
// git-annex branch knows of it.
func TestTrialsLeaveNothing(t *testing.T) {
	t.Parallel()
	w := both(t)
	w.must(t, `git init -q a && cd a && real init -q && mkdir ../d && real initremote -q d type=directory directory=../d encryption=none chunk=1kb`)
	w.must(t, `cd a && before=$(git rev-parse git-annex) && git annex testremote --size 2kb d > ../out && test $before = $(git rev-parse git-annex) && test -z "$(find ../d .git/annex/journal .git/annex/tmp -type f)"`)
	w.must(t, `grep -q 'key size 2000; remote chunksize=200 encryption=shared' out && grep -q '^All 384 tests passed' out`)
}

// TestTrialsRefuseTrees: contents by key have no place among the files of others.
func TestTrialsRefuseTrees(t *testing.T) {
	t.Parallel()
	w := both(t)
	w.must(t, `git init -q a && cd a && git annex init -q && mkdir ../d && git annex initremote -q d type=directory directory=../d encryption=none exporttree=yes && ! git annex testremote d > ../out 2>&1 && grep -q 'stored in by key' ../out && ! grep -q FAIL ../out && test -z "$(ls ../d)"`)
}
