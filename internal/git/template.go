package git

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
)

// PlainTemplate is what is added to the environment of `git init` and `git
// clone` so that they leave out git's own template, unless the user has chosen
// another one or args do: of its fourteen files, samples of hooks mostly, each
// of a thousand subdatasets would get its copies. TemplateFolders must follow.
func PlainTemplate(ctx context.Context, env, args []string) []string {
	for _, kv := range env {
		if strings.HasPrefix(kv, "GIT_TEMPLATE_DIR=") {
			return nil
		}
	}
	if slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--t") }) {
		return nil
	}
	user, err := UserConfig(ctx, env)
	if err != nil || user.Get("init.templatedir") != "" {
		return nil
	}
	return []string{"GIT_TEMPLATE_DIR="}
}

// TemplateFolders makes the folders that people and programs expect in a new
// repository's git folder.
func (r *Repo) TemplateFolders() error {
	for _, name := range []string{"hooks", "info"} {
		if err := r.MakeShared(filepath.Join(r.CommonDir, name)); err != nil {
			return err
		}
	}
	return nil
}
