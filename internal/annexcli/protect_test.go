package annexcli

import "testing"

// protectCommands protects content with commands that write down what they are told.
const protectCommands = `commands() { for c in freezecontent thawcontent; do git config annex.$c-command "echo $c %path >>../log"; done; git config annex.secure-erase-command "echo erase %file >>../log"; }; ` +
	`ran() { sed -e 's|/../../|/|' ../log 2>/dev/null | grep "^$1 .*/objects/" | sort -u; rm -f ../log; }; `

// TestProtectingCommandsAreGitAnnexs: what is stored is protected by the user's
// commands, and what goes is erased by them, as with git-annex.
func TestProtectingCommandsAreGitAnnexs(t *testing.T) {
	t.Parallel()
	w := both(t)
	w.prelude += protectCommands
	w.must(t, `for d in a b; do git init -q $d && (cd $d && mkdir "d d" && echo 1 > "d d/f'x" && echo 2 > g); done; cd a && real init -q && commands && cd ../b && git annex init -q && commands`)
	steps := []string{
		`add . && ran freezecontent`,
		`lock . && echo 3 > h && annex add h && git commit -qm 1 && ran freezecontent`,
		`fsck && ran freezecontent`,
		`drop --force h && ran erase`,
		`unlock g && echo 22 > g && annex add g && ran freezecontent`,
		`drop --force "d d" && test ! -e "d d/f'x" && ran erase`,
	}
	for _, s := range steps {
		w.wantSame(t, `cd a && annex() { real "$@" -q; } && annex `+s, `cd b && annex() { git annex "$@" -q; } && annex `+s)
	}
}

// TestImmutableContentIsThawed: commands that make objects immutable keep nothing
// from working, and leave what is stored immutable.
func TestImmutableContentIsThawed(t *testing.T) {
	w := both(t)
	w.prelude += `immutable() { git config annex.freezecontent-command 'chattr +i %path' && git config annex.thawcontent-command 'chattr -i %path'; }; ` +
		`count() { test $(lsattr -R .git/annex/objects 2>/dev/null | grep -c -- '^....i') = $1; }; `
	t.Cleanup(func() { w.run(`chattr -R -f -i a b c; true`) })
	w.must(t, `git init -q a && cd a && git annex init -q && immutable && mkdir d && echo 1 > d/one && echo 2 > two && git annex add -q . && git commit -qm 1 && count 4 && git annex fsck -q && count 4`)
	w.must(t, `cd a && git annex unlock -q d/one && echo 11 >> d/one && git annex add -q . && git commit -qm 2 && count 6 && git annex lock -q . && real fsck -q && git annex fsck -q`)
	w.must(t, `git clone -q a b && cd b && git annex init -q && immutable && git annex get -q . && count 4 && git annex drop -q two && count 2 && git annex get -q . && git annex fsck -q && count 4`)
	w.must(t, `cd b && chattr -i $(readlink two) && chmod 644 $(readlink two) && echo x > $(readlink two) && ! git annex fsck -q two && ls .git/annex/bad && git annex get -q two && count 4 && git annex drop -q . && count 0`)
	// Nobody runs what another repository is set up to run.
	w.must(t, `git clone -q b c && cd c && git annex init -q && git remote add a ../a && cd ../a && git config annex.freezecontent-command 'touch ../ran' && git config annex.thawcontent-command 'touch ../ran' && cd ../c && git annex get -q . && echo 4 > four && git annex add -q four && git annex copy -q --to a four && ! git annex drop --from a four 2>&1 && test ! -e ../ran`)
}
