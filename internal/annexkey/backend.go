package annexkey

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
)

// DefaultBackend is the backend of new content where nothing is configured.
const DefaultBackend = "SHA256E"

// ErrUnknownBackend is the cause of LookupBackend's errors.
var ErrUnknownBackend = errors.New("unknown annex backend")

// Backend makes keys of one kind. It is an immutable value.
type Backend struct {
	name    string
	newHash func() hash.Hash
	secure  bool
}

// LookupBackend returns the backend with the exact name: WORM, URL, or a hash
// that this program can compute, plain or with "E" for extensions. Keys of other
// backends can be carried and transferred, but neither made nor verified.
func LookupBackend(name string) (Backend, error) {
	if name == "WORM" || name == "URL" {
		return Backend{name: name}, nil
	}
	h, ok := hashOf(strings.TrimSuffix(name, "E"))
	if !ok {
		return Backend{}, fmt.Errorf("%w %q", ErrUnknownBackend, name)
	}
	return Backend{name: name, newHash: h.make, secure: h.secure}, nil
}

// BackendNames lists all backends that LookupBackend knows, strongest use first.
func BackendNames() []string {
	var names []string
	for _, h := range hashes() {
		names = append(names, h.name+"E", h.name)
	}
	return append(names, "WORM", "URL")
}

// Name returns the name as it stands in keys, such as "SHA256E".
func (b Backend) Name() string { return b.name }

// New returns a fresh hash of the content; nil for WORM and URL.
func (b Backend) New() hash.Hash {
	if b.newHash == nil {
		return nil
	}
	return b.newHash()
}

// HasExt reports whether keys end in the extension of the file's name.
func (b Backend) HasExt() bool { return hasExt(b.name) }

// Secure reports whether the hash is cryptographically secure, which
// annex.securehashesonly asks for.
func (b Backend) Secure() bool { return b.secure }

// Key returns the key of content with the size in bytes and the digest. Base is
// the base name of its file, the source of the extension. WORM and URL have no
// digest: for them it returns the zero Key.
func (b Backend) Key(base string, size int64, sum []byte, ext ExtRule) Key {
	if b.newHash == nil {
		return Key{}
	}
	k := New(b.name, hex.EncodeToString(sum))
	k.Size = max(size, absent)
	if b.HasExt() {
		k.Name += Extension(base, ext)
	}
	return k
}

// Hasher returns a fresh hash for verifying k's content; false where the key
// cannot be verified by content here (WORM, URL, unknown backends).
func (k Key) Hasher() (hash.Hash, bool) {
	b, err := LookupBackend(k.hashBackend())
	if err != nil || b.newHash == nil {
		return nil, false
	}
	return b.New(), true
}

// Verify reports whether the digest of content belongs to k. It is false for
// every key without a Hasher. The size is not looked at.
func (k Key) Verify(sum []byte) bool {
	if _, ok := k.Hasher(); !ok || len(sum) == 0 {
		return false
	}
	want := k.digest()
	// An old git-annex wrote a stray backslash before some digests.
	return hex.EncodeToString(sum) == strings.TrimPrefix(want, `\`)
}

// gitBundle is the backend of the git bundles that annex:: remotes hold; its
// names are UUID-SHA256.
const gitBundle = "GITBUNDLE"

func (k Key) hashBackend() string {
	if k.Backend == gitBundle {
		return "SHA256"
	}
	return k.Backend
}

func (k Key) digest() string {
	if k.Backend == gitBundle {
		return k.Name[strings.LastIndexByte(k.Name, '-')+1:]
	}
	name, _ := k.splitName()
	return name
}

type hashKind struct {
	name   string
	secure bool
	make   func() hash.Hash
}

func hashOf(name string) (hashKind, bool) {
	for _, h := range hashes() {
		if h.name == name {
			return h, true
		}
	}
	return hashKind{}, false
}

func hashes() []hashKind {
	return []hashKind{
		{"SHA256", true, sha256.New},
		{"SHA512", true, sha512.New},
		{"SHA224", true, sha256.New224},
		{"SHA384", true, sha512.New384},
		{"SHA3_256", true, func() hash.Hash { return sha3.New256() }},
		{"SHA3_512", true, func() hash.Hash { return sha3.New512() }},
		{"SHA3_224", true, func() hash.Hash { return sha3.New224() }},
		{"SHA3_384", true, func() hash.Hash { return sha3.New384() }},
		{"BLAKE2B256", true, blake2bOf(256)},
		{"BLAKE2B512", true, blake2bOf(512)},
		{"BLAKE2B160", true, blake2bOf(160)},
		{"BLAKE2B224", true, blake2bOf(224)},
		{"BLAKE2B384", true, blake2bOf(384)},
		{"BLAKE2S256", true, newBlake2s256},
		{"SHA1", false, sha1.New},
		{"MD5", false, md5.New},
	}
}

// The BLAKE2 constructors fail only for a bad key or size; there is neither.

func blake2bOf(bits int) func() hash.Hash {
	return func() hash.Hash {
		h, _ := blake2b.New(bits/8, nil)
		return h
	}
}

func newBlake2s256() hash.Hash {
	h, _ := blake2s.New256(nil)
	return h
}
