package annexcli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/remote"
)

func newTestRemote(f *pflag.FlagSet) func(*call, []string) error {
	size := f.String("size", "1MiB", "about `SIZE` bytes are stored")
	readOnly := f.String("test-readonly", "", "store and remove nothing: get the content of the `FILE`")
	return func(c *call, args []string) error {
		if len(args) != 1 {
			return misuse{errors.New("Missing: REMOTE")}
		}
		n, ok := remote.ParseSize(*size)
		if !ok || n <= 0 {
			return misuse{fmt.Errorf("option --size: bad size %q", *size)}
		}
		return c.reading(func(s *annexcmd.Session) error {
			t := tally{remote: args[0]}
			err := s.TestRemote(c.ctx, args[0], annexcmd.TestRemoteOptions{Size: n, ReadOnly: *readOnly}, func(r annexcmd.Trial) {
				c.out.line(t.line(r))
				c.out.flush()
			})
			if err != nil {
				return err
			}
			item := annexcmd.Item{Command: "testremote", NoFile: true}
			return c.out.print(annexcmd.Outcome{Item: item, Failed: t.failed > 0, Text: t.verdict()})
		})
	}
}

// tally shows trials in groups, as git-annex does, and counts them.
type tally struct {
	remote, group string
	all, failed   int
}

func (t *tally) line(r annexcmd.Trial) string {
	text := ""
	if t.all == 0 {
		text = "testremote " + t.remote + " Remote Tests\n"
	}
	if r.Group != t.group {
		t.group = r.Group
		text += "  " + r.Group + "\n"
	}
	t.all++
	verdict := "OK"
	if r.Err != nil {
		t.failed++
		verdict = fmt.Sprintf("FAIL\n      Exception: %v", r.Err)
	}
	return text + fmt.Sprintf("    %-48s %s\n", r.Name+":", verdict)
}

func (t *tally) verdict() string {
	if t.failed > 0 {
		return fmt.Sprintf("\n%d out of %d tests failed\nfailed\n", t.failed, t.all)
	}
	return fmt.Sprintf("\nAll %d tests passed\nok\n", t.all)
}
