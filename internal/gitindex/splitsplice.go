package gitindex

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"sort"
)

// maxOwnShare is how much of a split index may stand in the index itself, in
// per cent, before git is left to make a new shared one (its own default).
const maxOwnShare = 20

// splitPlan is a split index that is being changed. The shared file stays.
type splitPlan struct {
	*split
	hash     int
	deleted  bitmap
	replaced bitmap
	heads    map[int]own
	gone     []bool // by the number in split.added
	fresh    []own
	mine     map[int]bool // numbers in the shared file that edits replaced
	stale    []string
}

// splicedSplit applies the edits, which come from prepare.
func (f *File) splicedSplit(edits []Edit, racy uint32, unchanged func([]byte, Stat) bool) (*splitPlan, error) {
	s := f.split
	p := &splitPlan{split: s, hash: f.format.Size(), deleted: slices.Clone(s.deleted), replaced: slices.Clone(s.replaced),
		heads: maps.Clone(s.heads), gone: make([]bool, len(s.added)), mine: map[int]bool{}}
	for i := range edits {
		p.add(&edits[i])
	}
	if racy != 0 {
		p.smudge(racy, unchanged)
	}
	if err := s.base.failure(); err != nil {
		return nil, err
	}
	slices.Sort(p.stale)
	p.stale = slices.Compact(p.stale)
	if n := len(p.heads) + len(s.added) + len(p.fresh); n*100 > maxOwnShare*(s.base.count+n) {
		return nil, unsupported("split index with %d entries of its own", n)
	}
	return p, nil
}

// add applies one edit.
func (p *splitPlan) add(e *Edit) {
	var found, merged, same bool
	place := -1 // the entry's number in the shared file, if it can stay there
	note := func(r *Raw) {
		found, merged = true, r.Stage() == 0
		same = merged && !e.Remove && sameTree(r, e)
	}
	p.base.from(e.Path, func(number int, r *Raw) bool {
		if string(r.Path) != e.Path {
			return false
		}
		if o, ok := p.heads[number]; ok {
			mine := o.raw(r.Path, p.hash)
			r = &mine
		}
		if !p.deleted.has(number) {
			note(r)
		}
		p.drop(number)
		if place < 0 {
			place = number
		}
		return true
	})
	for i := p.search(e.Path); i < len(p.split.added) && string(p.split.added[i].path) == e.Path; i++ {
		r := p.split.added[i].raw(p.split.added[i].path, p.hash)
		note(&r)
		p.gone[i] = true
	}
	if !same && (found || !e.Remove) {
		p.stale = append(p.stale, e.Path)
	}
	if e.Remove {
		return
	}
	p.put(e, place)
	if !merged {
		p.makeRoom(e.Path)
	}
}

// drop takes an entry of the shared file away.
func (p *splitPlan) drop(number int) {
	p.deleted.set(number)
	p.replaced.clear(number)
	delete(p.heads, number)
}

// put writes an edit's entry, in the place of one in the shared file if there
// is one at its path.
func (p *splitPlan) put(e *Edit, place int) {
	o := own{path: []byte(e.Path), flags: uint16(min(len(e.Path), flagName))}
	o.head = append(appendStat(nil, e.Stat, uint32(e.Mode)), e.OID.Bytes()...)
	o.head = binary.BigEndian.AppendUint16(o.head, o.flags)
	if place < 0 {
		p.fresh = append(p.fresh, o)
		return
	}
	p.deleted.clear(place)
	p.replaced.set(place)
	p.heads[place], p.mine[place] = o, true
}

func (p *splitPlan) search(path string) int {
	return sort.Search(len(p.split.added), func(i int) bool { return string(p.split.added[i].path) >= path })
}

// makeRoom removes merged entries below a new file, and those whose place a
// folder above it takes.
func (p *splitPlan) makeRoom(path string) {
	prefix := path + "/"
	p.cutMerged(prefix, func(found []byte) bool { return hasPrefix(found, prefix) })
	for dir := range parents(path) {
		if p.cutMerged(dir, func(found []byte) bool { return string(found) == dir }) {
			p.stale = append(p.stale, dir)
		}
	}
}

