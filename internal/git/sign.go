package git

import (
	"context"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// SignCommit makes a signed copy of a commit through `git commit-tree -S`,
// with the user's key and program.
func (r *Repo) SignCommit(ctx context.Context, id gitobj.OID, who Identities) (gitobj.OID, error) {
	typ, content, err := r.Object(ctx, string(id), -1)
	if err != nil {
		return "", err
	}
	if typ != "commit" {
		return "", fmt.Errorf("sign %s: no such commit", id)
	}
	head, message, _ := strings.Cut(string(content), "\n\n")
	args := []string{"-c", "core.fsync=all", "commit-tree", "-S"}
	var tree string
	for _, l := range strings.Split(head, "\n") {
		if v, ok := strings.CutPrefix(l, "tree "); ok {
			tree = v
		} else if v, ok := strings.CutPrefix(l, "parent "); ok {
			args = append(args, "-p", v)
		}
	}
	cmd := r.Command(ctx, append(args, tree)...)
	cmd.Env = append(append([]string{}, cmd.Env...), identityEnv("AUTHOR", who.Author)...)
	cmd.Env = append(cmd.Env, identityEnv("COMMITTER", who.Committer)...)
	cmd.Stdin = strings.NewReader(message)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", commandError(err, []string{"commit-tree"}, stderr.String())
	}
	return gitobj.ParseOID(strings.TrimSpace(string(out)))
}

func identityEnv(role string, i gitobj.Identity) []string {
	return []string{
		"GIT_" + role + "_NAME=" + i.Name, "GIT_" + role + "_EMAIL=" + i.Email,
		fmt.Sprintf("GIT_%s_DATE=@%d %s", role, i.When.Unix(), i.When.Format("-0700")),
	}
}
