package enable

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
)

func setup(t *testing.T, words ...string) remote.Setup {
	t.Helper()
	config, err := Parameters(words)
	if err != nil {
		t.Fatal(err)
	}
	return remote.Setup{
		Spec: remote.Spec{Name: "r", Kind: remote.Special, UUID: "u1"}, Config: config, Settings: git.NewConfig(),
		Env: os.Environ(), WorkTree: t.TempDir(), GitDir: t.TempDir(),
	}
}

func TestInit(t *testing.T) {
	dir := t.TempDir()
	res, err := Init(t.Context(), setup(t, "type=directory", "directory="+dir, "encryption=none", "autoenable=true", "cost=50"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Result{
		Config: map[string]string{"name": "r", "type": "directory", "encryption": "none", "autoenable": "true", "cost": "50"},
		Git:    [][2]string{{"annex-directory", dir}, {"annex-uuid", "u1"}, {"annex-cost", "50"}, {"skipfetchall", "true"}},
	}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Error(diff)
	}
	res, err = Init(t.Context(), setup(t, "type=httpalso", "url=http://h/x"), "main", map[string]string{"encryption": "shared", "cipher": "x"})
	if err != nil || res.Config["sameas-uuid"] != "main" || res.Config["sameas-name"] != "r" || res.Config["encryption"] != "" || res.Config["name"] != "" {
		t.Errorf("sameas: %v %v", res, err)
	}
	if diff := cmp.Diff([][2]string{{"annex-httpalso", "true"}, {"annex-uuid", "main"}, {"annex-config-uuid", "u1"}, {"skipfetchall", "true"}}, res.Git); diff != "" {
		t.Error(diff)
	}
}

// TestSameAsInheritsHowContentIsEncrypted, and nothing else.
func TestSameAsInheritsHowContentIsEncrypted(t *testing.T) {
	dir := t.TempDir()
	plain, sealed := map[string]string{"encryption": "none", "exporttree": "yes", "chunk": "1kb"}, map[string]string{"encryption": "shared", "cipher": "x", "mac": "HMACSHA256"}
	for _, c := range []struct {
		words string
		main  map[string]string
		want  string // of the line, beside what says whose content it has; "" where it is refused
	}{
		{"exporttree=yes", plain, "exporttree"},
		{"", plain, "type"},
		{"encryption=none exporttree=yes", plain, "exporttree"},
		{"encryption=shared", plain, ""},
		{"exporttree=yes", sealed, ""},
		{"encryption=shared chunk=5kb", sealed, "chunk"},
		{"encryption=none", sealed, ""},
		{"mac=HMACSHA1", sealed, ""},
	} {
		res, err := Init(t.Context(), setup(t, append(strings.Fields(c.words), "type=directory", "directory="+dir)...), "main", c.main)
		if (err == nil) != (c.want != "") || err == nil && res.Config[c.want] == "" || res.Config["encryption"] != "" || res.Config["cipher"] != "" || c.words == "" && res.Config["exporttree"] != "" {
			t.Errorf("%s, %v: %v %v", c.words, c.main, res, err)
			continue
		}
		s := setup(t)
		s.Config = res.Config
		if err == nil {
			if _, err := Enable(t.Context(), s, map[string]string{"directory": dir}); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestBadParametersAreRefused(t *testing.T) {
	for _, line := range []string{
		"encryption=none", "type=nonsense encryption=none", "type=directory encryption=none", "type=directory directory=/nowhere/x encryption=none",
		"type=directory directory=/ encryption=rot13", "type=directory directory=/", "type=directory directory=/ encryption=none chunk=big",
		"type=directory directory=/ encryption=none bucket=x", "type=rsync encryption=none", "type=httpalso encryption=none", "type=external encryption=none",
		"type=external externaltype=../x encryption=none", "type=rsync rsyncurl=h:x encryption=none exporttree=yes importtree=yes", "type=httpalso url=http://h encryption=none exporttree=yes", "type=directory directory=/ encryption=shared exporttree=yes", "type=external externaltype=ora encryption=none",
		"type=external externaltype=ora encryption=none url=ria+file:///nowhere",
		"type=directory directory=/ encryption=none autoenable=maybe", "type=directory directory=/ encryption=none autoenable=yes",
		"type=directory directory=/ encryption=none exporttree=maybe", "type=directory directory=/ encryption=none importtree=true",
		"type=directory directory=/ encryption=none embedcreds=maybe", "type=directory directory=/ encryption=none onlyencryptcreds=yes",
		"type=directory directory=/ encryption=none cost=abc", "type=directory directory=/ encryption=none ignoreinodes=maybe",
		"type=rsync rsyncurl=h:x encryption=none shellescape=maybe", "type=S3 encryption=none protocol=ftp", "type=S3 encryption=none requeststyle=foo",
		"type=S3 encryption=none signature=foo", "type=S3 encryption=none public=maybe", "type=S3 encryption=none versioning=maybe",
		"type=httpalso url=http://h/x encryption=none",
	} {
		if res, err := Init(t.Context(), setup(t, strings.Fields(line)...), "", nil); err == nil {
			t.Errorf("%s: %v", line, res)
		}
	}
	for _, word := range []string{"x", "=y", "a b=c", "a=b\nc"} {
		if _, err := Parameters([]string{word}); err == nil {
			t.Errorf("%q was accepted", word)
		}
	}
	known := setup(t, "type=rsync", "rsyncurl=h:x", "encryption=none")
	for _, more := range []map[string]string{{"encryption": "shared"}, {"type": "S3"}, {"cipher": "x"}, {"colour": "red"}, {"autoenable": "maybe"}} {
		if _, err := Enable(t.Context(), known, more); err == nil {
			t.Errorf("%v was accepted", more)
		}
	}
	delete(known.Config, "encryption")
	if _, err := Enable(t.Context(), known, nil); err == nil {
		t.Error("nothing says how it is encrypted, and it was enabled")
	}
	if _, err := Enable(t.Context(), known, map[string]string{"encryption": "none"}); err != nil {
		t.Error(err)
	}
}

// TestABranchNamesNoFolderOfThisMachine: the git-annex branch may be anybody's.
func TestABranchNamesNoFolderOfThisMachine(t *testing.T) {
	if res, err := Enable(t.Context(), setup(t, "type=directory", "directory=/", "encryption=none"), nil); err == nil {
		t.Errorf("%v", res)
	}
}

// TestRIAStores: the id is the dataset's.
func TestRIAStores(t *testing.T) {
	const id = "8cfd1b4a-0000-4000-8000-000000000001"
	dir := t.TempDir()
	ds := filepath.Join(dir, id[:3], id[3:])
	if err := exec.Command("mkdir", "-p", ds).Run(); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "ria-layout-version"), []byte("1\n"), 0o644)
	os.WriteFile(filepath.Join(ds, "ria-layout-version"), []byte("2\n"), 0o644)
	s := setup(t, "type=external", "externaltype=ora", "encryption=none", "url=ria+file://"+dir)
	os.Mkdir(filepath.Join(s.WorkTree, ".datalad"), 0o755)
	os.WriteFile(filepath.Join(s.WorkTree, ".datalad", "config"), []byte("[datalad \"dataset\"]\n\tid = "+id+"\n"), 0o644)
	res, err := Init(t.Context(), s, "", nil)
	if err != nil || res.Config["archive-id"] != id || res.Git[0] != [2]string{"annex-externaltype", "ora"} {
		t.Errorf("%v %v", res, err)
	}
}
