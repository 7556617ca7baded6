package annexcli

import "testing"

// said is the exit code, how many times the disk was found too full, and what
// lies where nothing shall be left.
const said = `; c=$?; n=$(grep -c 'not enough free space, need' ../out); echo $c $n; find .git/annex/tmp ../d -type f 2>/dev/null; true`

var diskSteps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir ../d && for n in 1 2; do head -c 2000000 /dev/urandom > f$n; done; echo small > s; git annex add -q . && git commit -qm 1 && git annex initremote -q d type=directory directory=../d encryption=none; git clone -q . ../b && cd ../b && git annex init B -q`,
	`cd b && git config annex.diskreserve 9999tb; git annex get . >../out 2>&1` + said,
	`cd b && git annex get --force -q f1; git annex find; git config annex.diskreserve '1 KiloBytes'; git annex get -q s >/dev/null && git annex find`,
	`cd a && git config annex.diskreserve 9999tb; git annex copy --to d f1 s >../out 2>&1` + said,
	`cd a && git annex copy -q --force --to d s >/dev/null; git annex find --in d; git config --unset annex.diskreserve; git -C ../b config annex.diskreserve 9999tb; git remote add b ../b; git annex copy --to b f2 >../out 2>&1` + said,
	`cd a && git annex find --in b f2; git config annex.diskreserve 9999tb; git annex info | grep 'available local'`,
}

func TestDiskReserve(t *testing.T) { likeGitAnnex(t, diskSteps) }
