// Package gitobj has the small value types of git's object model that the
// other packages share: object ids, file modes, identities. Ids are hash-size
// agnostic (SHA-1 and SHA-256 repositories). It does no I/O.
package gitobj

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"
)

// Format is a repository's object format.
type Format string

// The object formats that git knows.
const (
	SHA1   Format = "sha1"
	SHA256 Format = "sha256"
)

// Size returns the length of a binary id in bytes: 20 or 32.
func (f Format) Size() int {
	if f == SHA256 {
		return sha256.Size
	}
	return sha1.Size
}

// New returns a fresh hash of the format.
func (f Format) New() hash.Hash {
	if f == SHA256 {
		return sha256.New()
	}
	return sha1.New()
}

// Zero returns the all-zero id, which stands for "no object".
func (f Format) Zero() OID { return OID(strings.Repeat("0", 2*f.Size())) }

// EmptyTree returns the id of the tree without entries.
func (f Format) EmptyTree() OID { return f.HashObject("tree", nil) }

// HashObject returns the id git gives to an object of the type ("blob",
// "tree", "commit", "tag") and content.
func (f Format) HashObject(typ string, data []byte) OID {
	return FromBytes(f.Sum(typ, data))
}

// Sum is HashObject in binary.
func (f Format) Sum(typ string, data []byte) []byte {
	h := f.New()
	var head [32]byte
	h.Write(append(strconv.AppendInt(append(append(head[:0], typ...), ' '), int64(len(data)), 10), 0))
	h.Write(data)
	return h.Sum(nil)
}

// OID is an object id in lower-case hex (40 or 64 digits); "" means none.
type OID string

// FromBytes converts a binary id.
func FromBytes(b []byte) OID { return OID(hex.EncodeToString(b)) }

// ParseOID accepts exactly 40 or 64 lower-case hex digits.
func ParseOID(s string) (OID, error) {
	if len(s) != 40 && len(s) != 64 {
		return "", fmt.Errorf("object id %.70q: wrong length", s)
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", fmt.Errorf("object id %q: not hexadecimal", s)
		}
	}
	return OID(s), nil
}

// IsZero reports whether id is "" or all zeros.
func (id OID) IsZero() bool { return strings.Trim(string(id), "0") == "" }

// Bytes returns the binary form; nil for "".
func (id OID) Bytes() []byte {
	b, err := hex.DecodeString(string(id))
	if err != nil {
		return nil
	}
	return b
}

// Short returns the first seven digits, as git abbreviates in small
// repositories; it is for people, not for lookups.
func (id OID) Short() string {
	if len(id) < 7 {
		return string(id)
	}
	return string(id[:7])
}

// Mode is a tree entry's mode in git's canonical form.
type Mode uint32

// The modes git stores.
const (
	ModeTree    Mode = 0o040000
	ModeFile    Mode = 0o100644
	ModeExec    Mode = 0o100755
	ModeSymlink Mode = 0o120000
	ModeGitlink Mode = 0o160000
)

// String prints six octal digits, as in `git ls-tree`.
func (m Mode) String() string { return fmt.Sprintf("%06o", uint32(m)) }

// IsRegular reports whether the mode is that of a file with content.
func (m Mode) IsRegular() bool { return m == ModeFile || m == ModeExec }

// ParseMode reads the octal form and accepts only the modes above and the
// historical 100664, which reads as ModeFile.
func ParseMode(s string) (Mode, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil {
		return 0, fmt.Errorf("file mode %q: %w", s, err)
	}
	switch m := Mode(n); m {
	case ModeTree, ModeFile, ModeExec, ModeSymlink, ModeGitlink:
		return m, nil
	case 0o100664:
		return ModeFile, nil
	}
	return 0, fmt.Errorf("file mode %q: unknown", s)
}

// TreeMode reads the octal form that stands in a tree, as git does: what old
// programs have written there is taken for the mode that is closest.
func TreeMode(s string) (Mode, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil {
		return 0, fmt.Errorf("file mode %q: %w", s, err)
	}
	const kinds, executable = 0o170000, 0o100
	switch kind := Mode(n) & kinds; {
	case kind == ModeTree || kind == ModeSymlink:
		return kind, nil
	case kind != ModeFile&kinds:
		return ModeGitlink, nil
	case n&executable != 0:
		return ModeExec, nil
	}
	return ModeFile, nil
}

// Identity is who made a commit, and when.
type Identity struct {
	Name, Email string
	When        time.Time // seconds count; the zone is written as ±hhmm
}

// String prints the identity as in a commit object: "Name <email> secs ±hhmm".
func (i Identity) String() string {
	return fmt.Sprintf("%s <%s> %d %s", i.Name, i.Email, i.When.Unix(), i.When.Format("-0700"))
}
