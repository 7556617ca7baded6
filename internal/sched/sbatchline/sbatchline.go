// Package sbatchline reads submission lines: which script they submit, which
// options they and the script give to sbatch, and where further options can be
// added. It runs nothing.
package sbatchline

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/sched"
)

// Line is a submission line that options can be added to: one plain call
// of sbatch, whose words are what they seem.
type Line struct {
	text    string
	at      int // where further options go: they win over the earlier ones
	script  string
	Options Options // of the line; or else of the script
}

// Options are the options that matter here; nil: not given.
type Options struct {
	Dependency, Array *string
	logs              []string // files for output and errors
}

// maxScript bounds how much of a script is searched for #SBATCH lines; it is
// Slurm's default limit.
const maxScript = 4 << 20

// Read takes a line apart. The error says why nothing can be added to
// it. dir is where the script is looked for.
func Read(dir, text string) (*Line, error) {
	words, err := plainWords(text)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 || filepath.Base(words[0].text) != "sbatch" {
		return nil, errors.New("its first word is not sbatch")
	}
	l := &Line{text: text}
	plain := make([]string, len(words)-1)
	for i, w := range words[1:] {
		plain[i] = w.text
	}
	opts, rest, wrapped := scanSbatch(plain)
	switch {
	case slices.Contains(plain, ":"):
		return nil, errors.New("it submits a heterogeneous job")
	case rest < len(plain):
		l.at = words[1+rest].at
		l.script = plain[rest]
		if l.script == "--" && rest+1 < len(plain) {
			l.script = plain[rest+1]
		}
	case !wrapped:
		return nil, errors.New("it names no job script")
	default:
		l.at = len(text)
	}
	l.Options = opts
	if l.script == "" {
		return l, nil
	}
	in, err := scriptOptions(dir, l.script)
	if err != nil {
		return nil, err
	}
	if opts.Dependency == nil {
		l.Options.Dependency = in.Dependency
	}
	if opts.Array == nil {
		l.Options.Array = in.Array
	}
	return l, nil
}

// With returns the line with one more option.
func (l *Line) With(option string) string {
	if l.at == len(l.text) {
		return l.text + " " + option
	}
	return l.text[:l.at] + option + " " + l.text[l.at:]
}

// Tasks lists the tasks that the line asks for, and whether they are known.
func (l *Line) Tasks() (sched.TaskList, bool) {
	if l.Options.Array == nil {
		return sched.TaskList{}, true
	}
	list, err := sched.ParseTaskList(*l.Options.Array)
	return list, err == nil && !list.Truncated
}

// scanSbatch reads options up to the script; rest is its place among words.
func scanSbatch(words []string) (o Options, rest int, wrapped bool) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		if !strings.HasPrefix(w, "-") || w == "-" || w == "--" {
			return o, i, wrapped
		}
		name, value, attached := optionOf(w)
		if !attached && takesArgument(w) {
			if i++; i < len(words) {
				value = words[i]
			}
		}
		switch {
		case name == "d" || len(name) > 2 && strings.HasPrefix("dependency", name):
			o.Dependency = &value
		case name == "a" || len(name) > 1 && strings.HasPrefix("array", name):
			o.Array = &value
		case name == "o" || name == "e" || len(name) > 1 && (strings.HasPrefix("output", name) || strings.HasPrefix("error", name)):
			o.logs = append(o.logs, value)
		case name == "wrap":
			wrapped = true
		}
	}
	return o, len(words), wrapped
}

// optionOf splits "--name=value" and "-nvalue".
func optionOf(w string) (name, value string, attached bool) {
	if long, ok := strings.CutPrefix(w, "--"); ok {
		return strings.Cut(long, "=")
	}
	return w[1:2], w[2:], len(w) > 2
}

// scriptOptions reads the #SBATCH lines of a script, up to its first command.
func scriptOptions(dir, name string) (o Options, err error) {
	file := name
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	if !IsRegular(dir, name) {
		return o, fmt.Errorf("its script %s is no file", name)
	}
	f, err := os.Open(file)
	if err != nil {
		return o, fmt.Errorf("its script cannot be read: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxScript))
	if err != nil {
		return o, fmt.Errorf("its script cannot be read: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "#SBATCH")
		if trimmed := strings.TrimSpace(line); !ok && trimmed != "" && trimmed[0] != '#' {
			break
		}
		if !ok {
			continue
		}
		words := ShellWords(rest)
		if i := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "#") }); i >= 0 {
			words = words[:i]
		}
		given, _, _ := scanSbatch(words)
		if given.Dependency != nil {
			o.Dependency = given.Dependency
		}
		if given.Array != nil {
			o.Array = given.Array
		}
		o.logs = append(o.logs, given.logs...)
	}
	return o, nil
}

// LogFolders names the folders, relative to dir, in which a job will write its
// log files, as far as the line and the script in dir tell.
func LogFolders(dir, line string) (list []string) {
	words := firstCommand(ShellWords(line))
	at := slices.IndexFunc(words, func(w string) bool { return filepath.Base(w) == "sbatch" })
	if at < 0 {
		return nil
	}
	given, rest, _ := scanSbatch(words[at+1:])
	if script := FindScript(dir, line); script != "" && rest < len(words)-at-1 {
		if in, err := scriptOptions(dir, script); err == nil {
			given.logs = append(given.logs, in.logs...)
		}
	}
	for _, log := range given.logs {
		if folder := filepath.Dir(log); filepath.IsLocal(folder) && !strings.Contains(folder, "%") {
			list = append(list, filepath.ToSlash(folder))
		}
	}
	return list
}

// plainWord is a word of a line and where it begins.
type plainWord struct {
	text string
	at   int
}

// plainWords splits a line that a shell takes as it is: quotes and nothing
// else. The error names what is more than that.
func plainWords(line string) (words []plainWord, err error) {
	var word strings.Builder
	start := -1
	flush := func() {
		if start >= 0 {
			words = append(words, plainWord{word.String(), start})
		}
		word.Reset()
		start = -1
	}
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		if quote != '\'' && (c == '$' || c == '`') {
			return nil, fmt.Errorf("it holds a substitution of the shell (%c)", c)
		}
		if quote == 0 && (c == ' ' || c == '\t') {
			flush()
			continue
		}
		if quote == 0 && (strings.IndexByte(";&|<>()\n", c) >= 0 || c == '#' && start < 0) {
			return nil, fmt.Errorf("it holds an operator of the shell (%q)", c)
		}
		if start < 0 {
			start = i
		}
		switch {
		case c == '\\' && quote != '\'':
			if i++; i == len(line) || line[i] == '\n' {
				return nil, errors.New("it goes on in another line")
			}
			if quote == '"' && strings.IndexByte("$`\"\\", line[i]) < 0 {
				word.WriteByte('\\')
			}
			word.WriteByte(line[i])
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == quote:
			quote = 0
		default:
			word.WriteByte(c)
		}
	}
	flush()
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	return words, nil
}
