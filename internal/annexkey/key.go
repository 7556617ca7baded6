// Package annexkey has git-annex's keys: their text and file-name forms, their
// hash directories, and the backends that make and verify them. Keys are byte
// strings, never assumed to be UTF-8. The package is pure: it knows of no
// repository, file, configuration or network. The formats are those of
// git-annex's "key format", "backends" and "hashing" documents, checked against
// the program where these are silent.
package annexkey

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxFileName is the longest keyfile form that Safe accepts, in bytes; it is
// the limit of a file name on the common file systems.
const MaxFileName = 255

// maxExtension is the longest extension, with its dots, that git-annex accepts
// in the name of a key.
const maxExtension = 64

// ErrBadKey is the cause of every error of Parse, FromFile and Safe.
var ErrBadKey = errors.New("bad key")

// absent marks a number field that a key does not have.
const absent = -1

// Key identifies content:
//
//	BACKEND[-sSIZE][-mMTIME][-SCHUNKSIZE][-CCHUNKNUM]--NAME
//
// Sizes are bytes, MTime is whole seconds of Unix time; a negative number means
// that the field is absent. Keys made by Parse, FromFile, New and the backends
// are normalized and may be compared with ==. The zero Key is no valid key.
type Key struct {
	Backend             string
	Size, MTime         int64
	ChunkSize, ChunkNum int64
	Name                string
}

// New returns a key that has only the backend and the name.
func New(backend, name string) Key {
	return Key{backend, absent, absent, absent, absent, name}
}

// Parse reads the serialized form. Numbers are normalized ("s05" is "s5").
// Beside git-annex's own rules it refuses NUL and newline, which no log, file
// name or protocol line could carry, and numbers above 2^63-1.
func Parse(s string) (Key, error) {
	if strings.ContainsAny(s, "\x00\n") {
		return Key{}, badKey(s, "holds NUL or newline")
	}
	i := strings.IndexByte(s, '-')
	if i <= 0 {
		return Key{}, badKey(s, "no backend")
	}
	k := New(s[:i], "")
	name, ok := strings.CutPrefix(k.parseFields(s[i:]), "--")
	if !ok {
		return Key{}, badKey(s, "malformed fields")
	}
	k.Name = name
	if _, ext := k.splitName(); len(ext) > maxExtension {
		return Key{}, badKey(s, "extension too long")
	}
	return k, nil
}

// parseFields consumes the number fields in their fixed order and returns what
// follows them.
func (k *Key) parseFields(s string) string {
	for _, f := range []struct {
		mark string
		to   *int64
	}{{"-s", &k.Size}, {"-m", &k.MTime}, {"-S", &k.ChunkSize}, {"-C", &k.ChunkNum}} {
		rest, ok := strings.CutPrefix(s, f.mark)
		if !ok {
			continue
		}
		n := digits(rest)
		v, err := strconv.ParseInt(rest[:n], 10, 64)
		if err != nil {
			return s
		}
		*f.to, s = v, rest[n:]
	}
	return s
}

// digits returns how many ASCII digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

func badKey(s, why string) error {
	const most = 100
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Errorf("annex key %q: %w: %s", s, ErrBadKey, why)
}

// String returns the serialized form, the inverse of Parse. It is what hash
// directories, protocols and JSON use.
func (k Key) String() string {
	b := make([]byte, 0, len(k.Backend)+len(k.Name)+48)
	b = append(b, k.Backend...)
	b = appendField(b, "-s", k.Size)
	b = appendField(b, "-m", k.MTime)
	b = appendField(b, "-S", k.ChunkSize)
	b = appendField(b, "-C", k.ChunkNum)
	b = append(b, "--"...)
	return string(append(b, k.Name...))
}

func appendField(b []byte, mark string, v int64) []byte {
	if v < 0 {
		return b
	}
	return strconv.AppendInt(append(b, mark...), v, 10)
}

// IsZero reports whether k is the zero Key, which stands for "no key".
func (k Key) IsZero() bool { return k == Key{} }

// NonChunk returns the key of the whole content that k is a chunk of; k itself
// when k is not a chunk.
func (k Key) NonChunk() Key {
	k.ChunkSize, k.ChunkNum = absent, absent
	return k
}

// Safe returns nil when k may name a file in the object store, the journal or a
// remote: it is well formed (also when the struct was filled by hand), and
// File() is one path component of at most MaxFileName bytes, without NUL and
// newline. Every key that comes from outside must pass it before its file name
// is used.
func (k Key) Safe() error {
	s := k.String()
	p, err := Parse(s)
	if err != nil {
		return err
	}
	if p.Backend != k.Backend || p.Name != k.Name {
		return badKey(s, "ambiguous backend")
	}
	if n := len(k.File()); n > MaxFileName {
		return badKey(s, fmt.Sprintf("file name of %d bytes", n))
	}
	return nil
}

// splitName separates the extension (with its first dot) from the name of a key
// whose backend has extensions.
func (k Key) splitName() (name, ext string) {
	if i := strings.IndexByte(k.Name, '.'); i >= 0 && hasExt(k.Backend) {
		return k.Name[:i], k.Name[i:]
	}
	return k.Name, ""
}

// Ext returns the extension in the key's name with its leading dot; "" for a
// backend without extensions.
func (k Key) Ext() string {
	_, ext := k.splitName()
	return ext
}

// hasExt tells it from the name alone, so that it also holds for backends that
// are external or not known here.
func hasExt(backend string) bool { return strings.HasSuffix(backend, "E") }

func (k Key) hashSum() [md5.Size]byte {
	return md5.Sum([]byte(k.NonChunk().String()))
}

// HashLower returns the two hash directories "abc/def" that logs, bare
// repositories and most special remotes use. A chunk has those of its parent.
func (k Key) HashLower() string {
	sum := k.hashSum()
	h := hex.EncodeToString(sum[:3])
	return h[:3] + "/" + h[3:]
}

// HashMixed returns the two hash directories "XX/YY" that symlinks and the object
// store of an ordinary repository use. A chunk has those of its parent.
func (k Key) HashMixed() string {
	const alphabet = "0123456789zqjxkmvwgpfZQJXKMVWGPF"
	sum := k.hashSum()
	w := uint32(sum[0]) | uint32(sum[1])<<8 | uint32(sum[2])<<16 | uint32(sum[3])<<24
	// Steps of 6 bits with 5 bits used: one bit of every six is skipped.
	c := func(i int) byte { return alphabet[w>>(6*i)&31] }
	return string([]byte{c(1), c(0), '/', c(3), c(2)})
}

// ObjectPath returns HASHMIXED/KEYFILE/KEYFILE, the place of the content below
// annex/objects in an ordinary repository.
func (k Key) ObjectPath() string { return k.HashMixed() + "/" + k.filePair() }

// ObjectPathLower returns HASHLOWER/KEYFILE/KEYFILE, the place of the content in
// bare repositories and most special remotes.
func (k Key) ObjectPathLower() string { return k.HashLower() + "/" + k.filePair() }

func (k Key) filePair() string {
	f := k.File()
	return f + "/" + f
}
