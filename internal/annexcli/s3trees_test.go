package annexcli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/s3server"
)

// bothOnS3 is a world with a server: `remote NAME …` are the parameters of a
// remote there, `put BUCKET/OBJECT CONTENT` and `del` are what somebody else does.
func bothOnS3(t *testing.T) *world {
	t.Helper()
	w := both(t)
	srv := s3server.Proxy(t, s3server.Start(t))
	w.prelude += fmt.Sprintf(`export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s; url=http://%s:%s; ours() { git annex "$@"; }; `, s3server.Access, s3server.Secret, srv.Host, srv.Port) +
		fmt.Sprintf(`params() { echo type=S3 host=%s port=%s requeststyle=path signature=v4 encryption=none bucket=$1; }; `, srv.Host, srv.Port) +
		`put() { printf %s "$2" | curl -sf -o /dev/null -X PUT --data-binary @- $url/$1; }; del() { curl -sf -X DELETE $url/$1; }; ` +
		`logs() { real merge -q; git ls-tree -r --name-only git-annex | grep -E 'cid$|rmet$' | while read f; do git show git-annex:$f | sed "s|^[^ ]* |$(basename $f) |"; done | sort; }; ` +
		`trees() { for side in $1 $1^2; do git log --first-parent --format='%T %s' $side 2>/dev/null; echo; done; }; keyof() { git show $1 | sed 's|.*/||'; }; `
	w.must(t, `git config --global annex.security.allowed-ip-addresses all; git config --global user.name Ada`)
	return w
}

// same fails unless the steps print the same.
func (w *world) wantSame(t *testing.T, a, b string) {
	t.Helper()
	if x, y := w.must(t, a), w.must(t, b); x != y {
		t.Errorf("%s\n%s\n%s\n%s", a, x, b, y)
	}
}

// TestVersionedExportsGoOnWithTheOther: what one program has exported, and what is
// no longer in the tree, the other one finds by its versions.
func TestVersionedExportsGoOnWithTheOther(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{{"ours", "real"}, {"real", "ours", "importtree=yes"}} {
		w := bothOnS3(t)
		w.prelude += `first() { ` + c[0] + ` "$@"; }; second() { ` + c[1] + ` "$@"; }; `
		w.must(t, `git init -q a && cd a && first init -q && for i in 1 2 3; do echo $i > f$i; done && mkdir s && echo s > s/f && echo plain > plain && first add -q f* s && git add plain && git commit -qm 1 && first initremote -q v $(params vers) fileprefix=a/b/ exporttree=yes versioning=yes `+c[2])
		w.must(t, `cd a && first export -q main --to v && second export -q main --to v && ! second export --json main --to v | grep -q false`)
		w.must(t, `cd a && git mv f1 g1 && rm f2 && echo 22 > f2 && second add -q f2 && git rm -q s/f && echo plain2 > plain && git add plain && git commit -qm 2 && second export -q main --to v`)
		w.must(t, `cd a && echo 222 > n && first add -q n && git rm -q f3 && git commit -qm 3 && first export -q main --to v`)
		for _, who := range []string{"first", "second"} {
			w.must(t, `cd a && k=$(keyof main~2:f2) && `+who+` drop -q --key $k && `+who+` get -q --key $k && k=$(keyof main~2:f3) && `+who+` drop -q --key $k && `+who+` get -q --key $k`)
			w.must(t, `cd a && `+who+` drop -q . && `+who+` get -q --from v . && `+who+` fsck -q --from v`)
			w.must(t, `cd a && ! `+who+` drop --from v g1 && `+who+` whereis g1 | grep -q '(2 copies)' && `+who+` whereis --key $(keyof main~2:f2) | grep -q '(2 copies)'`)
		}
		w.must(t, `git clone -q a b && cd b && second init -q && second enableremote -q v && git remote set-url origin /nowhere && second get -q --from v . && cat f2 g1 n && second get -q --key $(keyof main~2:s/f)`)
	}
}

