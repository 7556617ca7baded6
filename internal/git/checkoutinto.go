package git

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/gitindex"
)

// CheckoutInto lets git write files into a folder outside the work tree, as it
// would check them out: line ends, encodings, ident and filters as their
// attributes ask, except that annexed content is left to the caller. Entries
// with only set to false, such as .gitattributes, are there for git to look at
// and are not written. index is the path of a file that is made and removed.
func (r *Repo) CheckoutInto(ctx context.Context, folder, index string, entries []gitindex.Edit, only func(path string) bool) error {
	defer os.Remove(index)
	run := func(stdin string, args ...string) error {
		plain := []string{"-c", "core.splitIndex=false", "-c", "core.fsmonitor=false", "-c", "index.sparse=false",
			"-c", "filter.annex.smudge=", "-c", "filter.annex.process=", "-c", "filter.annex.required=false"}
		cmd := r.Command(ctx, append(plain, args...)...)
		cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "GIT_INDEX_FILE="+index)
		cmd.Stdin = strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			return commandError(err, args, string(out))
		}
		return nil
	}
	if err := run(indexInfo(r.Format.Zero(), entries), "update-index", "-z", "--index-info"); err != nil {
		return fmt.Errorf("check out: %w", err)
	}
	var names strings.Builder
	for _, e := range entries {
		if only(e.Path) {
			names.WriteString(e.Path + "\x00")
		}
	}
	if err := run(names.String(), "checkout-index", "-q", "-z", "--stdin", "--prefix="+folder+"/"); err != nil {
		return fmt.Errorf("check out: %w", err)
	}
	return nil
}
