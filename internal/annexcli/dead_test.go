package annexcli

import "testing"

// logOf shows what the location log of a key says, of whomever.
const logOf = `; git annex merge -q > /dev/null; git show git-annex:$(git ls-tree -r --name-only git-annex | grep "$(cat ../key).log$") | cut -d' ' -f2 | sort`

var deadSteps = []string{
	`git init -q a && cd a && git annex init A -q && git config annex.uuid && echo one > one && git annex add -q . && git commit -qm 1 && mkdir ../d && git annex initremote -q d type=directory directory=../d encryption=none && git annex info d | sed -n 's/^uuid: //p'; git annex lookupkey one > ../key`,
	// A dead key is missed by nobody.
	`cd a && git annex drop -q --force one && git annex fsck --json one; git annex whereis --all`,
	`cd a && git annex dead --key $(cat ../key)` + logOf,
	`cd a && git annex fsck one; git annex fsck --json one; git annex fsck --key $(cat ../key); git annex fsck --from d --fast one`,
	`cd a && git annex whereis --json one; git annex whereis --all; git annex fsck --all; git annex whereis --key $(cat ../key)`,
	`cd a && echo one > x && git annex setkey $(cat ../key) x` + logOf + `; git annex fsck one`,
	// What is not used dies where it is dropped,
	`cd a && git annex copy -q --to d one && git rm -q one && git commit -qm 2 && git annex unused | tail -n 1 && git annex dropunused 1` + logOf,
	`cd a && git annex fsck --all --fast; git annex dropunused --force --from d 1` + logOf + `; git annex fsck --all; git annex dropunused 1`,
	`cd a && echo two > two && git annex add -q two && git annex lookupkey two > ../key && git rm -q --cached two; rm two; git annex unused -q > /dev/null; git annex dropunused 1 | head -n 2; git annex drop --force --unused --json` + logOf,
	// and no other content. What was never anywhere is missed.
	`cd a && git annex fromkey --force SHA256E-s3--00.txt from.txt && git annex fsck from.txt`,
	`cd a && echo three > three && git annex add -q three && git annex lookupkey three > ../key && git rm -q --cached three; rm three; git annex drop --force --json --key $(cat ../key)` + logOf,
}

func TestDeadKeys(t *testing.T) { likeGitAnnex(t, deadSteps) }
