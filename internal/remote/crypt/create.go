package crypt

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
)

// Create adds to a new remote's configuration what its encryption needs, as
// initremote's parameters ask: encryption, keyid, mac. The parameters
// that are not stored are removed. It says for people what it has done.
func Create(ctx context.Context, s remote.Setup) (map[string]string, string, error) {
	config := maps.Clone(s.Config)
	words := keyWords(config)
	for _, setupOnly := range []string{"keyid", "keyid+", "keyid-", "highRandomQuality"} {
		delete(config, setupOnly)
	}
	scheme := Scheme(config["encryption"])
	if _, _, err := macOf(config["mac"]); err != nil {
		return nil, "", err
	}
	switch scheme {
	case "":
		return nil, "", errs.WithHint(errors.New("specify encryption=none or encryption=shared or encryption=hybrid or encryption=pubkey or encryption=sharedpubkey"),
			"encryption=none stores content as it is")
	case None:
		return config, "", nil
	case Shared:
		if len(words) > 0 {
			return nil, "", errors.New("keyid= can not be used with encryption=shared")
		}
		config["cipher"] = base64.StdEncoding.EncodeToString(newCipher(bytesShared))
		return config, "encryption key stored in git repository", nil
	case Hybrid, PubKey, SharedPubKey:
		note, err := createForKeys(ctx, newGPG(s), scheme, config, words)
		return config, note, err
	}
	return nil, "", fmt.Errorf("encryption scheme %q is not known", scheme)
}

// Bytes of chance in a cipher.
const (
	bytesShared = 512
	bytesPubKey = 256
)

// newCipher is base64 text with a newline at its end, as gpg --armor
// --gen-random writes it and git-annex keeps it.
func newCipher(n int) []byte {
	chance := make([]byte, n)
	rand.Read(chance)
	return append([]byte(base64.StdEncoding.EncodeToString(chance)), '\n')
}

func keyWords(config map[string]string) []string {
	var words []string
	for _, field := range []string{"keyid", "keyid+"} {
		if w := config[field]; w != "" {
			words = append(words, w)
		}
	}
	return words
}

func createForKeys(ctx context.Context, g gpg, scheme Scheme, config map[string]string, words []string) (string, error) {
	if len(words) == 0 {
		return "", errs.WithHint(fmt.Errorf("encryption=%s needs keyid=", scheme), "name an OpenPGP key: keyid=you@example.com")
	}
	var ids []string
	for _, w := range words {
		more, err := g.keyIDs(ctx, w)
		if err != nil {
			return "", err
		}
		ids = append(ids, more...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	list := strings.Join(ids, ",")
	n := bytesShared
	if scheme == PubKey {
		n = bytesPubKey
	}
	cipher := newCipher(n)
	if scheme == SharedPubKey {
		config["pubkeys"] = list
	} else {
		config["cipherkeys"] = list
		var sealed bytes.Buffer
		if err := g.encrypt(ctx, &sealed, bytes.NewReader(cipher), ids); err != nil {
			return "", fmt.Errorf("encrypt the cipher: %w", err)
		}
		cipher = sealed.Bytes()
	}
	config["cipher"] = base64.StdEncoding.EncodeToString(cipher)
	return noteOfKeys(ids), nil
}
