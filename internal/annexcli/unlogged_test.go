package annexcli

import "testing"

// unloggedSteps are about copies that no log knows of, and about who is asked
// where there are too few.
var unloggedSteps = []string{
	relayWorld,
	`git -C a config annex.uuid; git -C b config annex.uuid`,
	`cd a && git annex drop --json --from e f5; git annex drop --json --from e f1; git annex drop --from e f1 f3 f5; echo f5 | git annex drop --batch --json --from e`,
	`cd a && git annex copy -q --to d f5 && k=$(git annex lookupkey f5) && git annex setpresentkey $k 00000000-1000-0000-0000-000000000000 0 && git annex merge -q; git annex find --in d f5; git annex drop --json --from d f5; find ../d -name $k -type f; git annex whereis --json f5`,
	`cd a && git annex copy -q --to d f5 && k=$(git annex lookupkey f5) && git annex setpresentkey $k 00000000-1000-0000-0000-000000000000 0 && git annex merge -q; git annex drop -q --force f5; git annex get --json f5; git annex get --json --from d f5; git annex whereis --json f5`,
	`cd a && k=$(git annex lookupkey f5) && git annex setpresentkey $k 00000000-1000-0000-0000-000000000000 0 && git annex merge -q; git annex move --json --from d f5; git annex whereis --json f5; find ../d -name $k -type f`,
	`cd a && git annex numcopies 2 >/dev/null; git annex drop f2; git annex drop f2 --json; git annex move --to d f2; git annex move --from d --json f2; git annex drop --json --from d f2`,
	`cd a && git annex untrust d; git annex drop f2; git annex drop --json f2; git annex semitrust d`,
	`cd a && mv ../d ../dd; git annex drop f2; git annex drop --json f2; git annex get f1; git annex get --json f1; mv ../dd ../d`,
	`cd a && git annex copy -q --from d --to b f1; git annex fsck -q --fast --from b f1; git remote rm d; git remote rm b; git annex drop f2; git annex drop --json f2; git annex get f1; git annex get --json f1`,
	`cd a && git remote add z ../z; git config remote.z.annex-ignore true; git annex get f1; git annex get --json f1; git annex drop --json f2`,
	`cd a && for r in 00000000-1000-0000-0000-000000000000 00000000-2000-0000-0000-000000000000 $(git -C ../b config annex.uuid); do git annex dead $r >/dev/null; done; git annex get f1; git annex get --json f1`,
}

func TestUnloggedCopiesAreGitAnnexs(t *testing.T) { likeGitAnnex(t, unloggedSteps) }
