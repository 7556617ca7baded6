package annexmerge

import (
	"context"
	"crypto/md5"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// conflict is a path that a merge stopped at. A side that lacks it has the zero
// entry.
type conflict struct {
	path       string
	sibling    string // where git has put the other side, if it has another name
	ours, them git.TreeEntry
}

// runner runs git where the conflicts are.
type runner interface {
	Output(ctx context.Context, args ...string) ([]byte, error)
	OutputWith(ctx context.Context, stdin []byte, args ...string) ([]byte, error)
}

// conflicts lists what git could not merge.
func conflicts(ctx context.Context, r runner) (list []conflict, err error) {
	out, err := r.Output(ctx, "ls-files", "-u", "-z", "--full-name", "--", ":/")
	if err != nil {
		return nil, err
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		head, name, _ := strings.Cut(line, "\t")
		w := strings.Fields(head)
		if len(w) != 3 {
			continue
		}
		if len(list) == 0 || list[len(list)-1].path != name {
			list = append(list, conflict{path: name})
		}
		c := &list[len(list)-1]
		e := git.TreeEntry{OID: gitobj.OID(w[1])}
		if e.Mode, err = gitobj.ParseMode(w[0]); err != nil {
			return nil, err
		}
		switch w[2] {
		case "2":
			c.ours = e
		case "3":
			c.them = e
		}
	}
	return withSiblings(list), nil
}

// withSiblings joins a side that git has put to NAME~REF, for it is of another
// kind, with the one at NAME. git-annex takes any two neighbours for such sides
// of which the first is only theirs and the second only ours, and so gives a
// version the name of another file; its contents are the same.
func withSiblings(list []conflict) (joined []conflict) {
	for _, c := range list {
		if n := len(joined); n > 0 {
			last := &joined[n-1]
			oneEach := last.them.OID == "" && c.ours.OID == "" || last.ours.OID == "" && c.them.OID == ""
			if strings.HasPrefix(c.path, last.path+"~") && last.sibling == "" && oneEach {
				last.sibling = c.path
				if last.ours.OID == "" {
					last.ours = c.ours
				} else {
					last.them = c.them
				}
				continue
			}
		}
		joined = append(joined, c)
	}
	return joined
}

// paths names the conflicts.
func paths(list []conflict) []string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = c.path
	}
	return names
}

// resolution is what takes the place of conflicts in the index.
type resolution struct {
	gone  []string // the paths that were in conflict
	files map[string]git.TreeEntry
}

// resolve puts both versions of annexed files side by side, as git-annex does.
// The conflicts that it leaves have nothing to do with annexed files.
func resolve(ctx context.Context, d *dataset.Dataset, list []conflict) (r resolution, left []conflict, err error) {
	r.files = map[string]git.TreeEntry{}
	w := d.Repo.WriteObjects(ctx)
	defer w.Abort()
	for _, c := range list {
		entries, ok, err := c.resolved(ctx, d, w)
		if err != nil {
			return r, nil, err
		}
		if !ok {
			left = append(left, c)
			continue
		}
		for _, name := range []string{c.path, c.sibling} {
			if name != "" {
				r.gone = append(r.gone, name)
			}
		}
		maps.Copy(r.files, entries)
	}
	if len(r.files) == 0 {
		return r, list, nil
	}
	return r, left, w.Close()
}

// names are those of the files.
func (r resolution) names() []string { return slices.Sorted(maps.Keys(r.files)) }

// stage puts it into an index.
func (r resolution) stage(ctx context.Context, d *dataset.Dataset, in runner) error {
	var index strings.Builder
	for _, name := range r.gone {
		fmt.Fprintf(&index, "0 %s\t%s\x00", d.Repo.Format.Zero(), name)
	}
	for _, name := range r.names() {
		e := r.files[name]
		fmt.Fprintf(&index, "%s %s\t%s\x00", e.Mode, e.OID, name)
	}
	_, err := in.OutputWith(ctx, []byte(index.String()), "update-index", "-z", "--index-info")
	return err
}

// resolved are the files that take the place of one.
func (c conflict) resolved(ctx context.Context, d *dataset.Dataset, w *git.ObjectWriter) (map[string]git.TreeEntry, bool, error) {
	if c.ours.OID == "" && c.them.OID == "" { // renamed on both sides, to names of their own
		return nil, true, nil
	}
	our, oursAnnexed, err := d.BlobKey(ctx, c.ours.Mode, c.ours.OID)
	if err != nil {
		return nil, false, err
	}
	their, theirsAnnexed, err := d.BlobKey(ctx, c.them.Mode, c.them.OID)
	if err != nil || !oursAnnexed && !theirsAnnexed {
		return nil, false, err
	}
	files := map[string]git.TreeEntry{}
	if oursAnnexed && theirsAnnexed && our == their {
		files[c.path], err = moved(w, c.either(), our, c.path)
		return files, err == nil, err
	}
	for _, side := range []struct {
		key     annexkey.Key
		annexed bool
		e       git.TreeEntry
	}{{our, oursAnnexed, c.ours}, {their, theirsAnnexed, c.them}} {
		switch {
		case side.annexed:
			name := variant(c.path, side.key)
			if files[name], err = moved(w, side.e, side.key, name); err != nil {
				return nil, false, err
			}
		case side.e.OID != "":
			files[c.path] = side.e
		}
	}
	return files, true, nil
}

// either is the file of two sides with the same content: not a link if one is
// none, and a program if one is.
func (c conflict) either() git.TreeEntry {
	if c.ours.Mode == gitobj.ModeSymlink || c.them.Mode == gitobj.ModeExec {
		return c.them
	}
	return c.ours
}

// moved is an annexed file under another name, in the same folder.
func moved(w *git.ObjectWriter, e git.TreeEntry, k annexkey.Key, name string) (_ git.TreeEntry, err error) {
	if e.Mode == gitobj.ModeSymlink {
		e.OID, err = w.WriteBlob([]byte(pointer.LinkTarget(k, name)))
	}
	return e, err
}

const variantMark = ".variant-"

// variant is the name that git-annex gives to one of several versions of a file.
func variant(name string, k annexkey.Key) string {
	dir, base := path.Split(name)
	ext := path.Ext(base)
	id := fmt.Sprintf("%x", md5.Sum([]byte(k.String())))[:4]
	if strings.Contains(name, variantMark) {
		id = k.File()
	}
	return dir + strings.TrimSuffix(base, ext) + variantMark + id + ext
}
