package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// gitReads gives a file's settings as git has them.
func gitReads(r *Repo, t *testing.T, file string) (*Config, error) {
	out, err := r.Output(t.Context(), "config", "-f", file, "-l", "-z")
	c := NewConfig()
	for _, kv := range strings.Split(string(out), "\x00") {
		if key, value, has := strings.Cut(kv, "\n"); has {
			c.add(key, value, true)
		} else if key != "" {
			c.add(key, "true", true)
		}
	}
	return c, err
}

// What is read without a process equals what git reads, wherever the text is
// said to be plain.
func TestPlainConfigEqualsGit(t *testing.T) {
	r := &Repo{WorkTree: t.TempDir(), env: testEnv(t)}
	file := filepath.Join(r.WorkTree, "config")
	read := 0
	check := func(text string) string {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err.Error()
		}
		got, err := readPlainConfig(file)
		if err != nil {
			return ""
		}
		want, err := gitReads(r, t, file)
		if a, b := fmt.Sprint(got.settings), fmt.Sprint(want.settings); err != nil || a != b {
			return fmt.Sprintf("%q:\nread %s\n git %s %v", text, a, b, err)
		}
		if len(got.settings) > 0 {
			read++
		}
		return ""
	}
	for _, text := range configTexts {
		if wrong := check(text); wrong != "" {
			t.Error(wrong)
		}
	}
	pieces := []string{
		"[a]", "[a.B]", "[c \"d\"]", "[c \"D \\\" e\"]", "[ x]", "[x", "[i", "\n", "\n", "\n", "\t", " ", "k", "K2", "-", "v", "=", " = ", " = v",
		"\"", "\"\"", "\\n", "\\\n", "\\\\", "\\", "#", ";", "\r\n", "\r", "\v", "é", "w w", "include.path", "[include]\npath=x\n",
	}
	rapid.Check(t, func(t *rapid.T) {
		if wrong := check("[a]\n" + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 14).Draw(t, "pieces"), "")); wrong != "" {
			t.Fatal(wrong)
		}
	})
	if read < 4 {
		t.Errorf("only %d texts were read", read)
	}
}

// TestOuterConfigEqualsGit opens a repository in many surroundings, with and
// without a process, and compares all that is known afterwards.
func TestOuterConfigEqualsGit(t *testing.T) {
	if !distributionsGit() {
		t.Log("this git is not a distribution's: its system-wide file is not read natively")
	}
	home, top := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		".gitconfig": "[a]\n\tb = home\n[Only]\n\tHome\n", ".config/git/config": "[a]\n\tb = config\n\tc\n", "xdg/git/config": "[a]\n\tb = xdg\n",
		"plain": "[a]\n\tB = plain\n[url \"x:\"]\n\tinsteadOf = y:\n", "system": "[a]\nb = system\n[s]\nt=1\n",
		"including": "[include]\n\tpath = " + filepath.Join(home, "plain") + "\n",
		"deciding":  "[includeIf \"gitdir:/\"]\n\tpath = " + filepath.Join(home, "plain") + "\n", "tabs": "[a]\n\tb = x\ty\n", "wrong": "[a\n",
	} {
		path := filepath.Join(home, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	base := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	runGit(t, top, base, "init", "-q", "-b", "main")
	runGit(t, top, base, "config", "a.b", "own")
	in := func(name string) string { return filepath.Join(home, name) }
	for _, c := range []struct {
		native bool // surely without a process
		env    []string
	}{
		{false, nil}, {true, []string{"GIT_CONFIG_NOSYSTEM=1"}}, {true, []string{"GIT_CONFIG_NOSYSTEM=yes", "GIT_CONFIG_SYSTEM=" + in("wrong")}},
		{true, []string{"GIT_CONFIG_SYSTEM=" + in("system"), "XDG_CONFIG_HOME=" + in("xdg")}},
		{true, []string{"GIT_CONFIG_SYSTEM=" + in("system"), "GIT_CONFIG_GLOBAL=" + in("plain")}},
		{true, []string{"GIT_CONFIG_SYSTEM=" + in("none"), "GIT_CONFIG_GLOBAL=" + in("none/below")}},
		{false, []string{"GIT_CONFIG_SYSTEM=", "GIT_CONFIG_GLOBAL="}}, {false, []string{"GIT_CONFIG_GLOBAL=" + in("including")}},
		{false, []string{"GIT_CONFIG_GLOBAL=" + in("deciding")}}, {false, []string{"GIT_CONFIG_GLOBAL=" + in("tabs")}},
		{false, []string{"GIT_CONFIG_GLOBAL=" + in("wrong")}}, {false, []string{"GIT_CONFIG_GLOBAL=" + home}},
		{true, []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=A.B", "GIT_CONFIG_VALUE_0=typed", "GIT_CONFIG_KEY_1=x.Y z.k", "GIT_CONFIG_VALUE_1="}},
		{false, []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=nodot", "GIT_CONFIG_VALUE_0=1"}}, {false, []string{"GIT_CONFIG_COUNT=x"}},
		{false, []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=a.b"}}, {false, []string{"GIT_CONFIG_PARAMETERS='a.b'='typed'"}},
		{false, []string{"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=include.path", "GIT_CONFIG_VALUE_0=" + in("plain")}},
	} {
		env := append(base[:2:2], c.env...)
		r := &Repo{WorkTree: top, GitDir: filepath.Join(top, ".git"), CommonDir: filepath.Join(top, ".git"), env: cleanEnv(env)}
		asked, askErr := r.configByGit(t.Context())
		outer, ok := readOuter(r.env)
		if ok = ok && r.nativeConfig(outer); c.native && !ok {
			t.Errorf("%q: a process is needed", c.env)
		}
		if !ok {
			continue
		}
		if askErr != nil {
			t.Errorf("%q: read without a process, but git says %v", c.env, askErr)
			continue
		}
		for _, pair := range [][2]any{
			{r.Config.settings, asked.settings}, {r.Config.outer.weak, asked.outer.weak}, {r.Config.outer.strong, asked.outer.strong},
		} {
			if a, b := fmt.Sprintf("%q", pair[0]), fmt.Sprintf("%q", pair[1]); !strings.EqualFold(a, b) {
				t.Errorf("%q:\nread %s\n git %s", c.env, a, b)
			}
		}
	}
}
