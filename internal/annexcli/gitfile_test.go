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

// warningSteps add what looks like pointers. The warnings are not repeated word
// for word.
var warningSteps = []string{
	`git init -q a && cd a && git annex init -q A && printf '/annex/objects/SHA256E-s3--x\n' > fake && git add fake 2>err; grep -c 'fake is a git-annex pointer file. Its content is not available in this repository.' err; git commit -qm 1 2>err; git show HEAD:fake`,
	`cd a && echo more >> fake && git add fake 2>err; grep -o 'fake.* looks like git-annex pointer file that has had other content appended to it' err | grep -c .; git show :fake`,
	// Those of content that is known are as they should be. (While the other file is
	// there, git may look at it once more, as it is so new.)
	`cd a && git rm -qf fake 2>err; echo one > one && git annex add -q one && git annex unlock -q one && git commit -qm 2 && git annex drop -q --force one && cp one two && git add two 2>err; cat err; printf '/annex/objects/SHA256E-s3--x\n/annex/later\n' > ext; git add ext 2>err; grep -c appended err`,
}

func TestWarningsOfPointers(t *testing.T) { likeGitAnnex(t, warningSteps) }
