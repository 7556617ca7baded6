package annexcli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
)

// batch are the options of commands that read what to do from standard input.
type batch struct{ on, keys, null bool }

func (b *batch) flags(f *pflag.FlagSet, withKeys bool) {
	f.BoolVar(&b.on, "batch", false, "read files from standard input, one a line")
	if withKeys {
		f.BoolVar(&b.keys, "batch-keys", false, "read keys from standard input, one a line")
	}
	f.BoolVarP(&b.null, "null", "z", false, "lines of the batch end in a zero byte")
}

func (b *batch) any() bool { return b.on || b.keys }

// maxBatchLine bounds a line of the batch, in bytes.
const maxBatchLine = 1 << 20

// lines calls fn for each line until standard input ends.
func (c *call) lines(null bool, fn func(line string) error) error {
	end := byte('\n')
	if null {
		end = 0
	}
	c.out.live = true
	r := bufio.NewReaderSize(c.Stdin, 1<<16)
	for {
		line, err := r.ReadString(end)
		if len(line) > maxBatchLine {
			return fmt.Errorf("batch: a line is longer than %d bytes", maxBatchLine)
		}
		if line != "" {
			line = strings.TrimSuffix(strings.TrimSuffix(line, string(end)), "\r")
			if ferr := fn(line); ferr != nil {
				return ferr
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
	}
}

// batchFiles runs visit for each file or key of the batch. A line that it
// does nothing about is answered by an empty one.
func (c *call) batchFiles(s *annexcmd.Session, b batch, m *annexcmd.Matcher, visit func(annexcmd.File) (bool, error)) error {
	s.Shared = true
	err := c.lines(b.null, func(line string) error {
		if err := c.inTime(); err != nil {
			return err
		}
		f, ok, err := batchFile(c, s, b, line)
		if err == nil && ok {
			ok, err = m.Match(f)
		}
		if err == nil && ok {
			ok, err = c.passes(f.Key)
		}
		if err == nil && ok {
			ok, err = visit(f)
		}
		if err != nil || ok {
			return err
		}
		return c.out.line("\n")
	})
	if errors.Is(err, errLimit) {
		return nil
	}
	return err
}

func batchFile(c *call, s *annexcmd.Session, b batch, line string) (annexcmd.File, bool, error) {
	if b.keys {
		k, err := parseKey(line)
		if err != nil {
			return annexcmd.File{}, false, err
		}
		return annexcmd.KeyFile(k, line), true, nil
	}
	return s.FileOf(c.ctx, line)
}

func parseKey(text string) (annexkey.Key, error) {
	k, err := annexkey.Parse(text)
	if err == nil {
		err = k.Safe()
	}
	if err != nil {
		return k, errors.New("bad key " + text)
	}
	return k, nil
}
