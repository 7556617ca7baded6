package addurls

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// wantedKey is the key that a row gives to its file.
type wantedKey struct {
	key     annexkey.Key
	backend string // that the key is moved to; "" leaves it
}

var (
	keyText = compiled(`^(et:)?(([A-Z0-9]+)(?:-[^-]+)?--([^/\n]+))$`)
	hexText = compiled(`^[a-f0-9]+$`)
)

// hashLength are the hexadecimal digits of the usual backends.
var hashLength = map[string]int{"MD5": 32, "SHA1": 40, "SHA256": 64}

// keyOf makes the key of a row from a template; nil where the row has none.
func (f *formatter) keyOf(template string, row map[string]any) (*wantedKey, error) {
	text, err := f.format(template, "key", row)
	var absent *absentError
	if errors.As(err, &absent) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if text == literals(template) {
		return nil, nil // all its fields are empty
	}
	m := keyText().FindStringSubmatch(text)
	if m == nil {
		return nil, fmt.Errorf("Key does not match expected [et:]<backend>[-[CmsS]NNN]--<key> format: %s", text)
	}
	if err := checkHash(m[3], m[4]); err != nil {
		return nil, err
	}
	k, err := annexkey.Parse(m[2])
	if err == nil {
		err = k.Safe()
	}
	if err != nil {
		return nil, err
	}
	w := &wantedKey{key: k}
	if m[1] != "" {
		w.backend = k.Backend + "E"
		if plain, ok := strings.CutSuffix(k.Backend, "E"); ok {
			w.backend = plain
		}
	}
	return w, nil
}

func checkHash(backend, name string) error {
	plain, ext := strings.CutSuffix(backend, "E")
	length := hashLength[plain]
	if length == 0 {
		return nil
	}
	if ext {
		name, _, _ = strings.Cut(name, ".")
	}
	switch {
	case len(name) != length:
		return fmt.Errorf("%s key does not have expected length of %d: %s", plain, length, name)
	case !hexText().MatchString(name):
		return fmt.Errorf("%s key has non-hexadecimal character: %s", plain, name)
	}
	return nil
}

// literals is a template without its fields.
func literals(template string) string {
	return regexp.MustCompile(`\{[^{}]*\}`).ReplaceAllString(template, "")
}
