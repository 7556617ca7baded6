package git

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/fsx"
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

// JoinPacks makes one pack of small ones that have piled up, byte for byte, as
// gitformat-pack(5) allows: what is in a pack refers to nothing outside, and
// within by distances. `git repack --geometric` would walk through the whole
// history for it. Packs that anything else is known of (.keep, .promisor,
// bitmaps, a multi-pack-index) are left. The new pack is durable before the old
// ones go; other processes may read, and join, at the same time.
func (r *Repo) JoinPacks() error {
	dir := filepath.Join(r.CommonDir, "objects", "pack")
	names, err := loosePacks(dir)
	if err != nil || len(names) <= fewPacks {
		return err
	}
	tiers := make([][]string, len(packTiers))
	for _, name := range names {
		fi, err := os.Stat(filepath.Join(dir, name+".pack"))
		if err != nil {
			continue // somebody else has joined it
		}
		if tier, _ := slices.BinarySearch(packTiers, fi.Size()); tier < len(tiers) {
			tiers[tier] = append(tiers[tier], name)
		}
	}
	for tier, names := range tiers {
		if few := []int{fewPacks, fewLarger}[min(tier, 1)]; len(names) > few {
			if err := r.joinPacks(dir, names); err != nil {
				return fmt.Errorf("join packs in %s: %w", dir, err)
			}
		}
	}
	return nil
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

// indexed is an object in the pack that is being made.
type indexed struct {
	id     []byte
	crc    uint32
	offset int64
}

func (r *Repo) joinPacks(dir string, names []string) error {
	packs := make([]*pack, 0, len(names))
	var objects []indexed
	at := int64(packHead)
	for _, name := range names {
		p, err := readPack(filepath.Join(dir, name+".idx"), r.Format.Size())
		if err != nil {
			return err
		}
		packs = append(packs, p)
		list, err := p.list(r.Format.New())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, o := range list {
			o.offset += at - packHead
			objects = append(objects, o)
		}
		at += int64(len(p.body()))
	}
	slices.SortFunc(objects, func(a, b indexed) int { return cmp.Or(bytes.Compare(a.id, b.id), cmp.Compare(a.offset, b.offset)) })
	for i := range objects[1:] {
		if bytes.Equal(objects[i].id, objects[i+1].id) {
			return nil // two packs have the same object; git's own repacking decides
		}
	}
	like, err := os.Stat(filepath.Join(dir, names[0]+".pack"))
	if err != nil {
		return err
	}
	made, err := writePack(dir, packs, objects, packWriter{r.Format.New, like.Mode().Perm()})
	if err != nil {
		return err
	}
	if slices.Contains(names, made) {
		return errors.New("a joined pack has the name of one of its parts")
	}
	for _, name := range names {
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

func (p *pack) body() []byte { return p.data.bytes[packHead : len(p.data.bytes)-p.hash] }

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

// writePack writes a pack and its index and returns its name.
func writePack(dir string, packs []*pack, objects []indexed, w packWriter) (name string, err error) {
	head := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(objects)))
	parts := [][]byte{head}
	for _, p := range packs {
		parts = append(parts, p.body())
	}
	data, sum, err := w.file(dir, "tmp_pack_*", parts)
	if err != nil {
		return "", err
	}
	defer os.Remove(data)
	idx, _, err := w.file(dir, "tmp_idx_*", [][]byte{packIndex(objects), sum})
	if err != nil {
		return "", err
	}
	defer os.Remove(idx)
	name = fmt.Sprintf("pack-%x", sum)
	if err := os.Rename(data, filepath.Join(dir, name+".pack")); err != nil {
		return "", err
	}
	if err := os.Rename(idx, filepath.Join(dir, name+".idx")); err != nil { // only now it is seen
		return "", err
	}
	return name, fsx.SyncDir(dir)
}

// packIndex is an index of version 2, without its check sums. Joined packs are
// far smaller than what needs long offsets.
func packIndex(objects []indexed) []byte {
	out := []byte{0xff, 't', 'O', 'c', 0, 0, 0, 2}
	n := 0
	for first := range 256 {
		for n < len(objects) && int(objects[n].id[0]) <= first {
			n++
		}
		out = binary.BigEndian.AppendUint32(out, uint32(n))
	}
	for _, o := range objects {
		out = append(out, o.id...)
	}
	for _, o := range objects {
		out = binary.BigEndian.AppendUint32(out, o.crc)
	}
	for _, o := range objects {
		out = binary.BigEndian.AppendUint32(out, uint32(o.offset))
	}
	return out
}

// packWriter knows how a repository's packs are made.
type packWriter struct {
	hash func() hash.Hash
	mode fs.FileMode
}

// file writes a file with its check sum at the end, and makes it durable.
func (w packWriter) file(dir, pattern string, parts [][]byte) (path string, sum []byte, err error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return "", nil, err
	}
	h := w.hash()
	both := io.MultiWriter(f, h)
	for _, part := range parts {
		if _, err = both.Write(part); err != nil {
			break
		}
	}
	sum = h.Sum(nil)
	if err == nil {
		_, err = f.Write(sum)
	}
	if err == nil {
		err = f.Chmod(w.mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(f.Name())
		return "", nil, err
	}
	return f.Name(), sum, nil
}
