// Package crypt encrypts what special remotes keep, content and names, as
// git-annex does: schemes shared, hybrid, pubkey and sharedpubkey. Content of
// the first two is a symmetric OpenPGP message, written and read here; private
// keys stay with the user's gpg. The package knows remotes by their interface.
package crypt

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
)

// Scheme is how a remote is encrypted.
type Scheme string

// The schemes of git-annex.
const (
	None         Scheme = "none"
	Shared       Scheme = "shared"       // the cipher lies in the repository
	Hybrid       Scheme = "hybrid"       // it lies there encrypted to keys
	PubKey       Scheme = "pubkey"       // content is encrypted to keys, names by a cipher
	SharedPubKey Scheme = "sharedpubkey" // the same, with the names' cipher in the open
)

const (
	macLength = 256 // bytes of the cipher that make names where the rest is the passphrase
	maxCipher = 1 << 20
)

// Cipher encrypts the content and the names of one remote. It is safe for
// concurrent use. A cipher that lies in the repository encrypted is decrypted
// by gpg when it is needed first.
type Cipher struct {
	scheme     Scheme
	newHash    func() hash.Hash
	macName    string
	stored     []byte // cipher as configured, decoded from base64
	recipients []string
	gpg        gpg

	once   sync.Once
	secret []byte // base64 text with a newline at its end
	err    error
}

// FromConfig reads a remote's encryption; nil where it has none.
func FromConfig(s remote.Setup) (*Cipher, error) {
	scheme := Scheme(s.Option("encryption"))
	if scheme == None || scheme == "" && s.Option("cipher") == "" {
		return nil, nil
	}
	c := &Cipher{gpg: newGPG(s)}
	if err := c.read(scheme, s.Config); err != nil {
		return nil, fmt.Errorf("remote %s: %w", s.Name, err)
	}
	return c, nil
}

func (c *Cipher) read(scheme Scheme, config map[string]string) error {
	stored, err := base64.StdEncoding.DecodeString(config["cipher"])
	if err != nil || len(stored) == 0 || len(stored) > maxCipher {
		return errors.New("the git-annex branch has no valid cipher for it")
	}
	c.stored = stored
	if c.newHash, c.macName, err = macOf(config["mac"]); err != nil {
		return err
	}
	keys := config["cipherkeys"]
	switch {
	case scheme == SharedPubKey || scheme == "" && config["pubkeys"] != "":
		c.scheme, keys = SharedPubKey, config["pubkeys"]
	case scheme == PubKey:
		c.scheme = PubKey
	case scheme == Hybrid || scheme == "" && keys != "":
		c.scheme = Hybrid
	case scheme == Shared || scheme == "":
		c.scheme = Shared
	default:
		return fmt.Errorf("encryption scheme %q is not known", scheme)
	}
	if c.scheme != Shared {
		if c.recipients, err = recipients(keys); err != nil {
			return err
		}
	}
	return nil
}

// recipients reads a list of key ids. It comes from the git-annex branch and
// goes to gpg's command line.
func recipients(list string) ([]string, error) {
	var ids []string
	for id := range strings.SplitSeq(list, ",") {
		if _, err := hex.DecodeString(strings.TrimPrefix(id, "0x")); err != nil || len(id) < 8 {
			return nil, fmt.Errorf("%q is not the id of an OpenPGP key", id)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func macOf(name string) (func() hash.Hash, string, error) {
	switch name {
	case "", "HMACSHA1":
		return sha1.New, "HMACSHA1", nil
	case "HMACSHA224":
		return sha256.New224, name, nil
	case "HMACSHA256":
		return sha256.New, name, nil
	case "HMACSHA384":
		return sha512.New384, name, nil
	case "HMACSHA512":
		return sha512.New, name, nil
	}
	return nil, "", fmt.Errorf("mac algorithm %q is not known", name)
}

// unlock makes the cipher usable.
func (c *Cipher) unlock(ctx context.Context) error {
	c.once.Do(func() {
		c.secret = c.stored
		if c.scheme == Hybrid || c.scheme == PubKey {
			c.secret, c.err = c.gpg.decryptSmall(ctx, c.stored)
			c.err = errs.WithHint(c.err, "the cipher of this remote is encrypted to the keys %s: gpg must have one of them", strings.Join(c.recipients, ", "))
		}
		if c.err == nil && c.symmetric() && len(c.secret) <= macLength {
			c.err = errors.New("the cipher is too short")
		}
	})
	return c.err
}

func (c *Cipher) symmetric() bool { return c.scheme == Shared || c.scheme == Hybrid }

// Name returns the key under which the encrypted content of k is stored.
func (c *Cipher) Name(ctx context.Context, k annexkey.Key) (annexkey.Key, error) {
	if err := c.unlock(ctx); err != nil {
		return annexkey.Key{}, err
	}
	secret := c.secret
	if c.symmetric() {
		secret = secret[:macLength]
	}
	mac := hmac.New(c.newHash, secret)
	io.WriteString(mac, k.String())
	return annexkey.New("GPG"+c.macName, hex.EncodeToString(mac.Sum(nil))), nil
}

// passphrase is what symmetric messages are encrypted with: the cipher after
// the names' part, up to its newline.
func (c *Cipher) passphrase() []byte {
	line, _, _ := strings.Cut(string(c.secret[macLength:]), "\n")
	return []byte(line)
}

// Seal writes r encrypted to w.
func (c *Cipher) Seal(ctx context.Context, w io.Writer, r io.Reader) error {
	if err := c.unlock(ctx); err != nil {
		return err
	}
	if c.symmetric() {
		return sealSymmetric(w, r, c.passphrase())
	}
	return c.gpg.encrypt(ctx, w, r, c.recipients)
}

// Open gives the decrypted content of r to read. What read has seen is
// authentic only if Open returns nil: it fails if r was changed, also where
// read returned nil.
func (c *Cipher) Open(ctx context.Context, r io.Reader, read func(io.Reader) error) error {
	if err := c.unlock(ctx); err != nil {
		return err
	}
	if c.symmetric() {
		return openSymmetric(r, c.passphrase(), read)
	}
	return c.gpg.decrypt(ctx, r, read)
}
