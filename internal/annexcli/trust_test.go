package annexcli

import "testing"

var trustSteps = []string{
	`git init -q a && cd a && git annex init A -q && git config annex.uuid && echo one > one && echo two > two && git annex add -q . && git commit -qm 1`,
	`git clone -q a b && cd b && git annex init B -q && git annex get -q . && cd ../a && git remote add b ../b && git fetch -q b && mkdir ../d && git annex initremote -q d type=directory directory=../d encryption=none && git annex copy -q --to d one && git annex merge -q`,
	// Who is not trusted for the moment proves nothing,
	`cd a && git annex drop --untrust d --untrust b one | head -n 2; git annex drop --untrust b two | head -n 2; git annex find`,
	`cd a && git annex drop --untrust=d --json one; git annex get -q one`,
	`cd a && git annex fsck --untrust b --numcopies 3 one; git annex fsck --untrust b --numcopies 2 one`,
	// and is told of as such.
	`cd a && git annex whereis --untrust b --json one; git annex whereis --untrust here --json one; git annex list --untrust d; git annex find --untrust b --copies untrusted:1`,
	`cd a && git annex untrust -q b; git annex whereis --semitrust b --json one; git annex whereis --json one; git annex drop --semitrust b --json two; git annex get -q two`,
	`cd a && git annex whereis --untrust b --semitrust b --json one; git annex whereis --semitrust b --untrust b --json one`,
	`cd a && git config remote.b.annex-trustlevel trusted; git annex whereis --json --untrust b two`,
	// Nobody is trusted more than that.
	`cd a && git annex whereis --trust d --json one 2>&1; git annex drop --numcopies 2 --force --trust b --json --untrust b two; git annex whereis --untrust b --trust b --json one`,
	`cd a && for o in trust semitrust untrust; do git annex whereis --$o nobody one 2>&1; done`,
}

func TestTrustForOneCommand(t *testing.T) { likeGitAnnex(t, trustSteps) }
