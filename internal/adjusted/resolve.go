package adjusted

import (
	"context"
	"crypto/md5"
	"fmt"
	"path"
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

// conflicts lists what git could not merge.
func (o *outside) conflicts(ctx context.Context) (list []conflict, err error) {
	out, err := o.Output(ctx, "ls-files", "-u", "-z")
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
// kind, with the one at NAME.
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

// resolve puts both versions of annexed files side by side, as git-annex does;
// it is false where a conflict has nothing to do with annexed files.
func (o *outside) resolve(ctx context.Context, d *dataset.Dataset, list []conflict) (bool, error) {
	var index strings.Builder
	for _, c := range list {
		entries, ok, err := c.resolved(ctx, d)
		if err != nil || !ok {
			return false, err
		}
		for _, name := range []string{c.path, c.sibling} {
			if name != "" {
				fmt.Fprintf(&index, "0 %s\t%s\x00", d.Repo.Format.Zero(), name)
			}
		}
		for name, e := range entries {
			fmt.Fprintf(&index, "%s %s\t%s\x00", e.Mode, e.OID, name)
		}
	}
	_, err := o.OutputWith(ctx, []byte(index.String()), "update-index", "-z", "--index-info")
	return err == nil, err
}

// resolved are the files that take the place of one.
func (c conflict) resolved(ctx context.Context, d *dataset.Dataset) (map[string]git.TreeEntry, bool, error) {
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
		files[c.path] = c.unlocked()
		return files, true, nil
	}
	for _, side := range []struct {
		key     annexkey.Key
		annexed bool
		e       git.TreeEntry
	}{{our, oursAnnexed, c.ours}, {their, theirsAnnexed, c.them}} {
		switch {
		case side.annexed:
			name := variant(c.path, side.key)
			if files[name], err = moved(ctx, d, side.e, side.key, name); err != nil {
				return nil, false, err
			}
		case side.e.OID != "":
			files[c.path] = side.e
		}
	}
	return files, true, nil
}

// unlocked is the side of two with the same content that is not a link, if one is.
func (c conflict) unlocked() git.TreeEntry {
	if c.ours.Mode == gitobj.ModeSymlink {
		return c.them
	}
	return c.ours
}

// moved is an annexed file under another name, in the same folder.
func moved(ctx context.Context, d *dataset.Dataset, e git.TreeEntry, k annexkey.Key, name string) (git.TreeEntry, error) {
	if e.Mode != gitobj.ModeSymlink {
		return e, nil
	}
	out, err := d.Repo.OutputWith(ctx, []byte(pointer.LinkTarget(k, name)), "hash-object", "-w", "--stdin")
	if err == nil {
		e.OID, err = gitobj.ParseOID(strings.TrimSpace(string(out)))
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
