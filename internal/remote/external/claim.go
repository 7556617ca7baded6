package external

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// plainURL refuses what the protocol's lines cannot carry.
func plainURL(url string) error {
	if url == "" || strings.ContainsAny(url, "\r\n") {
		return fmt.Errorf("url %q cannot be handed to a special remote", url)
	}
	return nil
}

// Claims reports whether the remote wants to serve the URL.
func (r *Remote) Claims(ctx context.Context, url string) (claims bool, err error) {
	if err := plainURL(url); err != nil {
		return false, err
	}
	ctx, cancel := r.setup.Patient(ctx)
	defer cancel()
	err = r.with(ctx, func(c *conversation) error {
		word, _, err := c.ask("CLAIMURL "+url, "CLAIMURL-SUCCESS", "CLAIMURL-FAILURE", "UNSUPPORTED-REQUEST")
		claims = word == "CLAIMURL-SUCCESS"
		return err
	})
	return claims, err
}

// CheckURL asks for the size of what the URL leads to, in bytes, -1 where that
// is not known.
func (r *Remote) CheckURL(ctx context.Context, url string) (size int64, err error) {
	if err := plainURL(url); err != nil {
		return -1, err
	}
	ctx, cancel := r.setup.Patient(ctx)
	defer cancel()
	size = -1
	err = r.with(ctx, func(c *conversation) error {
		word, rest, err := c.ask("CHECKURL "+url, "CHECKURL-CONTENTS", "CHECKURL-MULTI", "CHECKURL-FAILURE", "UNSUPPORTED-REQUEST")
		switch {
		case err != nil:
			return err
		case word == "CHECKURL-MULTI":
			return failure{fmt.Errorf("%s: the url leads to several files, which is not supported yet", c.p.name)}
		case word == "CHECKURL-FAILURE":
			return failure{fmt.Errorf("%s: %s", c.p.name, rest)}
		case word == "CHECKURL-CONTENTS":
			text, _, _ := strings.Cut(rest, " ")
			if n, perr := strconv.ParseInt(text, 10, 64); perr == nil && n >= 0 {
				size = n
			}
		}
		return nil
	})
	return size, err
}

// Addresses implements remote.Addresser by what the program says (WHEREIS).
func (r *Remote) Addresses(ctx context.Context, k annexkey.Key) (list []string, err error) {
	key, err := keyWord(k)
	if err != nil {
		return nil, err
	}
	ctx, cancel := r.setup.Patient(ctx)
	defer cancel()
	err = r.with(ctx, func(c *conversation) error {
		word, rest, err := c.ask("WHEREIS "+key, "WHEREIS-SUCCESS", "WHEREIS-FAILURE", "UNSUPPORTED-REQUEST")
		if word == "WHEREIS-SUCCESS" {
			list = []string{rest}
		}
		return err
	})
	return list, err
}
