package annexcli

import "testing"

var mirrorSteps = []string{
	`git init -q a && cd a && git annex init A -q && for i in 1 2 3 4; do echo $i > f$i; done && git annex add -q . && git commit -qm 1 && mkdir ../d && git annex initremote d uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=none -q && git clone -q . ../b && cd ../b && git annex init B -q && git annex get -q f1 f2`,
	`cd a && git annex mirror --json --to d f1 f2`,
	`cd a && git annex mirror --json --to d f1`,
	`cd b && git annex enableremote d directory=../d -q; git annex drop -q f1; git annex mirror --json --to d f1 f2; git annex whereis --json f1`,
	`cd b && git annex mirror --json --from d; git annex find`,
	`cd b && rm -rf ../d/*; git annex mirror --json --from d f2 --force; git annex find; git annex mirror --json --fast --from d f2; git annex find`,
	`cd b && git annex mirror --json --from origin --include 'f[34]'; git annex find`,
	`cd b && git annex drop -q f3; git annex mirror --json --to origin f3; cd ../a && git annex find f3`,
	`cd a && git annex mirror f1; git annex mirror --from d --to d f1; git annex mirror --to nosuch f1; git annex mirror --to d nosuch`,
}

func TestMirrorIsGitAnnexs(t *testing.T) { likeGitAnnex(t, mirrorSteps) }