// TestS3ImportsAreGitAnnexs: both programs make the same of what others put into a
// bucket, and find nothing new in what the other one has imported.
func TestS3ImportsAreGitAnnexs(t *testing.T) {
	t.Parallel()
	for _, versioning := range []string{"no", "yes"} {
		w := bothOnS3(t)
		w.must(t, `git init -q a && cd a && real init -q && real initremote -q s uuid=00000000-1000-0000-0000-000000000000 $(params bkt) fileprefix=pre/ importtree=yes versioning=`+versioning)
		w.must(t, `git init -q b && cd b && ours init -q && ours initremote -q s uuid=00000000-1000-0000-0000-000000000000 $(params bkt) fileprefix=pre/ importtree=yes versioning=`+versioning)
		w.must(t, `put bkt/other x && put bkt/pre/one 1 && put bkt/pre/d/two 22 && put bkt/pre/same 1 && put bkt/pre/big.dat 1234567 && put "bkt/pre/o%20d%2Bd%26%C3%A4" odd`)
		// Within one second git-annex takes commits of the same tree for one another.
		change := []string{`:`, `sleep 1; put bkt/pre/one 111`, `sleep 1; put bkt/pre/new n; del bkt/pre/d/two; put bkt/pre/one 1111`, `sleep 1; del bkt/pre/new`, `sleep 1; put bkt/pre/new n`}
		for _, c := range change {
			w.must(t, c)
			w.wantSame(t, `cd a && real import -q main --from s && trees s/main && git ls-tree -r s/main`, `cd b && ours import -q main --from s && trees s/main && git ls-tree -r s/main`)
			w.wantSame(t, `cd a && logs`, `cd b && logs`)
			w.wantSame(t, `cd a && trees s/main && ours import -q main --from s && trees s/main`, `cd b && trees s/main && real import -q main --from s && trees s/main`)
		}
		// What is changed elsewhere in the bucket is a commit of its own for git-annex.
		w.must(t, `cd b && before=$(git rev-parse s/main) && sleep 1 && put bkt/other y && ours import -q main --from s && test $(git rev-parse s/main) = $before`)
		w.must(t, `cd b && git merge -q s/main && ours drop -q --force . && real get -q . && real drop -q --force . && ours get -q . && cat one && real fsck -q --from s && ours fsck -q --from s`)
		w.must(t, `cd b && ! ours import main --from s --no-content && ! real import main --from s --no-content && echo z > z && ours add -q z && ! ours copy --to s z && ! ours drop --from s one && ! ours export main --to s`)
		trust := map[string]string{"no": "untrusted", "yes": "semitrusted"}[versioning]
		w.must(t, `cd b && ours info s | grep -q "trust: `+trust+`" && real info s | grep -q "trust: `+trust+`"`)
	}
}

// TestS3SyncFollowsTrees: what is changed on either side comes to the other one.
func TestS3SyncFollowsTrees(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"ours", "real"} {
		for _, versioning := range []string{"no", "yes"} {
			w := bothOnS3(t)
			w.prelude += `sync() { ` + program + ` sync --content "$@" >/dev/null; }; see() { curl -sf $url/bkt/$1; }; `
			w.must(t, `git init -q a && cd a && `+program+` init -q && echo 1 > one && `+program+` add -q one && git commit -qm 1 && `+program+` initremote -q --force s $(params bkt) exporttree=yes importtree=yes versioning=`+versioning+` && git config remote.s.annex-tracking-branch main`)
			w.must(t, `cd a && echo 2 > two && `+program+` add -q two && sync && see one && see two`)
			w.must(t, `cd a && put bkt/theirs theirs && del bkt/one && sync && cat theirs && test ! -e one`)
			w.must(t, `cd a && echo 3 > three && `+program+` add -q three && git commit -qm 3 && sync s && see three && see theirs && git status --porcelain`)
			w.must(t, `cd a && ours sync s 2>&1 | grep -q 'Cannot import from s when not syncing content'`)
			w.must(t, `cd a && ours export -q main --to s && real export -q main --to s && see theirs`)
		}
	}
}

