package magic

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnnexAgrees lets `git annex add` sort files by encoding and by type.
func TestAnnexAgrees(t *testing.T) {
	if _, err := exec.LookPath("git-annex"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("git-annex is missing")
		}
		t.Skip("git-annex is not installed")
	}
	for _, c := range []struct {
		largefiles string
		annexed    func([]byte) bool
	}{
		{"mimeencoding=binary", func(b []byte) bool { return Encoding(b) == Binary }},
		{"mimetype=text/*", func(b []byte) bool { return strings.HasPrefix(Type(b), "text/") }},
	} {
		files := annexFiles()
		inAnnex := annexAdd(t, files, c.largefiles)
		for name, data := range files {
			if inAnnex[name] != c.annexed(data) {
				t.Errorf("%s, %s: git-annex says %v", c.largefiles, name, inAnnex[name])
			}
		}
	}
}

func annexFiles() map[string][]byte {
	text := bytes.Repeat([]byte("hello world\n"), 8000)
	nulAt := func(i int) []byte { b := bytes.Clone(text); b[i] = 0; return b }
	return map[string][]byte{
		"latin1": []byte("caf\xe9\n"), "utf8": []byte("caf\u00e9\n"), "utf16": []byte("\xff\xfea\x00b\x00"), "bell": []byte("a\x07b\n"), "escape": []byte("\x1b[0mx\n"),
		"one": []byte("hello \x01\n"), "delete": []byte("hello \x7f\n"), "nul-last-seen": nulAt(HeadSize - 1), "nul-unseen": nulAt(HeadSize), "empty": {}, "byte": []byte("x"), "digit": []byte("1\n"),
		"nul-end": []byte("hello\n\x00"), "json": []byte(`{"a":1}`), "csv": []byte("a,b\n1,2\n3,4\n"), "script": []byte("#!/bin/sh\necho\n"), "pdf": []byte("%PDF-1.4\n%abc\n"), "png": []byte("\x89PNG\r\n\x1a\n"),
		"svg": []byte("<svg xmlns=\"x\">"), "xml": []byte("<?xml version=\"1.0\"?>\n<a/>"),
	}
}

// annexAdd returns which of the files git-annex puts into the annex.
func annexAdd(t *testing.T, files map[string][]byte, largefiles string) map[string]bool {
	dir, home := t.TempDir(), t.TempDir()
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	conf := filepath.Join(home, "gitconfig")
	if err := os.WriteFile(conf, []byte("[user]\nname=a\nemail=a@b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) {
		c := exec.Command("git", args...)
		c.Dir, c.Env = dir, append(os.Environ(), "HOME="+home, "GIT_CONFIG_GLOBAL="+conf, "GIT_CONFIG_NOSYSTEM=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	run("init", "-q")
	run("annex", "init", "-q")
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run("-c", "annex.largefiles="+largefiles, "annex", "add", "-q", ".")
	out := map[string]bool{}
	for name := range files {
		st, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = st.Mode()&os.ModeSymlink != 0
	}
	return out
}
