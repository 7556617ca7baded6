package publish

import (
	"slices"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/siblings"
)

// defaultTarget is where git pushes the branch to by itself, or "".
func defaultTarget(d *dataset.Dataset, branch string) string {
	return gitTarget(d.Repo.Config, siblings.Names(d), branch)
}

// gitTarget is the rule of git-push without arguments: the remote, unless
// push.default forbids to push the branch there.
func gitTarget(cfg *git.Config, remotes []string, branch string) string {
	of := "branch." + branch + "."
	upstream := firstOf(cfg.Get(of+"remote"), sole(remotes), "origin")
	to := firstOf(cfg.Get(of+"pushremote"), cfg.Get("remote.pushdefault"), upstream)
	if to == "." || to == "origin" && !slices.Contains(remotes, to) {
		return ""
	}
	if len(cfg.All("remote."+to+".push")) > 0 {
		return to
	}
	merge := cfg.Get(of + "merge")
	if cfg.Get(of+"remote") == "" {
		merge = ""
	}
	may := false
	switch cfg.Get("push.default") {
	case "nothing":
	case "current", "matching":
		may = true
	case "upstream", "tracking":
		may = to == upstream && merge != ""
	default: // simple
		may = to != upstream || merge == "refs/heads/"+branch
	}
	if !may {
		return ""
	}
	return to
}

// sole is the only one of the names, or "".
func sole(names []string) string {
	if len(names) != 1 {
		return ""
	}
	return names[0]
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
