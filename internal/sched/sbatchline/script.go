package sbatchline

import (
	"os"
	"path/filepath"
	"strings"
)

// sbatchFlags are the options of sbatch(1) that take no argument, or only one
// that is attached with "=".
var sbatchFlags = map[string]bool{
	"-H": true, "--hold": true, "-h": true, "--help": true, "--usage": true, "-I": true, "--immediate": true,
	"-k": true, "--no-kill": true, "-O": true, "--overcommit": true, "-Q": true, "--quiet": true, "-s": true,
	"--oversubscribe": true, "-v": true, "-vv": true, "-vvv": true, "--verbose": true, "-V": true, "--version": true,
	"-W": true, "--wait": true, "--contiguous": true, "--exclusive": true, "--get-user-env": true,
	"--ignore-pbs": true, "--no-requeue": true, "--requeue": true, "--parsable": true, "--propagate": true,
	"--reboot": true, "--spread-job": true, "--test-only": true, "--use-min-nodes": true, "--nice": true,
}

// FindScript returns the job script named on a submission line, as it stands
// there: the first word behind sbatch and its options, or, where a wrapper
// submits, the first word after it, that is a regular file seen from dir. It is
// "" if there is none (--wrap, a script on standard input).
func FindScript(dir, line string) string {
	return FindScriptIn(func(name string) bool { return IsRegular(dir, name) }, line)
}

// FindScriptIn is findScript for files of which regular knows.
func FindScriptIn(regular func(name string) bool, line string) string {
	words := firstCommand(ShellWords(line))
	start := -1
	for i, w := range words {
		if filepath.Base(w) == "sbatch" {
			start = i
		}
	}
	if start < 0 {
		for _, w := range words[min(1, len(words)):] {
			if regular(w) {
				return w
			}
		}
		return ""
	}
	for i := start + 1; i < len(words); i++ {
		w := words[i]
		if !strings.HasPrefix(w, "-") || w == "-" {
			if regular(w) {
				return w
			}
			return ""
		}
		if takesArgument(w) {
			i++
		}
	}
	return ""
}

// takesArgument reports whether the next word belongs to an option of sbatch.
func takesArgument(w string) bool {
	if strings.HasPrefix(w, "--") {
		return !strings.Contains(w, "=") && !sbatchFlags[w]
	}
	return len(w) == 2 && !sbatchFlags[w] // "-n4" has its argument with it
}

// IsRegular reports whether a name, relative to dir or absolute, is a file.
func IsRegular(dir, name string) bool {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	fi, err := os.Stat(name)
	return err == nil && fi.Mode().IsRegular()
}

// firstCommand returns the words of the command in a line that holds sbatch,
// without redirections and what follows an operator of the shell.
func firstCommand(words []string) []string {
	var cmd []string
	for _, w := range words {
		if w != shellBreak {
			cmd = append(cmd, w)
			continue
		}
		for _, c := range cmd {
			if filepath.Base(c) == "sbatch" {
				return cmd
			}
		}
		cmd = nil
	}
	return cmd
}

// shellBreak stands for an operator between commands.
const shellBreak = "\x00"

// ShellWords splits a line as a shell does, without expansions. Operators
// become shellBreak.
func ShellWords(line string) []string {
	var (
		words []string
		word  strings.Builder
		in    bool
		quote byte
	)
	flush := func() {
		if in {
			words = append(words, word.String())
		}
		word.Reset()
		in = false
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '\'' && c != '\'', quote == '"' && c != '"' && c != '\\':
			word.WriteByte(c)
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\':
			if i++; i < len(line) && line[i] != '\n' {
				word.WriteByte(line[i])
				in = true
			}
		case c == '\'' || c == '"':
			quote, in = c, true
		case c == ' ' || c == '\t':
			flush()
		case strings.IndexByte(";&|<>()\n", c) >= 0:
			flush()
			words = append(words, shellBreak)
		default:
			word.WriteByte(c)
			in = true
		}
	}
	flush()
	return words
}
