package gitindex

import (
	"bytes"
	"cmp"
	"sort"
)

// split is what a split index says beside its shared file: which of that one's
// entries are gone, what took the place of others, and what is new
// (gitformat-index(5), "Split index").
type split struct {
	base     *shared
	id       []byte // the shared file's checksum, which names it
	deleted  bitmap
	replaced bitmap
	heads    map[int]own // by the replaced entry's number
	added    []own       // sorted
}

// own is an entry that stands in the split index itself. A replacement has no
// path of its own.
type own struct {
	path  []byte
	head  []byte
	flags uint16
	extra uint16
}

func ownOf(r *Raw) own {
	return own{path: bytes.Clone(r.Path), head: r.head, flags: r.flags, extra: r.extra}
}

func (o *own) raw(path []byte, hash int) Raw {
	return Raw{Path: path, head: o.head, hash: hash, flags: o.flags, extra: o.extra}
}

func (o *own) stage() int { return int(o.flags&flagStage) >> 12 }

// scanSplit checks a split index. dir is the folder of its shared file.
func (f *File) scanSplit(dir string) error {
	limit := len(f.data) - f.format.Size()
	f.nameless, f.blocks = true, []block{{off: headerLen}}
	c := f.start(0)
	var entries []own
	for range f.count {
		stage := c.raw.Stage()
		c.keepPrev()
		if err := c.decode(limit); err != nil {
			return err
		}
		if len(c.raw.Path) > 0 || len(c.prev) > 0 {
			if err := c.checkEntry(stage); err != nil {
				return err
			}
		}
		entries = append(entries, ownOf(&c.raw))
	}
	f.end, f.exts = c.raw.end, nil
	if err := f.scanExtensions(limit); err != nil {
		return err
	}
	return f.linkShared(dir, entries)
}

// linkShared reads the extension that makes an index a split one.
func (f *File) linkShared(dir string, entries []own) error {
	size := f.format.Size()
	if len(f.link) < size || len(bytes.Trim(f.link[:size], "\x00")) == 0 {
		return unsupported("split index without a shared one")
	}
	s := &split{id: f.link[:size], heads: map[int]own{}}
	var err error
	if s.base, err = openShared(dir, s.id, f.format); err != nil {
		return err
	}
	if rest := f.link[size:]; len(rest) == 0 {
		s.deleted, s.replaced = newBitmap(s.base.count), newBitmap(s.base.count)
	} else {
		var n, m int
		if s.deleted, n = readEWAH(rest, s.base.count); n > 0 {
			s.replaced, m = readEWAH(rest[n:], s.base.count)
		}
		if n == 0 || m == 0 || n+m != len(rest) {
			return corrupt(f.end, "bitmaps of a split index")
		}
	}
	short := false
	s.replaced.each(func(i int) {
		if short = short || len(entries) == 0 || len(entries[0].path) > 0; !short {
			s.heads[i], entries = entries[0], entries[1:]
		}
	})
	if short || len(entries) > 0 && len(entries[0].path) == 0 {
		return corrupt(headerLen, "replacements of a split index")
	}
	s.added, f.split = entries, s
	f.count = s.base.count - s.deleted.len() + len(s.added)
	return nil
}

// walk visits the entries at path and behind it in index order.
func (s *split) walk(path string, hash int, fn func(r *Raw) bool) {
	added := s.added[sort.Search(len(s.added), func(i int) bool { return string(s.added[i].path) >= path }):]
	going := true
	next := func() {
		r := added[0].raw(added[0].path, hash)
		added, going = added[1:], fn(&r)
	}
	s.base.from(path, func(number int, r *Raw) bool {
		for going && len(added) > 0 && before(&added[0], r) {
			next()
		}
		if !going || s.deleted.has(number) {
			return going
		}
		if o, ok := s.heads[number]; ok {
			mine := o.raw(r.Path, hash)
			r = &mine
		}
		going = fn(r)
		return going
	})
	for going && len(added) > 0 && s.base.failure() == nil {
		next()
	}
}

func before(o *own, r *Raw) bool {
	return cmp.Or(bytes.Compare(o.path, r.Path), cmp.Compare(o.stage(), r.Stage())) < 0
}

// Shared names the file that a split index shares with older versions of
// itself, or "". Git deletes such files when they have not been used for weeks,
// by their modification time.
func (f *File) Shared() string {
	if f.split == nil {
		return ""
	}
	return f.split.base.path
}

// Err tells whether a part of a split index turned out to be unreadable; then
// entries were not found that may be there. It is always nil for others.
func (f *File) Err() error {
	if f.split == nil {
		return nil
	}
	return f.split.base.failure()
}
