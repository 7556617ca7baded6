package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// Commit is a commit as `git log` lists it.
type Commit struct {
	ID      gitobj.OID
	Parents []gitobj.OID
	Time    int64 // of its committer, seconds since 1970
}

// PathChange is a file that a commit has otherwise than one of its parents. A
// side without the file has an empty id.
type PathChange struct {
	Path     string
	Old, New gitobj.OID
}

// Log lists the commits that lead to tip, in the order of `git log` and limited
// by its options (--since, --max-count and the like).
func (r *Repo) Log(ctx context.Context, tip string, options ...string) ([]Commit, error) {
	args := append([]string{"log", "-z", "--format=%H %P|%ct"}, options...)
	out, err := r.Output(ctx, append(args, tip, "--")...)
	if err != nil {
		return nil, err
	}
	var list []Commit
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if line == "" {
			continue
		}
		c, err := parseLogLine(line)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// parseLogLine reads "ID PARENT…|TIME".
func parseLogLine(line string) (c Commit, err error) {
	ids, stamp, _ := strings.Cut(line, "|")
	if c.Time, err = strconv.ParseInt(stamp, 10, 64); err != nil {
		return c, fmt.Errorf("git log: unexpected line %.100q", line)
	}
	for i, word := range strings.Fields(ids) {
		id, err := gitobj.ParseOID(word)
		if err != nil {
			return c, fmt.Errorf("git log: %w", err)
		}
		if i == 0 {
			c.ID = id
			continue
		}
		c.Parents = append(c.Parents, id)
	}
	return c, nil
}

// Changes reports what the commits changed, one commit after the other: commit
// is the place in the list, parent the number of the parent it is compared with
// (0 for a commit without one). With paths only those are looked at. One
// process does it, however many commits there are.
func (r *Repo) Changes(ctx context.Context, commits []Commit, paths []string, report func(commit, parent int, c PathChange) error) error {
	args := []string{"--literal-pathspecs", "diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--root", "--always", "--"}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := r.Command(ctx, append(args, paths...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	cmd.Stdin = &questions{commits: commits}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start git diff-tree: %w", err)
	}
	if err := readChanges(bufio.NewReaderSize(out, 1<<16), commits, report); err != nil {
		cancel()
		cmd.Wait()
		return err
	}
	if err := cmd.Wait(); err != nil {
		return commandError(err, args, complaint.String())
	}
	return nil
}

// questions are the lines "COMMIT PARENT" that diff-tree reads.
type questions struct {
	commits []Commit
	buf     []byte
}

// Read implements io.Reader.
func (q *questions) Read(p []byte) (int, error) {
	for len(q.buf) == 0 {
		if len(q.commits) == 0 {
			return 0, io.EOF
		}
		c := q.commits[0]
		q.commits = q.commits[1:]
		if len(c.Parents) == 0 {
			q.buf = append(append(q.buf, c.ID...), '\n')
		}
		for _, parent := range c.Parents {
			q.buf = append(append(append(append(q.buf, c.ID...), ' '), parent...), '\n')
		}
	}
	n := copy(p, q.buf)
	q.buf = q.buf[n:]
	return n, nil
}

// readChanges reads diff-tree's answers, which come in the order of the
// questions: a line with the commit, and then ":MODE MODE OLD NEW LETTER" and a
// path for each change.
func readChanges(out *bufio.Reader, commits []Commit, report func(commit, parent int, c PathChange) error) error {
	at, parent := -1, 0
	for {
		token, err := out.ReadString(0)
		if err == io.EOF && token == "" {
			return nil
		}
		if err != nil {
			return fmt.Errorf("git diff-tree: %w", err)
		}
		token = strings.TrimSuffix(token, "\x00")
		if !strings.HasPrefix(token, ":") {
			if at, parent, err = nextAnswer(commits, at, parent, token); err != nil {
				return err
			}
			continue
		}
		path, err := out.ReadString(0)
		if err != nil {
			return fmt.Errorf("git diff-tree: %w", err)
		}
		c, err := parseChange(token, strings.TrimSuffix(path, "\x00"))
		if err != nil || at < 0 {
			return errors.Join(err, fmt.Errorf("git diff-tree: unexpected answer %.100q", token))
		}
		if err := report(at, parent, c); err != nil {
			return err
		}
	}
}

// nextAnswer goes on to the commit or the parent that an answer is about.
func nextAnswer(commits []Commit, at, parent int, id string) (int, int, error) {
	if at >= 0 && parent+1 < len(commits[at].Parents) {
		parent++
	} else {
		at, parent = at+1, 0
	}
	if at >= len(commits) || string(commits[at].ID) != id {
		return 0, 0, fmt.Errorf("git diff-tree: unexpected answer %.100q", id)
	}
	return at, parent, nil
}

func parseChange(meta, path string) (PathChange, error) {
	f := strings.Fields(meta)
	if len(f) != 5 {
		return PathChange{}, fmt.Errorf("git diff-tree: unexpected answer %.100q", meta)
	}
	c := PathChange{Path: path}
	for i, side := range []*gitobj.OID{&c.Old, &c.New} {
		id, err := gitobj.ParseOID(f[2+i])
		if err != nil {
			return c, fmt.Errorf("git diff-tree: %w", err)
		}
		if strings.Trim(string(id), "0") != "" {
			*side = id
		}
	}
	return c, nil
}
