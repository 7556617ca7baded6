package annexcli

import (
	"fmt"
	"slices"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/screen"
)

// trustOption is --untrust and its like, which are heard in their order.
type trustOption struct {
	list  *[]annexcmd.TrustOverride
	level annexlog.Trust
}

func (o *trustOption) String() string { return "" }

// Type names the value in the help text.
func (o *trustOption) Type() string { return "REPOSITORY" }

// Set takes one more repository.
func (o *trustOption) Set(name string) error {
	*o.list = append(*o.list, annexcmd.TrustOverride{Repository: name, Level: o.level})
	return nil
}

// trusts are the overrides that count, for all that a session does. More trust
// than configured is not given: what a command then deletes might have been the
// last copy.
func (c *call) trusts() []annexcmd.TrustOverride {
	return slices.DeleteFunc(slices.Clone(c.common.trust), func(o annexcmd.TrustOverride) bool { return o.Level == annexlog.Trusted })
}

// checkTrust refuses overrides for repositories that nobody knows.
func (c *call) checkTrust(s *annexcmd.Session) error {
	if len(c.common.trust) == 0 {
		return nil
	}
	r, err := s.Repositories(c.ctx)
	if err != nil {
		return err
	}
	for _, o := range c.common.trust {
		if _, err := r.Resolve(o.Repository); err != nil {
			return err
		}
		if o.Level == annexlog.Trusted {
			fmt.Fprintln(screen.Filter(c.Stderr), "git-annex: Ignoring request to trust repository, because that can lead to data loss.")
		}
	}
	return nil
}
