package annexcli

import "testing"

// URLs are files here, so that no server is needed.
var webSteps = []string{
	`mkdir s && echo one > s/one && echo two > s/two && git init -q a && cd a && git annex init A -q && git config annex.security.allowed-url-schemes file && git annex addurl -q --file one file://$(cd ../s && pwd)/one && git annex addurl -q --file two file://$(cd ../s && pwd)/two && git commit -qm 1 && git annex sync -q >/dev/null`,
	`cd a && git annex initremote w type=web --sameas=web 'urlinclude=*/TWO' && git annex initremote -q own type=web uuid=00000000-1000-0000-0000-000000000000 autoenable=true && git annex initremote -q plain type=web --sameas=web && git config --get-regexp 'remote.*(web|uuid)'; git annex sync -q >/dev/null; git show git-annex:remote.log | sed 's/ timestamp.*//' | grep -o 'type=.*' | sort`,
	// The one that names an address serves it, and no other one does.
	`cd a && for r in w plain web own; do git annex drop -q --force one two; for f in one two; do git annex get -q --from $r $f 2>/dev/null >/dev/null; test -e $f && echo $f from $r; done; git annex get -q one two >/dev/null; done`,
	`cd a && for p in chunk=1mb encryption=none embedcreds=yes colour=red exporttree=yes; do git annex initremote x type=web $p >/dev/null 2>&1; echo $? $p; done; git annex info own | grep -v '^description\|remote annex'`,
	`git clone -q a b && cd b && git annex init B -q && git config --get-regexp 'remote.own.*annex-(web|uuid)' && git annex enableremote w && git annex enableremote -q w urlinclude= urlexclude='*' && git annex sync -q >/dev/null; git show git-annex:remote.log | grep -o 'type=.*' | sed 's/ timestamp.*//' | sort`,
}

func TestRemotesForSomeURLs(t *testing.T) { likeGitAnnex(t, webSteps) }
