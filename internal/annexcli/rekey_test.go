package annexcli

import (
	"os"
	"os/exec"
	"testing"
)

// TestKeysOfRemotes: what one of us has changed, the other can read, and only
// with the keys that are left.
func TestKeysOfRemotes(t *testing.T) {
	for _, program := range []string{"gpg", "git-annex"} {
		if _, err := exec.LookPath(program); err != nil || os.Getenv("STEMMA_ORACLES") == "none" {
			if os.Getenv("CI") != "" {
				t.Fatalf("there is no %s; run scripts/oracles", program)
			}
			t.Skipf("%s is not asked", program)
		}
	}
	home, err := os.MkdirTemp("", "gpg") // a short name, because of gpg's socket
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GNUPGHOME", home)
	t.Cleanup(func() {
		exec.Command("gpgconf", "--kill", "all").Run()
		os.RemoveAll(home)
	})
	w := ourWorld(t)
	w.prelude = `real() { PATH=${PATH#*:} git annex "$@"; }; keys() { git annex merge -q >/dev/null; git show git-annex:remote.log | grep "name=$1 " | grep -o "$2=[^ ]*" | cut -d= -f2 | tr , '\n' | sort; }; id() { gpg --with-colons --list-public-keys $1@e.x | grep ^pub | cut -d: -f5; }
`
	w.must(t, `for n in a b; do gpg --batch --quiet --passphrase '' --quick-gen-key $n@e.x future-default default never 2>/dev/null; done; mkdir h p s; git init -q r && cd r && git annex init -q; echo content > f; git annex add -q f; git commit -qm f
for r in h:hybrid p:pubkey s:sharedpubkey; do n=${r%:*}; git annex initremote -q $n type=directory directory=../$n encryption=${r#*:} keyid=a@e.x && git annex copy -q --to $n f; done`)
	w.must(t, `cd r; for r in h:cipherkeys p:cipherkeys s:pubkeys; do n=${r%:*} field=${r#*:}; git annex enableremote $n directory=../$n keyid+=b@e.x | grep -q 'encryption update' && (id a; id b) | sort > ../want && keys $n $field > ../got && cmp ../want ../got && real fsck -q --from $n f && real enableremote -q $n directory=../$n keyid-=a@e.x && test "$(keys $n $field)" = "$(id b)" && git annex fsck -q --from $n f || exit 1; done`)
	// The last key stays, and one that is not there cannot go.
	w.must(t, `cd r; for p in keyid-=b@e.x keyid-=a@e.x keyid+=nobody@e.x keyid=a@e.x mac=HMACSHA512 onlyencryptcreds=yes; do ! git annex enableremote h directory=../h $p || exit 1; done; test "$(keys h cipherkeys)" = "$(id b)" && git annex fsck -q --from h f`)
	// A key that gpg does not know any more is named by its id.
	w.must(t, `cd r; k=$(id b); git annex enableremote -q h directory=../h keyid+=a@e.x && gpg --batch --yes --delete-secret-and-public-key $(gpg --with-colons --fingerprint b@e.x | grep ^fpr | head -n 1 | cut -d: -f10) 2>/dev/null && git annex enableremote -q h directory=../h keyid-=$k && test "$(keys h cipherkeys)" = "$(id a)" && real fsck -q --from h f`)
}
