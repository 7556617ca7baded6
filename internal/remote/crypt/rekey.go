package crypt

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
)

// Rekey changes to which OpenPGP keys a known remote is encrypted, as the
// parameters keyid+= and keyid-= in more say. s.Config is its configuration; what
// it is to be comes back, and what has been done, for people: "" for nothing.
// Content that is there already stays as it is.
func Rekey(ctx context.Context, s remote.Setup, more map[string]string) (map[string]string, string, error) {
	added, removed := more["keyid+"], more["keyid-"]
	if _, ok := more["keyid"]; ok {
		return nil, "", errs.WithHint(errors.New("keyid= is for a new remote"), "add a key with keyid+=, or remove one with keyid-=")
	}
	if added == "" && removed == "" {
		return s.Config, "", nil
	}
	c, err := FromConfig(s)
	if err != nil {
		return nil, "", err
	}
	if c == nil || c.scheme == Shared {
		return nil, "", errors.New("keyid+= and keyid-= are for remotes that are encrypted to OpenPGP keys")
	}
	ids, err := c.changedRecipients(ctx, added, removed)
	if err != nil {
		return nil, "", err
	}
	config, list := maps.Clone(s.Config), strings.Join(ids, ",")
	if c.scheme == SharedPubKey {
		config["pubkeys"] = list
		return config, noteOfKeys(ids), nil
	}
	if err := c.unlock(ctx); err != nil {
		return nil, "", err
	}
	var sealed bytes.Buffer
	if err := c.gpg.encrypt(ctx, &sealed, bytes.NewReader(c.secret), ids); err != nil {
		return nil, "", fmt.Errorf("encrypt the cipher: %w", err)
	}
	config["cipherkeys"], config["cipher"] = list, base64.StdEncoding.EncodeToString(sealed.Bytes())
	return config, noteOfKeys(ids), nil
}

func noteOfKeys(ids []string) string { return "to gpg keys: " + strings.Join(ids, " ") }

// changedRecipients are the ids of the keys after the change. A key that is to go may
// be unknown to gpg, as it may be revoked: then it is named by its id.
func (c *Cipher) changedRecipients(ctx context.Context, added, removed string) ([]string, error) {
	ids := slices.Clone(c.recipients)
	if removed != "" {
		gone := []string{removed}
		if !slices.Contains(ids, removed) {
			var err error
			if gone, err = c.gpg.keyIDs(ctx, removed); err != nil {
				return nil, err
			}
		}
		for _, id := range gone {
			if !slices.Contains(ids, id) {
				return nil, errs.WithHint(fmt.Errorf("Key %s was not present; cannot remove.", id), "the keys are %s", strings.Join(ids, ", "))
			}
			ids = slices.DeleteFunc(ids, func(have string) bool { return have == id })
		}
	}
	if added != "" {
		more, err := c.gpg.keyIDs(ctx, added)
		if err != nil {
			return nil, err
		}
		ids = append(ids, more...)
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return nil, errs.WithHint(errors.New("Cannot remove the last key."), "add another one at the same time: keyid+=")
	}
	return ids, nil
}