// cutMerged removes the merged entries from path on, as long as in says so.
func (p *splitPlan) cutMerged(path string, in func([]byte) bool) (any bool) {
	p.base.from(path, func(number int, r *Raw) bool {
		if !in(r.Path) {
			return false
		}
		stage := r.Stage()
		if o, ok := p.heads[number]; ok {
			stage = o.stage()
		}
		if !p.deleted.has(number) && !p.mine[number] && stage == 0 {
			p.drop(number)
			any = true
		}
		return true
	})
	for i := p.search(path); i < len(p.split.added) && in(p.split.added[i].path); i++ {
		if !p.gone[i] && p.split.added[i].stage() == 0 {
			p.gone[i], any = true, true
		}
	}
	return any
}

// smudge takes the size from entries that are racy, as splicer does; those of
// the shared file are replaced for it.
func (p *splitPlan) smudge(racy uint32, unchanged func([]byte, Stat) bool) {
	doubtful := func(r *Raw) bool {
		return r.racySecond() >= racy && (unchanged == nil || !unchanged(r.Path, r.Stat()))
	}
	for i, part := range p.base.parts {
		if part.newest < racy {
			continue
		}
		f := p.base.load(i)
		if f == nil {
			return
		}
		for c := f.start(0); c.next(); {
			number := i*partLen + c.n - 1
			if _, ok := p.heads[number]; !ok && !p.deleted.has(number) && doubtful(&c.raw) {
				p.replaced.set(number)
				p.heads[number] = smudged(ownOf(&c.raw))
			}
		}
	}
	p.smudgeOwn(doubtful)
}

func (p *splitPlan) smudgeOwn(doubtful func(*Raw) bool) {
	for number, o := range p.heads {
		if p.mine[number] || (&Raw{head: o.head, hash: p.hash}).racySecond() == 0 {
			continue
		}
		p.base.at(number, func(r *Raw) {
			if mine := o.raw(r.Path, p.hash); doubtful(&mine) {
				p.heads[number] = smudged(o)
			}
		})
	}
	for i := range p.split.added {
		o := p.split.added[i]
		if r := o.raw(o.path, p.hash); !p.gone[i] && doubtful(&r) {
			p.gone[i] = true
			p.fresh = append(p.fresh, smudged(o))
		}
	}
}

// at visits one entry by its number.
func (s *shared) at(number int, fn func(r *Raw)) {
	f := s.load(number / partLen)
	if f == nil {
		return
	}
	for c := f.start(0); c.next(); {
		if c.n-1 == number%partLen {
			fn(&c.raw)
			return
		}
	}
}

func smudged(o own) own {
	o.head = bytes.Clone(o.head)
	clear(o.head[offSize : offSize+4])
	return o
}

// write writes header, entries and the extension that refers to the shared file.
func (p *splitPlan) write(s *splicer) {
	added := slices.Clone(p.fresh)
	for i, o := range p.split.added {
		if !p.gone[i] {
			added = append(added, o)
		}
	}
	slices.SortFunc(added, func(a, b own) int {
		return cmp.Or(bytes.Compare(a.path, b.path), cmp.Compare(a.stage(), b.stage()))
	})
	for _, o := range p.heads {
		s.raise(o)
	}
	for _, o := range added {
		s.raise(o)
	}
	s.writeHeader(len(p.heads) + len(added))
	p.replaced.each(func(number int) { s.own(p.heads[number], nil) })
	for _, o := range added {
		s.own(o, o.path)
	}
	link := slices.Clone(p.id)
	link = appendEWAH(link, p.deleted)
	link = appendEWAH(link, p.replaced)
	s.out.write(binary.BigEndian.AppendUint32([]byte("link"), uint32(len(link))))
	s.out.write(link)
}

// raise makes the index one of version 3 where an entry needs that.
func (s *splicer) raise(o own) {
	if o.flags&flagExtended != 0 {
		s.version = max(s.version, 3)
	}
}

// own writes an entry of a split index under a path, which is empty for a
// replacement.
func (s *splicer) own(o own, path []byte) {
	s.buf = append(s.buf[:0], o.head...)
	flags := o.flags&^flagName | uint16(min(len(path), flagName))
	binary.BigEndian.PutUint16(s.buf[offOID+s.file.format.Size():], flags)
	s.endEntry(path)
}
