package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var configTexts = []string{
	"", "\n\n# only a comment\n", "[datalad \"dataset\"]\n\tid = abc\n",
	"[a]\nb\nc = \n d = x ; comment\n e = \" x ; y \" # z\n", "[A.B]\nC=1\n[a \"B\\\"q\\\\\"]x=y\\\nz\n",
	"[s]k=a\\tb\\n\\\\\\\"\nK=  two  words  \n", "[s \"sub\"] k = v\n[s]\n\tk=\"a\" b \"c \"", "\ufeff[x]\ny=1\r\n",
	"[bad\n", "[a]\n1x=\n", "[a]\nx = \"open\n", "[a]\nx=\\q\n", "[a \"b]\n", "[a]\nx y = 1\n", "[a]\n-x=1\n",
}

// git itself is the judge of the syntax.
func TestParseConfigFileEqualsGit(t *testing.T) {
	env := testEnv(t)
	r := &Repo{WorkTree: t.TempDir(), env: env}
	for _, text := range configTexts {
		file := filepath.Join(r.WorkTree, "config")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, gitErr := r.Output(t.Context(), "config", "-f", file, "-l", "-z")
		got, err := ParseConfigFile(text)
		if (err != nil) != (gitErr != nil) {
			t.Errorf("%q: %v, git says %v", text, err, gitErr)
			continue
		}
		if err != nil {
			continue
		}
		for _, kv := range strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") {
			key, value, hasValue := strings.Cut(kv, "\n")
			if key == "" {
				continue
			}
			if !hasValue {
				value = "true"
			}
			if all := got.All(key); len(all) == 0 || !contains(all, value) {
				t.Errorf("%q: %s = %q, git has %q", text, key, all, value)
			}
		}
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

func FuzzParseConfigFile(f *testing.F) {
	for _, s := range configTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := ParseConfigFile(s); err == nil && c == nil {
			t.Error("neither result nor error")
		}
	})
}
