package git

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/fsx"
)

// writePack writes a pack and its index and returns its name.
func writePack(dir string, bodies [][]byte, objects []indexed, w packWriter) (name string, err error) {
	head := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(objects)))
	data, sum, err := w.file(dir, "tmp_pack_*", append([][]byte{head}, bodies...))
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
	buffered := bufio.NewWriterSize(f, 1<<20)
	both := io.MultiWriter(buffered, h)
	for _, part := range parts {
		if _, err = both.Write(part); err != nil {
			break
		}
	}
	sum = h.Sum(nil)
	if err == nil {
		_, err = buffered.Write(sum)
	}
	if err == nil {
		err = buffered.Flush()
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