// TestS3SharedTreesLoseNothing: what others changed is neither replaced nor
// deleted before it was imported.
func TestS3SharedTreesLoseNothing(t *testing.T) {
	t.Parallel()
	w := bothOnS3(t)
	w.must(t, `git init -q a && cd a && ours init -q && ! ours initremote s $(params bkt) exporttree=yes importtree=yes && ours initremote -q --force s $(params bkt) exporttree=yes importtree=yes && ! ours enableremote s && ours enableremote -q --force s`)
	w.must(t, `cd a && echo 1 > one && echo 2 > two && ours add -q . && git commit -qm 1 && ours export -q main --to s`)
	w.must(t, `cd a && put bkt/one theirs && put bkt/three theirs && rm one && echo 11 > one && echo 3 > three && ours add -q . && git rm -q two && git commit -qm 2 && ! ours export main --to s && curl -sf $url/bkt/one | grep -q theirs && curl -sf $url/bkt/three | grep -q theirs`)
	w.must(t, `cd a && ours import -q main --from s && git merge -q --allow-unrelated-histories -X ours s/main -m m && ours export -q main --to s`)
	if got := w.must(t, `curl -sf $url/bkt/three`); !strings.Contains(got, "3") {
		t.Errorf("%q", got)
	}
}

// TestS3ExportsThatWereBrokenOffComplete: what was stored and not recorded is
// recognised, also as a version that stays.
func TestS3ExportsThatWereBrokenOffComplete(t *testing.T) {
	t.Parallel()
	for _, versioning := range []string{"no", "yes"} {
		w := bothOnS3(t)
		w.must(t, `git init -q a && cd a && ours init -q && ours initremote -q --force s $(params bkt) exporttree=yes importtree=yes versioning=`+versioning)
		w.must(t, `cd a && printf 1 > one && ours add -q one && git commit -qm 1 && put bkt/one 1 && ours export -q main --to s && real fsck -q --from s && ours drop -q --force one && real get -q one && ours drop -q --force one && ours get -q one`)
	}
	w := bothOnS3(t) // objects that are older than the versions of the bucket
	w.must(t, `curl -sf -X PUT $url/bkt && put bkt/one 1 && put bkt/two 22 && put bkt/three 333 && git init -q a && cd a && ours init -q && ours initremote -q s $(params bkt) importtree=yes versioning=yes && put bkt/one 4444`)
	w.must(t, `cd a && ours import -q main --from s && git merge -q s/main && test "$(cat one two three)" = 444422333 && test "$(git log --format=%s s/main | wc -l)" -ge 2 && ours import -q main --from s && git diff --exit-code HEAD s/main`)
	w.must(t, `cd a && git log --format=%H s/main | while read c; do k=$(keyof $c:one) && test -e .git/annex/objects/*/*/$k/$k || exit 1; done`)
}

// TestS3NamesThatNoTreeCanHave: they are left out, and others imported.
func TestS3NamesThatNoTreeCanHave(t *testing.T) {
	t.Parallel()
	w := bothOnS3(t)
	w.must(t, `git init -q a && cd a && ours init -q && ours initremote -q s $(params bkt) importtree=yes && put bkt/.git/config x && put bkt/d/.GIT/hooks/y x && put bkt/fine fine && put "bkt/with%0Aline" line`)
	w.must(t, `cd a && ours import main --from s && git ls-tree -r -z s/main | tr '\0' '|' && git merge -q s/main && git fsck --strict && cat fine && test "$(cat with*)" = line && test ! -e .git/hooks/y`)
	if names := w.must(t, `cd a && git ls-tree -r --name-only s/main`); names != "fine with\nline" {
		t.Errorf("%s", names)
	}
}
