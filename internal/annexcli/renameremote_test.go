package annexcli

import "testing"

var renameSteps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir ../d && git annex initremote -q x uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=none && git annex initremote -q y --sameas=x type=directory directory=../d`,
	`cd a && for n in "x z" "y yy" "nosuch q" "z yy" "z z" "z" "00000000-1000-0000-0000-000000000000 u" "z w" "x x"; do git annex renameremote $n 2>/dev/null; echo $? "$n"; done; git show git-annex:remote.log | sed 's/^[^ ]* //; s/timestamp.*//' | sort; git config --get-regexp '^remote.*annex-directory' | sed 's/ .*//'`,
	`git clone -q a b && cd b && git annex init B -q && git annex enableremote x directory=../d; cd ../b && git remote`,
}

func TestRemotesAreRenamed(t *testing.T) { likeGitAnnex(t, renameSteps) }
