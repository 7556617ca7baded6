package dataset

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// FileList lists the files of keys.
type FileList func(...annexkey.Key) map[annexkey.Key][]string

// FilesWithCopies returns a list of files, if attributes may ask for a number of
// copies for some of them; else it lists none.
func (d *Dataset) FilesWithCopies() (FileList, error) {
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return nil, err
	}
	if !d.copiesMatter(index) {
		return func(...annexkey.Key) map[annexkey.Key][]string { return nil }, nil
	}
	return func(keys ...annexkey.Key) map[annexkey.Key][]string { return d.filesOf(index, keys) }, nil
}

// maxDepth is how deep in the tree other links to a key are looked for.
const maxDepth = 64

// filesOf finds every file with one of the keys. A link's text, and so its id,
// follows from the key and the depth of the folder: one pass through the index
// finds all.
func (d *Dataset) filesOf(index *gitindex.File, keys []annexkey.Key) map[annexkey.Key][]string {
	byID := map[string]annexkey.Key{}
	id := func(text []byte) string { return string(d.Repo.Format.HashObject("blob", text).Bytes()) }
	for _, k := range keys {
		byID[id(pointer.Format(k))] = k
		for depth := range maxDepth {
			byID[id([]byte(pointer.LinkTarget(k, strings.Repeat("d/", depth)+"f")))] = k
		}
	}
	files := map[annexkey.Key][]string{}
	index.Walk(func(r *gitindex.Raw) bool {
		if k, ok := byID[string(r.OID())]; ok && r.Mode() != gitobj.ModeGitlink {
			files[k] = append(files[k], string(r.Path))
		}
		return true
	})
	return files
}

// copiesMatter reports whether any attributes file speaks of copies.
func (d *Dataset) copiesMatter(index *gitindex.File) bool {
	files := []string{
		filepath.Join(d.Repo.CommonDir, "info", "attributes"), d.globalAttributes(), systemAttributes,
		d.Repo.Path(".gitattributes"),
	}
	index.Walk(func(r *gitindex.Raw) bool {
		if path := string(r.Path); strings.HasSuffix(path, "/.gitattributes") {
			files = append(files, d.Repo.Path(path))
		}
		return true
	})
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.Contains(string(text), "copies") {
			return true
		}
	}
	return false
}
