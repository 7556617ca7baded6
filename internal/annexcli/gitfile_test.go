package annexcli

import "testing"

// gitFileSteps look again at files that are in git and would go to the annex
// by now.
var gitFileSteps = []string{
	`git init -q a && cd a && git annex init -q A && echo small > s && echo other > o && git add s o && git commit -qm 1 && git config annex.largefiles anything && touch -d 2001-01-01 s o; git status --porcelain`,
	`cd a && git commit -qam 2; touch -d 2002-01-01 s && git -c filter.annex.process= status --porcelain; git annex add --json s; git add s; git ls-files -s`,
	`cd a && touch -d 2003-01-01 s o && git annex add --json .; git annex find; git ls-files -s`,
	// One that has changed does go there, also where the size is the same.
	`cd a && echo SMALL > s && git add s && git annex find && git ls-files -s`,
	// What was put into git on purpose stays there.
	`cd a && echo mine > t && git -c annex.largefiles=nothing add t && git status --porcelain; git commit -qm 3; touch -d 2001-01-01 t; git status --porcelain; git update-index --cacheinfo 100644,$(git rev-parse :t),t && git status --porcelain`,
}

func TestUnchangedFilesStayInGit(t *testing.T) { likeGitAnnex(t, gitFileSteps) }
