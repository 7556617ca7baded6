package commit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

func (p *Publisher) hook(t *testing.T, name, script string) {
	t.Helper()
	path := filepath.Join(p.Repo.CommonDir, "hooks", name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestUserHooks(t *testing.T) {
	p := newPublisher(t)
	p.hook(t, "pre-commit", "git diff --cached --name-only --diff-filter=A | grep -q forbidden && { echo no such files; exit 1; }\nmkdir -p gen; echo made > gen/x; git add gen/x\n")
	p.hook(t, "commit-msg", "echo; echo 'Checked-by: hook' >> \"$1\"\n")
	p.hook(t, "post-commit", "git rev-parse HEAD > .git/seen\n")
	one := func(f File) (Result, error) {
		return p.Publish(t.Context(), Request{Commits: []Commit{{Message: "one\n", Files: []File{f}}}, Reason: "t", Hooks: true})
	}
	res, err := one(p.textFile(t, "a", "1"))
	if err != nil {
		t.Fatal(err)
	}
	if got := p.gitOut(t, "ls-tree", "-r", "--name-only", "HEAD"); got != "a\ngen/x" {
		t.Errorf("what the hook added is missing: %q", got)
	}
	if got := p.gitOut(t, "log", "-1", "--format=%b"); !strings.Contains(got, "Checked-by") && !strings.Contains(p.gitOut(t, "log", "-1", "--format=%B"), "Checked-by") {
		t.Errorf("message %q", got)
	}
	if seen, _ := os.ReadFile(filepath.Join(p.Repo.GitDir, "seen")); strings.TrimSpace(string(seen)) != string(res.Tip) {
		t.Errorf("post-commit saw %q", seen)
	}
	if _, err := one(p.textFile(t, "forbidden", "x")); err == nil || !strings.Contains(err.Error(), "no such files") {
		t.Errorf("the pre-commit hook was overruled: %v", err)
	}
	if got := p.gitOut(t, "rev-parse", "HEAD"); got != string(res.Tip) {
		t.Error("published in spite of the hook")
	}
	if got := p.gitOut(t, "status", "--porcelain"); got != "?? forbidden" {
		t.Errorf("status %q", got)
	}
}

func TestSigning(t *testing.T) {
	p := newPublisher(t)
	// Any program that answers like gpg will do for git.
	gpg := filepath.Join(t.TempDir(), "gpg")
	script := "#!/bin/sh\ncat >/dev/null\nprintf '\\n[GNUPG:] SIG_CREATED \\n' >&2\nprintf -- '-----BEGIN PGP SIGNATURE-----\\nx\\n-----END PGP SIGNATURE-----\\n'\n"
	if err := os.WriteFile(gpg, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := p.Repo.AppendConfig("[commit]\n\tgpgsign = true\n[gpg]\n\tprogram = " + gpg + "\n"); err != nil {
		t.Fatal(err)
	}
	res, err := p.Publish(t.Context(), Request{Commits: []Commit{{Message: "signed\n", Files: []File{p.textFile(t, "a", "1")}}}, Reason: "t", Hooks: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.gitOut(t, "cat-file", "commit", string(res.Tip)); !strings.Contains(got, "gpgsig ") || res.Tip == gitobj.OID("") {
		t.Errorf("commit:\n%s", got)
	}
	if got := p.gitOut(t, "status", "--porcelain"); got != "" {
		t.Errorf("status %q", got)
	}
}
