package git

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// packTiers are the sizes, in bytes, up to which packs are joined with others
// of their tier; so each object is copied a few times at most. Larger packs are
// git's to maintain.
var packTiers = []int64{256 << 10, 2 << 20, 16 << 20}

// So many packs of the smallest tier, and of each other one, may lie side by
// side. Each costs every git process some questions to the file system.
const (
	fewPacks  = 6
	fewLarger = 2
)

// JoinPacks makes one pack of small ones that have piled up, object by object
// (gitformat-pack(5)): what is in a pack refers to nothing outside. `git repack
// --geometric` would walk through the whole history for it. Packs that anything else is known of (.keep, .promisor,
// bitmaps, a multi-pack-index) are left. The new pack is durable before the old
// ones go; other processes may read, and join, at the same time. It returns how
// many packs there were that could be joined at all: if they pile up all the
// same, git must repack.
func (r *Repo) JoinPacks() (packs int, err error) {
	dir := filepath.Join(r.CommonDir, "objects", "pack")
	names, err := loosePacks(dir)
	if err != nil || len(names) <= fewPacks {
		return len(names), err
	}
	tiers := make([][]string, len(packTiers))
	written := map[string]time.Time{}
	for _, name := range names {
		fi, err := os.Stat(filepath.Join(dir, name+".pack"))
		if err != nil {
			continue // somebody else has joined it
		}
		if tier, _ := slices.BinarySearch(packTiers, fi.Size()); tier < len(tiers) {
			tiers[tier] = append(tiers[tier], name)
			written[name] = fi.ModTime()
		}
	}
	for tier, few := range []int{fewPacks, fewLarger, fewLarger} {
		if len(tiers[tier]) > few {
			// The newest first: what it has whole is what others are told by.
			slices.SortStableFunc(tiers[tier], func(a, b string) int { return written[b].Compare(written[a]) })
			if err := r.joinPacks(dir, tiers[tier]); err != nil {
				return len(names), fmt.Errorf("join packs in %s: %w", dir, err)
			}
		}
	}
	return len(names), nil
}

// loosePacks lists the packs of a folder that have nothing but an index, without
// their extensions.
func loosePacks(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("join packs: %w", err)
	}
	parts := map[string]int{}
	for _, e := range entries {
		base, ext, _ := strings.Cut(e.Name(), ".")
		switch {
		case strings.HasPrefix(base, "multi-pack-index"):
			return nil, nil
		case !strings.HasPrefix(base, "pack-"), ext == "rev":
		case ext == "pack":
			parts[base]++
		case ext == "idx":
			parts[base] += 2
		default:
			parts[base] += 100
		}
	}
	for name, n := range parts {
		if n == 3 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// indexed is an object in a pack.
type indexed struct {
	id     []byte
	crc    uint32
	offset int64
}

// joint is a pack that is being made of others.
type joint struct {
	names []string
	parts []part
	ids   map[string]bool
}

// part is a pack that will be joined with others.
type part struct {
	pack    *pack
	objects []indexed // in the order of their offsets
}

// joinPacks makes one pack of all, or a few where several have the same object:
// no pack may hold it twice.
func (r *Repo) joinPacks(dir string, names []string) error {
	var joints []*joint
	for _, name := range names {
		p, err := readPack(filepath.Join(dir, name+".idx"), r.Format.Size())
		if err != nil {
			return err
		}
		objects, err := p.list(r.Format.New())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fits := func(j *joint) bool {
			return !slices.ContainsFunc(objects, func(o indexed) bool { return j.ids[string(o.id)] })
		}
		at := slices.IndexFunc(joints, fits)
		if at < 0 {
			at, joints = len(joints), append(joints, &joint{ids: map[string]bool{}})
		}
		joints[at].take(name, p, objects)
	}
	for _, j := range joints {
		if len(j.names) > 1 {
			if err := r.replacePacks(dir, j); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *joint) take(name string, p *pack, objects []indexed) {
	for _, o := range objects {
		j.ids[string(o.id)] = true
	}
	slices.SortFunc(objects, func(a, b indexed) int { return cmp.Compare(a.offset, b.offset) })
	j.names, j.parts = append(j.names, name), append(j.parts, part{p, objects})
}

// replacePacks writes the new pack and then removes those that it was made of.
func (r *Repo) replacePacks(dir string, j *joint) error {
	w := &repacker{hash: r.Format.Size(), size: packHead}
	for _, p := range j.parts {
		if err := w.add(p.pack, p.objects); err != nil {
			return err
		}
	}
	slices.SortFunc(w.objects, func(a, b indexed) int { return bytes.Compare(a.id, b.id) })
	like, err := os.Stat(filepath.Join(dir, j.names[0]+".pack"))
	if err != nil {
		return err
	}
	made, err := packWriter{r.Format.New, likePack(like.Mode().Perm())}.pack(dir, w.parts, w.objects)
	if err != nil {
		return err
	}
	if slices.Contains(j.names, made) {
		return errors.New("a joined pack has the name of one of its parts")
	}
	for _, name := range j.names {
		for _, ext := range []string{".idx", ".rev", ".pack"} { // without its index nobody looks for a pack
			if err := os.Remove(filepath.Join(dir, name+ext)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// packHead is the length of a pack's head: "PACK", version, number of objects.
const packHead = 12

// list checks the pack and its index against their check sums and returns its
// objects.
func (p *pack) list(h hash.Hash) ([]indexed, error) {
	data, idx := p.data.bytes, p.idx.bytes
	tables := int64(p.hash) + 4 + 4
	switch {
	case len(data) < packHead+p.hash || string(data[:8]) != "PACK\x00\x00\x00\x02" || int64(binary.BigEndian.Uint32(data[8:])) != p.count:
		return nil, errNotNative
	case int64(len(idx)) != packIDs+p.count*tables+2*int64(p.hash):
		return nil, errNotNative // offsets beyond 2 GB, or damage
	case !sumFits(data, h, p.hash) || !sumFits(idx, h, p.hash):
		return nil, errors.New("its check sum is wrong: try `git fsck`")
	}
	objects := make([]indexed, p.count)
	crcs := packIDs + p.count*int64(p.hash)
	for i := range objects {
		n := int64(i)
		id := packIDs + n*int64(p.hash)
		objects[i] = indexed{id: idx[id : id+int64(p.hash)], crc: binary.BigEndian.Uint32(idx[crcs+4*n:])}
		var err error
		if objects[i].offset, err = p.offset(n); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// sumFits reports whether the last bytes are the check sum of the others.
func sumFits(data []byte, h hash.Hash, size int) bool {
	h.Reset()
	h.Write(data[:len(data)-size])
	return bytes.Equal(h.Sum(nil), data[len(data)-size:])
}
