package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// census is what strace saw of a command and its children.
type census struct {
	calls     int            // system calls of all kinds
	inside    int            // calls that name a path inside the repository
	processes int            // processes started beside the command itself
	kinds     map[string]int // inside, by call
}

// count runs a command twice under strace, because strace -c and a trace exclude
// each other: next makes the command for each run.
func (b *bench) count(ctx context.Context, root string, next func() (command, error)) (census, error) {
	c, err := next()
	if err != nil {
		return census{}, err
	}
	result, err := b.traced(ctx, root, c)
	if err != nil {
		return result, err
	}
	result.calls, err = b.countAll(ctx, next)
	return result, err
}

// traced runs a command under strace; calls of all kinds are not counted.
func (b *bench) traced(ctx context.Context, root string, c command) (census, error) {
	file := filepath.Join(b.tmp, "trace")
	argv := append([]string{"strace", "-f", "-y", "-e", "trace=%file,%process", "-e", "signal=none", "-o", file}, c.argv...)
	if _, err := b.run(ctx, in(c.dir, argv...)); err != nil {
		return census{}, err
	}
	trace, err := os.Open(file)
	if err != nil {
		return census{}, err
	}
	defer trace.Close()
	return readTrace(bufio.NewScanner(trace), root, c.dir)
}

// countAll runs the next command under strace -c and returns the sum.
func (b *bench) countAll(ctx context.Context, next func() (command, error)) (int, error) {
	c, err := next()
	if err != nil {
		return 0, err
	}
	file := filepath.Join(b.tmp, "summary")
	argv := append([]string{"strace", "-f", "-c", "-U", "calls,name", "-o", file}, c.argv...)
	if _, err := b.run(ctx, in(c.dir, argv...)); err != nil {
		return 0, err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	var calls int
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[len(fields)-1] == "total" {
			_, err = fmt.Sscan(fields[0], &calls)
		}
	}
	return calls, err
}

// reader follows a trace; cwd is each process's working folder.
type reader struct {
	root, start string
	cwd         map[string]string
	pending     map[string]string // calls begun and not yet resumed, by process
	census      census
}

// readTrace counts in the output of `strace -f -y -e trace=%file,%process`.
func readTrace(lines *bufio.Scanner, root, start string) (census, error) {
	r := reader{root: root, start: start, cwd: map[string]string{}, pending: map[string]string{}, census: census{kinds: map[string]int{}}}
	lines.Buffer(make([]byte, 1<<16), 1<<24)
	for lines.Scan() {
		pid, text, ok := strings.Cut(lines.Text(), " ")
		if ok {
			r.line(pid, strings.TrimLeft(text, " "))
		}
	}
	return r.census, lines.Err()
}

// line takes one line, joining what strace split.
func (r *reader) line(pid, text string) {
	if begun, cut := strings.CutSuffix(text, "<unfinished ...>"); cut {
		r.pending[pid] = begun
		return
	}
	if strings.HasPrefix(text, "<... ") {
		_, rest, _ := strings.Cut(text, " resumed>")
		text = r.pending[pid] + rest
	}
	name, args, ok := strings.Cut(text, "(")
	if !ok {
		return // an exit or a signal
	}
	switch name {
	case "clone", "clone3", "fork", "vfork":
		r.started(pid, text)
		return
	}
	if path, ok := r.path(pid, args); ok {
		r.named(pid, name, path, text)
	}
}

// started counts a new process; a thread is none.
func (r *reader) started(pid, text string) {
	_, child, ok := cutLast(text, " = ")
	if !ok || strings.HasPrefix(child, "-") || strings.HasPrefix(child, "?") || strings.Contains(text, "CLONE_THREAD") {
		return
	}
	child, _, _ = strings.Cut(child, "<") // -y adds the program's name in newer versions
	r.census.processes++
	if _, known := r.cwd[child]; !known {
		r.cwd[child] = r.folder(pid)
	}
}

func (r *reader) folder(pid string) string { return cmp.Or(r.cwd[pid], r.start) }

// path is the first path among the arguments, absolute; ok is false where the
// call names none (an empty path means the open file itself).
func (r *reader) path(pid, args string) (string, bool) {
	base := r.folder(pid)
	if first, rest, ok := strings.Cut(args, ">, "); ok && !strings.HasPrefix(args, `"`) {
		at, folder, known := strings.Cut(first, "<")
		if known {
			args, base = rest, folder
		}
		if at == "AT_FDCWD" {
			r.cwd[pid] = folder
		}
	}
	name, ok := quoted(args)
	if !ok || name == "" {
		return "", false
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(base, name)
	}
	return filepath.Clean(name), true
}

func (r *reader) named(pid, call, path, text string) {
	if call == "chdir" && strings.HasSuffix(text, " = 0") {
		r.cwd[pid] = path
	}
	if path == r.root || strings.HasPrefix(path, r.root+"/") {
		r.census.inside++
		r.census.kinds[call]++
	}
}

// quoted returns the string in double quotes with which text begins; escapes
// stay, because nothing here depends on them.
func quoted(text string) (string, bool) {
	if !strings.HasPrefix(text, `"`) {
		return "", false
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[1:i], true
		}
	}
	return "", false
}

func cutLast(text, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(text, sep); i >= 0 {
		return text[:i], text[i+len(sep):], true
	}
	return text, "", false
}

// top lists the n most frequent kinds of call inside the repository.
func (c census) top(n int) string {
	type kind struct {
		name  string
		times int
	}
	var kinds []kind
	for name, times := range c.kinds {
		kinds = append(kinds, kind{name, times})
	}
	slices.SortFunc(kinds, func(a, b kind) int { return cmp.Or(b.times-a.times, cmp.Compare(a.name, b.name)) })
	var words []string
	for _, k := range kinds[:min(n, len(kinds))] {
		words = append(words, fmt.Sprintf("%s %d", k.name, k.times))
	}
	return strings.Join(words, ", ")
}
