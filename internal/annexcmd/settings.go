package annexcmd

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
)

// Describe gives a repository a description.
func (s *Session) Describe(ctx context.Context, uuid, text string) error {
	return s.setValue(ctx, annexlog.UUIDFile, uuid, text)
}

// SetTrust sets how far a repository counts.
func (s *Session) SetTrust(ctx context.Context, uuid string, level annexlog.Trust) error {
	if level == annexlog.Dead {
		// A dead repository is in no group either, like in git-annex.
		if r, err := s.Repositories(ctx); err != nil {
			return err
		} else if len(r.Groups(uuid)) > 0 {
			if err := s.setValue(ctx, annexlog.GroupFile, uuid, ""); err != nil {
				return err
			}
		}
	}
	return s.setValue(ctx, annexlog.TrustFile, uuid, level.String())
}

// MarkDead says that nobody shall miss the key.
func (s *Session) MarkDead(ctx context.Context, k annexkey.Key) error {
	path := annexlog.LocationPath(k)
	old, err := s.Log(ctx, path)
	if err != nil {
		return err
	}
	if _, _, err := annexlog.ParsePresence(old).MarkDead(); err != nil {
		return errs.WithHint(fmt.Errorf("%s: %w", k, err), "drop it from there first")
	}
	return s.Change(ctx, annex.LogEdit{Path: path, Change: func(old []byte) []byte {
		out, changed, err := annexlog.ParsePresence(old).MarkDead()
		if err != nil || !changed {
			return old
		}
		return out
	}})
}

// copiesLog is the log of numcopies or mincopies.
func copiesLog(name string) string {
	if name == "mincopies" {
		return annexlog.MinCopiesFile
	}
	return annexlog.NumCopiesFile
}

// GlobalCopies is the repository-wide number.
func (s *Session) GlobalCopies(ctx context.Context, name string) (int, bool, error) {
	data, err := s.Log(ctx, copiesLog(name))
	n, ok := annexlog.ParseCopies(data)
	return n, ok, err
}

// SetGlobalCopies sets the repository-wide number.
func (s *Session) SetGlobalCopies(ctx context.Context, name string, n int) error {
	now := s.clock()
	return s.Change(ctx, annex.LogEdit{Path: copiesLog(name), Change: func(old []byte) []byte {
		out, err := annexlog.SetSingle(old, strconv.Itoa(n), now)
		if err != nil {
			return old
		}
		return out
	}})
}

// SetGroup puts a repository into a group, or takes it out.
func (s *Session) SetGroup(ctx context.Context, uuid, group string, in bool) error {
	if strings.ContainsAny(group, " \t\n\r") || group == "" {
		return fmt.Errorf("group %q: a name of one word is needed", group)
	}
	r, err := s.Repositories(ctx)
	if err != nil {
		return err
	}
	groups := slices.DeleteFunc(r.Groups(uuid), func(g string) bool { return g == group })
	if in {
		groups = append(groups, group)
	}
	slices.Sort(groups)
	return s.setValue(ctx, annexlog.GroupFile, uuid, annexlog.FormatGroups(groups))
}

// Setting is one value of a log at the top of the branch; "" where it has none.
func (s *Session) Setting(ctx context.Context, log, field string) (string, error) {
	data, err := s.Log(ctx, log)
	parse := annexlog.ParseUUIDLog
	if log == annexlog.ConfigFile || log == annexlog.GroupPreferredContentFile {
		parse = annexlog.ParseMapLog
	}
	e, _ := parse(data).Get(field)
	return e.Value, err
}

// SetExpression stores an expression of preferred content, once it has been
// understood.
func (s *Session) SetExpression(ctx context.Context, log, field, text string) error {
	if err := s.CheckExpression(ctx, text); err != nil {
		return fmt.Errorf("Parse error: %w", err)
	}
	return s.setValue(ctx, log, field, text)
}

// Switch is a setting of this clone or, without one, of all clones.
func (s *Session) Switch(ctx context.Context, name string) (bool, error) {
	return s.SwitchOr(ctx, name, false)
}

// SwitchOr is Switch with what it is where nothing says it.
func (s *Session) SwitchOr(ctx context.Context, name string, otherwise bool) (bool, error) {
	switch all, err := s.Setting(ctx, annexlog.ConfigFile, name); {
	case err != nil:
		return false, err
	case all == "true" || all == "yes" || all == "on" || all == "1":
		otherwise = true
	case all == "false" || all == "no" || all == "off" || all == "0":
		otherwise = false
	}
	return s.D.Repo.Config.Bool(name, otherwise), nil
}

// branchSettings are what git-annex takes from its branch.
var branchSettings = []string{
	"annex.largefiles", "annex.dotfiles", "annex.addunlocked", "annex.autocommit",
	"annex.resolvemerge", "annex.synccontent", "annex.synconlyannex", "annex.securehashesonly",
}

// CheckConfig refuses the names of settings that clones do not share.
func CheckConfig(name string) error {
	if !slices.Contains(branchSettings, strings.ToLower(name)) {
		return errs.WithHint(fmt.Errorf("%s is not a configuration setting that can be stored in the git-annex branch", name), "use `git config` for this clone")
	}
	return nil
}

// SetConfig stores a setting for all clones.
func (s *Session) SetConfig(ctx context.Context, name, value string) error {
	if err := CheckConfig(name); err != nil {
		return err
	}
	return s.setValue(ctx, annexlog.ConfigFile, name, value)
}
