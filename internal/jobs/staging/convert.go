package staging

import (
	"context"
	"io/fs"
	"path"

	"github.com/stemma-data/stemma/internal/jobs/nested"
	"github.com/stemma-data/stemma/internal/stage"
)

// selectConverted finds the files whose content git changes on its way to a
// work tree.
func (s *Staging) selectConverted(ctx context.Context) error {
	known := map[*nested.Level]func(string) (bool, error){}
	converts := func(rel string) (bool, error) {
		l, inside := s.Files.Level(rel)
		if known[l] == nil {
			known[l] = s.converter(ctx, l)
		}
		return known[l](inside)
	}
	var rest []stage.File
	for _, f := range s.list {
		convert := false
		if _, annexed := s.keys[f.Path]; f.Link == "" && !annexed {
			var err error
			if convert, err = converts(f.Path); err != nil {
				return err
			}
		}
		if convert {
			s.convert = append(s.convert, f.Path)
		} else {
			rest = append(rest, f)
		}
	}
	s.list = rest
	return s.Files.Err
}

// converter knows the attributes that a dataset has committed.
func (s *Staging) converter(ctx context.Context, l *nested.Level) func(rel string) (bool, error) {
	return l.Dataset.Converter(func(dir string) ([]byte, error) {
		e, ok, err := l.View.Lookup(ctx, path.Join(".", dir, ".gitattributes"))
		if err == nil && (!ok || !e.Mode.IsRegular()) {
			err = fs.ErrNotExist
		}
		if err != nil {
			return nil, err
		}
		return l.Dataset.Repo.SmallBlob(ctx, e.OID, maxAttributes)
	})
}

// maxAttributes bounds a .gitattributes file, as git does.
const maxAttributes = 100 << 20

// attributeFiles names the files that may say how others are converted.
func attributeFiles(paths []string) (list []string) {
	seen := map[string]bool{}
	for _, p := range paths {
		for dir := path.Dir(p); !seen[dir]; dir = path.Dir(dir) {
			seen[dir] = true
			list = append(list, path.Join(dir, ".gitattributes"))
		}
	}
	return list
}
