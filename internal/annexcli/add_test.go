package annexcli

import "testing"

var addSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo 1 > one && echo 2 > two && git annex add -q . && git commit -qm 1`,
	// What is no file any more, or none that can be kept, is passed over.
	`cd a && rm one && mkdir one && echo in > one/in && git annex add --json one/in one; git ls-files -s; mkfifo pipe && git annex add --json pipe`,
}

func TestAddPassesOverFolders(t *testing.T) { likeGitAnnex(t, addSteps) }
