package siblings

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
)

// Enable configures a special remote as git-annex does when it enables one by
// itself: with what the git-annex branch says, and nothing that only the user
// knows.
func Enable(ctx context.Context, d *dataset.Dataset, s Special) error {
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if d.Repo.Config.Get("remote."+s.Name+".url") != "" && !s.Enabled(d.Repo.Config) {
		return errs.WithHint(fmt.Errorf("another remote is called %s already", s.Name), "rename that one: git remote rename %s NEW", s.Name)
	}
	edits, err := s.settings()
	if err != nil {
		return err
	}
	return d.Repo.SetConfig(edits...)
}

// settings are the variables by which git-annex knows the remote again.
func (s Special) settings() ([]git.ConfigEdit, error) {
	key := func(variable, value string) git.ConfigEdit { return git.Set("remote."+s.Name+"."+variable, value) }
	edits := []git.ConfigEdit{key("annex-uuid", s.content())}
	if s.content() != s.UUID {
		edits = append(edits, key("annex-config-uuid", s.UUID))
	}
	switch t := s.Config["type"]; t {
	case "external":
		if strings.ContainsAny(s.Type(), "/\\\n") {
			return nil, fmt.Errorf("externaltype %q is no name of a program", s.Type())
		}
		if !native(s.Type()) {
			if _, err := exec.LookPath("git-annex-remote-" + s.Type()); err != nil {
				return nil, errs.WithHint(fmt.Errorf("there is no program git-annex-remote-%s", s.Type()), "install it, then: datalad siblings enable -s %s", s.Name)
			}
		}
		edits = append([]git.ConfigEdit{key("annex-externaltype", s.Type())}, edits...)
		if native(s.Type()) {
			edits = append(edits, key("annex-cost", "100.0"), key("annex-availability", "GloballyAvailable"))
		}
		return edits, nil
	case "httpalso":
		return append([]git.ConfigEdit{key("annex-httpalso", "true")}, edits...), nil
	case "S3":
		return append([]git.ConfigEdit{key("annex-s3", "true")}, edits...), nil
	case "rsync":
		return append([]git.ConfigEdit{key("annex-rsyncurl", s.Config["rsyncurl"])}, edits...), nil
	case "git":
		if err := git.CheckUntrustedURL(s.Config["location"]); err != nil {
			return nil, err
		}
		return []git.ConfigEdit{key("url", s.Config["location"]), key("fetch", "+refs/heads/*:refs/remotes/"+s.Name+"/*")}, nil
	case "directory":
		return nil, fmt.Errorf("Specify directory=")
	default:
		return nil, errs.WithHint(fmt.Errorf("special remotes of type %s are not enabled here", t), "git annex enableremote %s", s.Name)
	}
}

// native are the external types that need no program.
func native(externalType string) bool { return externalType == "ora" }
