package run

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/runrec"
)

// past is one commit of the range.
type past struct {
	id           gitobj.OID
	parents      []gitobj.OID
	short        string // abbreviated as git does it here
	author, date string // ISO 8601
	message      string // kept for merges only
	title        string
	record       *runrec.Record // nil: not made by a recorded command
	sidecar      string         // file that the record is in, until it is read
}

// history reads the range, parents first, with one process, and the records of
// its commits.
func (r *rerun) history(ctx context.Context) ([]*past, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends git if its output is not read to the end
	args := []string{"log", "--reverse", "--topo-order", "-z", "--no-show-signature", "--no-color", "--encoding=UTF-8",
		"--format=%H%x00%P%x00%h%x00%an%x00%aI%x00%B"}
	cmd := r.d.Repo.Command(ctx, append(append(args, r.rangeArgs()...), "--")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	list, err := readLog(out)
	cancelled := err != nil
	if cancelled {
		cancel()
	}
	if werr := cmd.Wait(); werr != nil && !cancelled {
		return nil, fmt.Errorf("read history: %s: %w", strings.TrimSpace(stderr.String()), werr)
	}
	if err != nil {
		return nil, err
	}
	return list, r.readSidecars(ctx, list)
}

// readLog reads commits as history asks for them.
func readLog(out io.Reader) ([]*past, error) {
	in := bufio.NewReaderSize(out, 1<<16)
	var list []*past
	for {
		var f [6]string
		for i := range f {
			var err error
			if f[i], err = readField(in); err == io.EOF && i == 0 && f[0] == "" {
				return list, nil
			} else if err != nil {
				return nil, fmt.Errorf("read history: %w", err)
			}
		}
		c := &past{short: f[2], author: f[3], date: f[4], message: f[5]}
		var err error
		if c.id, err = gitobj.ParseOID(f[0]); err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		for _, p := range strings.Fields(f[1]) {
			c.parents = append(c.parents, gitobj.OID(p))
		}
		if err := c.parse(); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
}

// readField reads up to the next NUL; of a longer text than any record may be,
// only the beginning is kept.
func readField(in *bufio.Reader) (string, error) {
	var text []byte
	for {
		part, err := in.ReadSlice(0)
		if room := runrec.MaxSize + 2 - len(text); len(part) > room {
			text = append(text, part[:max(room, 0)]...)
		} else {
			text = append(text, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return strings.TrimSuffix(string(text), "\x00"), err
		}
	}
}

// parse finds the record in the message. Those of jobs do not count: they are
// not for this machine.
func (c *past) parse() error {
	message := c.message
	if len(c.parents) < 2 {
		c.message = ""
	}
	if !strings.HasPrefix(message, "["+string(runrec.RunKind)+"] ") {
		return nil
	}
	found, err := runrec.Parse(message)
	if errors.Is(err, runrec.ErrNoRecord) {
		return nil
	}
	if err != nil {
		return c.damaged(err)
	}
	c.title, c.record, c.sidecar = found.Title, found.Record, found.RecordID
	return nil
}

// damaged names the commit whose record cannot be used, in DataLad's words.
func (c *past) damaged(err error) error {
	return fmt.Errorf("Error on %s's message -caused by- %w", c.id, err)
}
