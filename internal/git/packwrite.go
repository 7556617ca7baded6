package git

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/fsx"
)

// packWriter knows how a repository's packs are made (gitformat-pack(5)).
type packWriter struct {
	hash func() hash.Hash
	mode func(f *os.File) error // gives a file its permissions, from 0444 and the umask's
}

// pack writes a pack and its index and returns its name. The objects are in the
// order of their ids.
func (w packWriter) pack(dir string, bodies [][]byte, objects []indexed) (name string, err error) {
	data, err := makeFile(dir, "tmp_pack_")
	if err != nil {
		return "", err
	}
	sum, err := w.fill(data, append([][]byte{packStart(len(objects))}, bodies...))
	if err != nil {
		discard(data)
		return "", err
	}
	return w.publish(dir, data, sum, objects)
}

// packStart is the head of a pack of n objects.
func packStart(n int) []byte {
	return binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(n))
}

// publish gives a pack that was written, with its check sum, and its index their
// names, after both are durable. It closes the file, and removes it where it
// fails.
func (w packWriter) publish(dir string, data *os.File, sum []byte, objects []indexed) (name string, err error) {
	defer discard(data)
	idx, err := makeFile(dir, "tmp_idx_")
	if err != nil {
		return "", err
	}
	defer discard(idx)
	if _, err := w.fill(idx, [][]byte{packIndex(objects), sum}); err != nil {
		return "", err
	}
	var both errgroup.Group
	for _, f := range []*os.File{data, idx} {
		both.Go(func() error { return errors.Join(w.mode(f), f.Sync()) })
	}
	if err := both.Wait(); err != nil {
		return "", err
	}
	name = fmt.Sprintf("pack-%x", sum)
	if err := os.Rename(data.Name(), filepath.Join(dir, name+".pack")); err != nil {
		return "", err
	}
	if err := os.Rename(idx.Name(), filepath.Join(dir, name+".idx")); err != nil { // only now it is seen
		os.Remove(filepath.Join(dir, name+".pack"))
		return "", err
	}
	return name, fsx.SyncDir(dir)
}

// makeFile makes a file as git makes those of packs; git gc removes one that a
// killed process leaves.
func makeFile(dir, prefix string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, prefix+strings.ToLower(rand.Text()[:12])), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
}

// discard closes a file and removes it under its first name.
func discard(f *os.File) {
	f.Close()
	os.Remove(f.Name())
}

// fill writes the parts and their check sum.
func (w packWriter) fill(f *os.File, parts [][]byte) (sum []byte, err error) {
	h := w.hash()
	buffered := bufio.NewWriterSize(f, 1<<18)
	both := io.MultiWriter(buffered, h)
	for _, part := range parts {
		if _, err := both.Write(part); err != nil {
			return nil, err
		}
	}
	sum = h.Sum(nil)
	_, err = buffered.Write(sum)
	return sum, errors.Join(err, buffered.Flush())
}

// packIndex is an index of version 2, without its check sums.
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
	var far []byte
	for _, o := range objects {
		if o.offset < farOffset {
			out = binary.BigEndian.AppendUint32(out, uint32(o.offset))
			continue
		}
		out = binary.BigEndian.AppendUint32(out, farOffset|uint32(len(far)/8))
		far = binary.BigEndian.AppendUint64(far, uint64(o.offset))
	}
	return append(out, far...)
}

// farOffset is the first offset that stands in a table of its own.
const farOffset = 1 << 31

// likePack gives a file the permissions of another pack.
func likePack(mode fs.FileMode) func(*os.File) error {
	return func(f *os.File) error { return f.Chmod(mode) }
}
