package annexcli

import "testing"

var addSteps = []string{
	`git init -q a && cd a && git annex init A -q && echo 1 > one && echo 2 > two && git annex add -q . && git commit -qm 1`,
	// What is no file any more, or none that can be kept, is passed over.
	`cd a && rm one && mkdir one && echo in > one/in && git annex add --json one/in one; git ls-files -s; mkfifo pipe && git annex add --json pipe`,
}

var addSomeSteps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir s && echo 1 > a.txt && echo 2 > s/b.txt && head -c 2000 /dev/zero > big.dat && echo 3 > s/small.dat && echo dot > .dot`,
	// Nothing is added only to see what would be,
	`cd a && git annex add --dry-run . ; git annex add --dry-run --json a.txt s nosuch; echo a.txt | git annex add --dry-run --batch; git ls-files; find .git/annex/objects -type f`,
	// and nothing that is not meant.
	`cd a && git annex add --json --include '*.txt' --largerthan 1kb . && git annex add --json --largerthan 500b . && cd s && git annex add --include 's/*' . && git annex add --json --include 'b*' . && git ls-files -s :/`,
	`cd a && printf 'a.txt\ns/small.dat\n' | git annex add --json --exclude '*.dat' --batch; git annex add --not --smallerthan 1b --json '-(' --exclude 'a*' --and --exclude '.*' '-)' .; git ls-files`,
	`cd a && for o in --in=here --copies=1 --metadata=a=b --unlocked --include-dotfiles --want-get; do git annex add $o . > /dev/null; echo $?; done; git ls-files`,
	// A batch goes on after what cannot be added.
	`cd a && echo n > n && echo m > m && mkdir d && echo x > d/x && printf 'n\nnosuch\nd\nd/nosuch\nm\n' | git annex add --json --batch; git ls-files`,
}

func TestAddSome(t *testing.T) { likeGitAnnex(t, addSomeSteps) }

func TestAddPassesOverFolders(t *testing.T) { likeGitAnnex(t, addSteps) }

// inheritSteps replace files that have metadata.
var inheritSteps = []string{
	`git init -q a && cd a && git annex init A -q && for i in 1 2 3; do echo $i > f$i; done && git annex add -q . && git commit -qm 1 && git annex metadata -q -s foo=bar -s 'x=a b' f1 && git annex tag f2 2>/dev/null; git annex metadata -q -t t f2; git annex unlock -q f2`,
	`cd a && rm f1 f3 && echo new > f1 && echo new > f3 && git annex add --json --json-error-messages f1 f3 && git annex metadata --json f1 f3`,
	`cd a && echo more >> f2 && git annex add -q f2 2>f; grep -q Copied f && echo copied; rm f; git annex metadata f2`,
	`cd a && git commit -qm 2 && rm f1 && echo again > f1 && echo f1 | git annex add --batch --json && git annex metadata --json f1; git annex add f1; git cat-file -e git-annex:nope || git ls-tree -r --name-only git-annex | grep -c met`,
	`cd a && git commit -qm 3 && git annex metadata -q -r foo -r x f1 && rm f1 && echo last > f1 && git annex add -q f1 2>f; grep -q Copied f || echo none; rm f; git annex metadata -g foo f1`,
}

func TestMetadataOfReplacedFiles(t *testing.T) { likeGitAnnex(t, inheritSteps) }

// forceSteps add what is ignored, or small, with --force.
var forceSteps = []string{
	`git init -q a && cd a && git annex init -q A && git config annex.largefiles 'largerthan=100b' && printf '.ig\nig*\n' > .git/info/exclude && for i in .ig ig1 ig2 s1 s2; do echo $i > $i; done; git annex add --json .ig ig1; git annex add --json --force .ig ig1 s1; git ls-files -s`,
	`cd a && git annex add --json .; git annex add --json --force .; git ls-files -s`,
	`cd a && git commit -qm 1 && echo more >> ig2 && git rm -q --cached ig2 && echo ig2 | git annex add --batch --json; echo ig2 | git annex add --force --batch --json; git ls-files -s`,
}

func TestAddForce(t *testing.T) { likeGitAnnex(t, forceSteps) }
