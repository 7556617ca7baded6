package annexcli

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// relayWorld has d with f1 to f4, e with f3, and b; here are f2, f4 and f5.
const relayWorld = `git init -q a && cd a && git annex init A -q && for i in 1 2 3 4 5; do echo content $i > f$i; done && git annex add -q . && git commit -qm 1 && mkdir ../d ../e && ` +
	`git annex initremote d uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=none -q && ` +
	`git annex initremote e uuid=00000000-2000-0000-0000-000000000000 type=directory directory=../e encryption=none -q && ` +
	`git annex copy -q --to d f1 f2 f3 f4 && git annex copy -q --to e f3 && git annex drop -q --force f1 f3 && git clone -q . ../b && cd ../b && git annex init B -q && cd ../a && git remote add b ../b && git fetch -q b && git annex merge -q`

var relaySteps = []string{
	relayWorld,
	`git -C a config annex.uuid; git -C b config annex.uuid`,
	`cd a && git annex copy --json --from d --to e f1; git annex whereis --json f1; git annex find; ls .git/annex/tmp; cat .git/annex/move.log`,
	`cd a && git annex copy --json --from d --to e f1 f3 f5`,
	`cd a && git annex move --json --from d --to e f1; git annex whereis --json f1`,
	`cd a && git annex move --json --from d --to b f4; git annex whereis --json f4; git annex find`,
	`cd a && git annex move --json --from d --to b f3; git annex whereis --json f3; git annex find; cat .git/annex/move.log`,
	`cd a && git annex move --json --from d --to d f1`,
	`cd a && git annex move --from e --to here f1; git annex copy --from here --to d f5; git annex copy --from d --to nosuch f1`,
	`cd a && git annex numcopies 3 >/dev/null; git annex move --json --from d --to b f2; git annex whereis --json f2; git annex numcopies 1 >/dev/null`,
	`cd a && git annex required d include=f1 >/dev/null; git annex move --json --from d --to b f1; git annex required d ''; git annex whereis --json f1`,
	`cd a && git annex copy --json --auto --from d --to e f2`,
	`cd a && printf 'f1\nnosuch\n' | git annex copy --json --batch --from e --to b; git annex whereis --json f1`,
	// A relay was killed when the content was here.
	`cd a && git annex get -q f3 && k=$(git annex lookupkey f3) && git annex copy -q --to d f3 && git annex drop -q --force --from b f3 && ` +
		`git annex setpresentkey $k $(git config annex.uuid) 0 && git annex merge -q; echo 00000000-1000-0000-0000-000000000000 $(git config annex.uuid) $k > .git/annex/move.log; ` +
		`git annex move --json --from d --to b f3; git annex find; git annex whereis --json f3`,
}

func TestRelayIsGitAnnexs(t *testing.T) { likeGitAnnex(t, relaySteps) }

// TestRelays has steps where git-annex of this version does less than it says:
// copies of files that are here, and moves to remotes without locks.
func TestRelays(t *testing.T) {
	w := relayStart(t)
	for _, step := range []struct{ run, want string }{
		{`cd a && git annex copy --from d --to e f2; git annex find --in e f2`, "copy f2 (from d...) (to e...) ok|f2"},
		{`cd a && git annex move --from d --to e f1; git annex find --in d f1; git annex find --in e f1; git annex find f1; find ../d -name '*-s10--59e7*' -type f; cat .git/annex/move.log`, "move f1 (from d...) (to e...) ok|f1"},
		// A move to e was killed when e had the content: it is taken up again.
		{`cd a && k=$(git annex lookupkey f4) && git annex copy -q --to e f4 && (git annex setpresentkey $k 00000000-2000-0000-0000-000000000000 0 && git annex setpresentkey $k $(git config annex.uuid) 0 && git annex merge) >/dev/null; ` +
			`for to in $(git config annex.uuid) 00000000-2000-0000-0000-000000000000; do echo 00000000-1000-0000-0000-000000000000 $to $k; done > .git/annex/move.log; ` +
			`git annex move --from d --to e f4; git annex find f4; git annex find --in d f4; git annex find --in e f4; cat .git/annex/move.log`, "move f4 (from d...) (to e...) ok|f4"},
		// One was killed when all was done, but for the note of it.
		{`cd a && k=$(git annex lookupkey f4) && for to in $(git config annex.uuid) 00000000-2000-0000-0000-000000000000; do echo 00000000-1000-0000-0000-000000000000 $to $k; done > .git/annex/move.log; git annex move --from d --to e f4; cat .git/annex/move.log`, ""},
		// Nothing says that a relay has left what is here: it stays.
		{`cd a && git annex get -q f3 && git annex setpresentkey $(git annex lookupkey f3) $(git config annex.uuid) 0 >/dev/null; git annex copy --from d --to b f3; git annex find f3`, "copy f3 (to b...) ok|f3"},
		{`cd a && git annex untrust e -q; git annex move --from d --to e f2; git annex find --in d f2`, "move f2 (from d...) ok"},
	} {
		got := strings.Join(strings.Fields(strings.ReplaceAll(lines(w.run(step.run)), "\n", " | ")), " ")
		if want := strings.ReplaceAll(step.want, "|", " | "); got != want {
			t.Errorf("%s\n got %q\nwant %q\n%s", step.run, got, want, w.complaint)
		}
	}
}

func relayStart(t *testing.T) *world {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	w := ourWorld(t)
	if out := w.run(relayWorld); len(out) != 1 || out[0] != "<nil>" {
		t.Fatal(out, w.complaint)
	}
	return w
}

// lines are what was printed, without the exit code.
func lines(out []any) string {
	var texts []string
	for _, v := range out[1:] {
		if s, ok := v.(string); ok {
			texts = append(texts, s)
		}
	}
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n")
}
