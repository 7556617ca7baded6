package annexcli

import "testing"

// TestNoOptionIsIgnored is ours: git-annex has more of them.
func TestNoOptionIsIgnored(t *testing.T) {
	w := ourWorld(t)
	w.run(`git init -q a && cd a && git annex init A -q && echo 1 > f && git annex add -q f && git commit -qm 1`)
	for _, command := range []string{
		"addurl --relaxed --no-raw http://127.0.0.1/x", "addurl --relaxed --preserve-filename http://127.0.0.1/x",
		"addurl --relaxed --user-agent x http://127.0.0.1/x", "whereis --auto f", "move --auto --to here",
		"get --failed", "whereis --failed", "unlock --size-limit 1b f", "sync --time-limit 1h",
	} {
		got := w.run(`cd a && git annex ` + command + ` > /dev/null; echo $?; git ls-files -s | cut -c1-6`)
		if len(got) != 3 || got[1] != 1.0 || got[2] != 120000.0 {
			t.Errorf("%s: %v", command, got)
		}
	}
}
