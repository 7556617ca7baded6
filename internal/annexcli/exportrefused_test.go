package annexcli

import (
	"strings"
	"testing"
)

// newestExport is exported without lines of the log that newer ones replace.
var newestExport = strings.Replace(exported, "export.log |", "export.log | sort | tail -n 1 |", 1)

// What cannot be deleted on the remote, as somebody has changed it there, does
// not keep the rest from being exported; it is tried again each time.
var exportRefusedSteps = []string{
	`git init -q a && cd a && git annex init A -q && for f in a b c; do echo $f > $f; done && git annex add -q . && git commit -qm first && mkdir ../d`,
	`cd a && git annex initremote -q d uuid=00000000-2000-0000-0000-000000000000 type=directory directory=../d encryption=none exporttree=yes importtree=yes && git annex export -q main --to d`,
	showTree + newestExport + `echo HAND > d/b; cd a && git rm -q b && git mv a a3 && echo new > c2 && git annex add -q c2 && git commit -qm second && git annex export -q main --to d; show ../d; exported`,
	`cd a && git annex find --in d`,
	// What was stored stays there, though it is here no longer.
	showTree + newestExport + `cd a && git annex drop -q --force a3 c2 && git annex export -q main --to d; show ../d; exported`,
	`cd a && git annex find --in d; git annex get -q --from d a3 c2 && cat a3 c2`,
	showTree + `rm d/b; cd a && git annex export -q main --to d; show ../d`,
	newestExport + `cd a && exported; git annex find --in d; git fsck --strict 2>&1 | grep -v dangling`,
}

func TestExportAfterRefusal(t *testing.T) { likeGitAnnex(t, exportRefusedSteps) }
