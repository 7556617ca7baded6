package annexcli

import "testing"

// imported shows what a tracking branch holds: names, modes and contents' keys,
// and how its commits hang together.
const imported = `imported() { git ls-tree -r refs/remotes/$1; git log --graph --format='%s' refs/remotes/$1; git show git-annex:export.log | sed 's/^[^ ]* [^:]*://' | sort; }; `

var importSteps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir ../d && git annex initremote d uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=none exporttree=yes importtree=yes -q && git annex initremote e uuid=00000000-2000-0000-0000-000000000000 type=directory directory=../d encryption=none exporttree=yes -q`,
	imported + `mkdir -p d/s/t d/empty && echo 1 > d/one && echo 22 > d/s/t/two.txt && ln -s one d/link && cd a && git annex import --json main --from d; imported d/main`,
	imported + `cd a && git annex import main --from d --json; imported d/main`,
	imported + `echo three > d/three && rm d/one && mv d/s/t/two.txt d/moved.txt && cd a && git annex import main --from d --json; imported d/main; git annex whereis --json --key $(git show d/main~1:one | sed 's|.*/||')`,
	`cd a && git merge -q d/main && ls && git annex whereis --json moved.txt && cat moved.txt`,
	// What we change goes there, what they change comes here.
	imported + showTree + `cd a && echo ours > ours && git annex add -q ours && echo plain > plain && git add plain && ln -s plain link && git add link && git mv moved.txt back.txt && git commit -qm ours && git annex export -q main --to d; show ../d; imported d/main`,
	imported + `cd a && echo changed > ../d/plain && rm ../d/three && git annex import --json main --from d; imported d/main`,
	`cd a && git merge -q d/main && git ls-files -s && git annex get -q . && cat plain`,
	// They edit what we replace: nothing of theirs is lost.
	showTree + `cd a && chmod u+w ../d/ours && echo theirs > ../d/ours && git annex unlock -q ours && echo more >> ours && git annex add -q ours && git commit -qm more && git annex export -q main --to d; show ../d`,
	showTree + imported + `cd a && git annex import --json main --from d; imported d/main; git merge d/main >/dev/null; git status --short | cut -c1-3`,
	`cd a && git merge --abort; git annex import main --from e; git annex import main --from nosuch; git annex import --from d`,
	// Largefiles, ignored files, a folder of the branch, without content.
	imported + `cd a && git config annex.largefiles 'largerthan=4b' && echo '*.log' > .gitignore && git add .gitignore && git commit -qm i && mkdir ../f && git annex initremote f uuid=00000000-3000-0000-0000-000000000000 type=directory directory=../f encryption=none importtree=yes -q && echo 1 > ../f/small && echo 12345 > ../f/large && echo x > ../f/x.log && git annex import --json main:in/it --from f | sort; imported f/main`,
	imported + `cd a && echo 1234567 > ../f/no && git annex import --json main:in/it --from f --no-content; ls .git/annex/objects/*/*/$(basename $(git show f/main:in/it/no)) 2>/dev/null; git annex export main --to f; git merge -q --allow-unrelated-histories f/main; git annex get --json in/it/no && cat in/it/no`,
	`cd a && git annex fsck -q --fast && git annex merge -q && git fsck --strict 2>&1 | grep -v dangling`,
}

// folderSteps import to folders of a branch, next to what came before.
var folderSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo 1 > one && git annex add -q one && git commit -qm 1 && mkdir ../d && git annex initremote d uuid=00000000-1000-0000-0000-000000000000 type=directory directory=../d encryption=none importtree=yes -q`,
	`echo f > d/f && cd a && git annex import -q main --from d && git annex import -q main:sub --from d && git ls-tree -r d/main && git log --format=%s d/main`,
	`echo g > d/g && rm d/f && cd a && git annex import -q main:other --from d && git ls-tree -r d/main; git annex import -q main --from d; git ls-tree -r d/main`,
	`cd a && git update-ref -d refs/remotes/d/main && git annex import -q main:sub --from d && git ls-tree -r d/main; git annex import -q none:sub --from d`,
}

func TestImportsToFoldersLieSideBySide(t *testing.T) { likeGitAnnex(t, folderSteps) }

func TestImportIsGitAnnexs(t *testing.T) { likeGitAnnex(t, importSteps) }

