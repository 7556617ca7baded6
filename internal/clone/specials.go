package clone

import (
	"context"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/siblings"
)

// enableSpecials enables the special remotes that want to be, and says which
// others there are.
func (p *post) enableSpecials(ctx context.Context) error {
	list, err := siblings.Specials(ctx, p.d)
	if err != nil {
		return err
	}
	var left []string
	for _, s := range list {
		if s.Name == "" || s.Enabled(p.repo.Config) {
			continue
		}
		auto, ok := git.ParseBool(s.Config["autoenable"])
		if !ok {
			p.env.Log.Warn(fmt.Sprintf("Failed to process \"autoenable\" value '%s' for sibling %s in dataset %s as bool.", s.Config["autoenable"], s.Name, p.dest))
			continue
		}
		if !auto {
			left = append(left, s.Name)
			continue
		}
		if err := siblings.Enable(ctx, p.d, s); err != nil {
			if ctx.Err() != nil {
				return err
			}
			p.env.Log.Warn(fmt.Sprintf("special remote %s cannot be enabled by itself: %v", s.Name, err))
		}
	}
	if len(left) > 0 {
		p.env.Log.Info(notEnabled(p.dest, left))
	}
	return nil
}

// notEnabled is DataLad's advice.
func notEnabled(dest string, names []string) string {
	noun, which := "sibling", names[0]
	if len(names) > 1 {
		noun, which = "siblings", "SIBLING"
	}
	return fmt.Sprintf("access to dataset %s %s not auto-enabled, enable with:\n\t\tdatalad siblings -d \"%s\" enable -s %s", noun, strings.Join(names, ", "), dest, which)
}
