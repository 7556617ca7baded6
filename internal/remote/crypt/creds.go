package crypt

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// Credentials are a login and its secret.
type Credentials struct{ Login, Secret string }

func credsPath(s remote.Setup, file string) (string, error) {
	if file == "" || !filepath.IsLocal(file) || strings.ContainsAny(file, "/\\") {
		return "", fmt.Errorf("credentials: %q is no file name", file)
	}
	return s.AnnexDir("creds", file), nil
}

const maxCreds = 1 << 16

// ReadCredentials finds what git-annex keeps for a remote: in the file of that
// name in its folder for credentials, or in a field of the configuration,
// where it may be encrypted. False where there is none.
func ReadCredentials(ctx context.Context, s remote.Setup, file, field string) (Credentials, bool, error) {
	path, err := credsPath(s, file)
	if err != nil {
		return Credentials{}, false, err
	}
	data, err := os.ReadFile(path)
	if err == nil && len(data) <= maxCreds {
		c, ok := parseCredentials(data)
		return c, ok, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Credentials{}, false, fmt.Errorf("read credentials: %w", err)
	}
	text := s.Option(field)
	if text == "" {
		return Credentials{}, false, nil
	}
	c, err := embedded(ctx, s, text)
	if err != nil {
		return Credentials{}, false, fmt.Errorf("credentials in the configuration of remote %s: %w", s.Name, err)
	}
	return c, true, WriteCredentials(s, file, c)
}

func parseCredentials(data []byte) (Credentials, bool) {
	login, rest, ok := strings.Cut(string(data), "\n")
	secret, _, _ := strings.Cut(rest, "\n")
	return Credentials{login, secret}, ok && login != ""
}

func embedded(ctx context.Context, s remote.Setup, text string) (Credentials, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(data) > maxCreds {
		return Credentials{}, errors.New("not valid")
	}
	cipher, err := FromConfig(s)
	if err != nil {
		return Credentials{}, err
	}
	if cipher != nil {
		var plain []byte
		err := cipher.Open(ctx, bytes.NewReader(data), func(r io.Reader) (err error) {
			plain, err = io.ReadAll(io.LimitReader(r, maxCreds))
			return err
		})
		if err != nil {
			return Credentials{}, err
		}
		data = plain
	}
	c, ok := parseCredentials(data)
	if !ok {
		return c, errors.New("not valid")
	}
	return c, nil
}

// WriteCredentials keeps them for this repository, where only the user can
// read them.
func WriteCredentials(s remote.Setup, file string, c Credentials) error {
	if strings.ContainsAny(c.Login+c.Secret, "\n") {
		return errors.New("credentials: a line break cannot be kept")
	}
	path, err := credsPath(s, file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("keep credentials: %w", err)
	}
	return fsx.WriteFile(path, []byte(c.Login+"\n"+c.Secret+"\n"), 0o600)
}

// Embed returns credentials as a field of the configuration has them, encrypted
// where the remote is.
func Embed(ctx context.Context, s remote.Setup, c Credentials) (string, error) {
	text := c.Login + "\n" + c.Secret
	cipher, err := FromConfig(s)
	if err != nil || cipher == nil {
		return base64.StdEncoding.EncodeToString([]byte(text)), err
	}
	var sealed bytes.Buffer
	if err := cipher.Seal(ctx, &sealed, strings.NewReader(text)); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(sealed.Bytes()), nil
}
