package submission

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// shell is how DataLad runs a line.
func (s Line) shell() *exec.Cmd { return exec.Command("/bin/sh", "-c", s.Text) }

// direct is the program that a shell would start with the words as they are; nil
// where it would do anything else. It saves the shell, and its fork.
func (s Line) direct() *exec.Cmd {
	words := strings.Fields(s.Text)
	if len(words) == 0 || words[0] != "sbatch" || strings.ContainsFunc(s.Text, meansMore) {
		return nil
	}
	var path string
	for _, kv := range s.Env {
		if strings.HasPrefix(kv, "BASH_FUNC_sbatch") {
			return nil // a shell that is bash runs this function
		}
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			return nil
		}
		program := filepath.Join(dir, words[0])
		if fi, err := os.Stat(program); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return &exec.Cmd{Path: program, Args: words}
		}
	}
	return nil
}

// meansMore reports whether a shell may see more than a letter in c.
func meansMore(c rune) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(" _-+./,:=@%", c))
}
