package annexcli

import "testing"

var reinjectSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo one > a.txt && cp a.txt b.txt && git annex add -q . && git commit -qm 1; git annex lookupkey a.txt > ../key`,
	// What a file holds has to be what the key stands for: also where its size is right,
	`cd a; echo two > x1; git annex setkey $(cat ../key) x1 | grep -v '^ *$'; git annex fsck a.txt`,
	`cd a; git annex drop -q --force a.txt; echo two > x2; git annex setkey $(cat ../key) x2 | grep -v '^ *$'; cat a.txt; git annex whereis a.txt | head -n 1`,
	`cd a; echo three > x3; git annex setkey $(cat ../key) x3 > /dev/null; echo $?; git annex setkey $(cat ../key) nosuch > /dev/null; echo $?`,
	`cd a; echo one > x4; git annex setkey $(cat ../key) x4; ls x4; cat a.txt`,
	`cd a; printf 1234 > x5; git annex setkey WORM-s4-m5--x x5; git annex contentlocation WORM-s4-m5--x`,
	// and where the content is here already.
	`cd a; echo two > y1; git annex reinject y1 a.txt; cat y1 a.txt`,
	`cd a; echo one > y2; git annex reinject y2 a.txt; ls y2`,
	`cd a; git annex reinject a.txt a.txt; cat a.txt; git annex reinject b.txt a.txt; cat b.txt`,
}

func TestOnlyRightContentIsTakenIn(t *testing.T) { likeGitAnnex(t, reinjectSteps) }
