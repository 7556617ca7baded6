package runrec

import (
	"bytes"
	"crypto/md5" //nolint:gosec // DataLad's name for the file, no protection
	"encoding/hex"
	"fmt"
	"io"

	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/ulikunitz/xz"
)

// sidecarDict is the dictionary for packing; records are small.
const sidecarDict = 1 << 20

// Sidecar returns the file that keeps a record outside the commit message: its
// name, the MD5 of the record's JSON, and its content, one line of JSON packed
// with XZ (CRC64).
func Sidecar(rec *Record) (id string, content []byte, err error) {
	sum := md5.Sum([]byte(rec.JSON()))
	var buf bytes.Buffer
	w, err := xz.WriterConfig{CheckSum: xz.CRC64, DictCap: sidecarDict}.NewWriter(&buf)
	if err != nil {
		return "", nil, fmt.Errorf("pack run record: %w", err)
	}
	if _, err := io.WriteString(w, pyfmt.JSONCompact(rec.Fields())+"\n"); err != nil {
		return "", nil, fmt.Errorf("pack run record: %w", err)
	}
	if err := w.Close(); err != nil {
		return "", nil, fmt.Errorf("pack run record: %w", err)
	}
	return hex.EncodeToString(sum[:]), buf.Bytes(), nil
}

// ReadSidecar reads the content of a sidecar file, packed or as plain JSON. Only
// its first line counts. Errors other than those of r are as for Parse.
func ReadSidecar(r io.Reader) (*Record, error) {
	packed, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read run record: %w", err)
	}
	text := packed
	if bytes.HasPrefix(packed, []byte(xzMagic)) {
		if text, err = unpackXZ(packed, MaxSize); err != nil {
			return nil, &DamagedError{"unpack run record", err}
		}
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	rec, id, err := parseJSON(string(line))
	if err != nil {
		return nil, err
	}
	if id != "" {
		return nil, &DamagedError{Text: "sidecar file holds no run record"}
	}
	return rec, nil
}
