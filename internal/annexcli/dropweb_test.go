package annexcli

import "testing"

// dropWebSteps drop from the web, which forgets URLs; only as far as enough
// copies are left.
var dropWebSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo one > one && echo two > two && echo three > three && git annex add -q . && git commit -qm 1 && for f in one two; do git annex registerurl $(git annex lookupkey $f) http://127.0.0.1:1/$f; git annex registerurl $(git annex lookupkey $f) http://127.0.0.1:1/more/$f; done >/dev/null`,
	`cd a && git annex drop --json --from web one; git annex whereis --json one; git annex find --in web`,
	`cd a && git annex drop --json --from web one three; git annex drop --from web three`,
	`cd a && git annex numcopies 2 >/dev/null; git annex drop --from web two >/dev/null; echo $?; git annex find --in web`,
	`cd a && git annex drop --json --force --from web two; git annex whereis --json two`,
}

func TestDropFromTheWeb(t *testing.T) { likeGitAnnex(t, dropWebSteps) }
