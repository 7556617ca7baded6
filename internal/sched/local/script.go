package local

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxScript is Slurm's default limit (max_script_size).
const maxScript = 4 << 20

// refusal is an error in sbatch's own words.
type refusal string

func (r refusal) Error() string { return string(r) }

// script is what shall run.
type script struct {
	text    []byte
	name    string // default name of the job
	command string // absolute path, "" if there is none
}

// readScript finds the script: from --wrap, a file, or standard input.
func readScript(g *given, c Call) (script, error) {
	if g.has("wrap") {
		if len(g.rest) > 0 {
			return script{}, refusal("Script arguments not permitted with --wrap option")
		}
		return script{text: []byte("#!/bin/sh\n# This script was created by sbatch --wrap.\n\n" + g.values["wrap"] + "\n"), name: "wrap"}, nil
	}
	sc := script{name: "sbatch"}
	in := c.Stdin
	if len(g.rest) > 0 {
		path, err := findScript(g.rest[0], c)
		if err != nil {
			return script{}, err
		}
		f, err := os.Open(path)
		if err != nil {
			return script{}, refusal(fmt.Sprintf("Unable to open file %s", g.rest[0]))
		}
		defer f.Close()
		in, sc.name, sc.command = f, filepath.Base(path), path
	}
	if in == nil {
		return script{}, refusal("Batch script is empty!")
	}
	var err error
	if sc.text, err = io.ReadAll(io.LimitReader(in, maxScript+1)); err != nil && len(sc.text) > 0 {
		return script{}, fmt.Errorf("read script: %w", err)
	}
	return sc, checkScript(sc.text)
}

// findScript looks in the working directory, then on PATH.
func findScript(name string, c Call) (string, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.Dir, name)
	}
	if _, err := os.Stat(path); err == nil || strings.Contains(name, "/") {
		return path, nil
	}
	for _, dir := range filepath.SplitList(lookup(c.Env, "PATH")) {
		candidate := filepath.Join(dir, name)
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return candidate, nil
		}
	}
	return "", refusal(fmt.Sprintf("Unable to open file %s", name))
}

// checkScript refuses what sbatch refuses, in its words.
func checkScript(text []byte) error {
	switch {
	case len(text) == 0:
		return refusal("Batch script is empty!")
	case len(text) > maxScript:
		return refusal("Batch script is too large")
	case !bytes.HasPrefix(text, []byte("#!")):
		return refusal("This does not look like a batch script.  The first line must start with #! followed by the path to an interpreter.")
	case bytes.Contains(text, []byte("\r\n")):
		return refusal(`Batch script contains DOS line breaks (\r\n) instead of expected UNIX line breaks (\n).`)
	case bytes.IndexByte(text, 0) >= 0:
		return refusal("The SLURM controller does not allow scripts that contain a NULL character '\\0'.")
	}
	return nil
}

// directives collects the options of #SBATCH lines, which end at the first
// line that is neither blank nor a comment.
func directives(text []byte) (*given, error) {
	g := &given{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if rest, ok := strings.CutPrefix(line, "#SBATCH"); ok {
			one := &given{}
			if err := one.parseArgs(splitWords(rest)); err != nil {
				return nil, err
			}
			one.under(g)
			one.rest = nil
			g = one
			continue
		}
		if trimmed := strings.TrimSpace(line); trimmed != "" && trimmed[0] != '#' {
			break
		}
	}
	return g, nil
}

// splitWords splits a directive at blanks, with quotes and backslash as in
// the shell; a # that begins a word begins a comment.
func splitWords(line string) (words []string) {
	var word strings.Builder
	open, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t'):
			if open {
				words = append(words, word.String())
				word.Reset()
			}
			open = false
		case quote == 0 && !open && c == '#':
			return words
		case c == quote && quote != 0:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, open = c, true
		case c == '\\' && quote != '\'' && i+1 < len(line):
			i++
			word.WriteByte(line[i])
			open = true
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if open {
		words = append(words, word.String())
	}
	return words
}

// lookup returns the last value of a variable.
func lookup(env []string, name string) (val string) {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			val = v
		}
	}
	return val
}