// TestSyncFollowsTrees: what is changed on either side of a remote with a tree
// comes to the other one.
func TestSyncFollowsTrees(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"git annex", "real"} {
		w := both(t)
		w.prelude += `sync() { ` + program + ` sync --content "$@" >/dev/null; }; `
		w.must(t, `git init -q a && cd a && git annex init -q && echo 1 > one && git annex add -q one && git commit -qm 1 && mkdir ../d ../x && git annex initremote d type=directory directory=../d encryption=none exporttree=yes importtree=yes -q && git annex initremote x type=directory directory=../x encryption=none exporttree=yes -q && git config remote.d.annex-tracking-branch main && git annex export -q --tracking main --to x`)
		w.must(t, `cd a && echo 2 > two && git annex add -q two && sync && cat ../d/one ../d/two ../x/two`)
		w.must(t, `cd a && echo theirs > ../d/theirs && rm ../d/one && sync && cat theirs ../x/theirs && test ! -e one && test ! -e ../x/one`)
		w.must(t, `cd a && echo 3 > three && git annex add -q three && git commit -qm 3 && sync d && cat ../d/three && test ! -e ../x/three && sync x && cat ../x/three && git status --porcelain`)
	}
}

// remake makes a folder outside of the repository, with the same content twice
// and one that changes.
const remake = `remake() { rm -rf ../imp; mkdir -p ../imp/s; echo i1 > ../imp/i1.txt; echo i2 > ../imp/s/i2.txt; echo $1 > ../imp/dup.txt; ln -s i1.txt ../imp/lnk; }; left() { (cd ../imp && find . -type f | sort); git status --short; git ls-files -s; }; `

var importFileSteps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir sub && echo '*.log' > .gitignore && git add .gitignore && git commit -qm 0`,
	remake + `cd a && remake a && git annex import --json ../imp | sort; left`,
	remake + `cd a && remake a && git annex import ../imp | sort; left`,
	remake + `cd a && remake b && git annex import --json --duplicate ../imp/dup.txt ../imp/s | sort; left`,
	remake + `cd a && remake d && git annex import --json --deduplicate ../imp | sort; left`,
	remake + `cd a && remake e && git annex import --json --skip-duplicates ../imp | sort; left`,
	remake + `cd a && remake f && git annex import --json --clean-duplicates ../imp | sort; left`,
	remake + `cd a && remake g && git commit -qm x; git annex drop -q --force imp/i1.txt; git annex import --json --reinject-duplicates ../imp | sort; left; cat imp/i1.txt`,
	remake + `cd a && remake h && cd sub && git annex import --json ../../imp/i1.txt; cd ..; left; git annex import --json --force ../imp/dup.txt`,
	remake + `cd a && remake i; git annex import --json --include '*/dup*' --force ../imp; git annex import --json nosuch; mkdir in; echo q > in/q; git annex import in; git annex import ../nosuch; echo x > ../imp/x.log; git annex import -q ../imp/x.log; git annex import -q --no-check-gitignore ../imp/x.log; left`,
	// Duplicates whose content is nowhere stay.
	remake + `cd a && remake i && git commit -qm y; git annex drop -q --force imp/s/i2.txt; git annex import -q --clean-duplicates ../imp/s; left`,
	`cd a && git annex fsck -q; git annex merge -q; git fsck --strict 2>&1 | grep -v dangling`,
}

func TestImportOfFilesIsGitAnnexs(t *testing.T) { likeGitAnnex(t, importFileSteps) }

// TestImportOfNamesThatMeanSomething: neither what git reads as a pattern nor what
// is a link in the work tree keeps a tree, or other files, from being imported.
func TestImportOfNamesThatMeanSomething(t *testing.T) {
	t.Parallel()
	w := both(t)
	w.must(t, `git init -q a && cd a && git annex init -q && ln -s .. l && echo '*.i' > .gitignore && git add . && git commit -qm 1 && mkdir -p ../d/l && git annex initremote -q d type=directory directory=../d encryption=none importtree=yes`)
	w.must(t, `echo 1 > 'd/:!one' && echo 2 > d/l/two && echo 3 > d/three && echo 4 > d/four.i && echo 5 > 'd/:(top)five.i' && cd a && git annex import -q main --from d && test "$(git ls-tree -r --name-only d/main | tr '\n' ' ')" = ':!one l/two three '`)
	w.must(t, `mkdir -p in/l && echo 6 > 'in/:!six' && echo 7 > in/l/seven && echo 8 > in/eight && cd a && ! git annex import -q ../in/* && test -e eight && test -e ':!six' && test -e ../in/l/seven && test ! -e ../seven`)
}
