package ora

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/ssh"
)

// address is where a store lies.
type address struct {
	scheme string // file, ssh, http or https
	host   ssh.Address
	origin string // ssh: the address without the path
	base   string // the store's folder; for http the whole URL
}

// parseAddress reads ria+SCHEME://[HOST]/PATH.
func parseAddress(text string) (address, error) {
	rest, ok := strings.CutPrefix(text, "ria+")
	u, err := url.Parse(rest)
	if !ok || err != nil || u.Fragment != "" {
		return address{}, errs.WithHint(fmt.Errorf("%q is no address of a RIA store", redacted(text)), "it has the form ria+ssh://HOST/PATH, ria+file:///PATH or ria+https://HOST/PATH")
	}
	a := address{scheme: u.Scheme, base: strings.TrimRight(u.Path, "/")}
	switch u.Scheme {
	case "file":
		if !filepath.IsAbs(u.Path) {
			err = fmt.Errorf("the path of RIA store %q is not absolute", text)
		}
	case "ssh":
		if u.Path == "" {
			u.Path = "/"
		}
		a.host, _, err = ssh.ParseAddress(u.String())
		a.origin = (&url.URL{Scheme: u.Scheme, User: loginOf(u), Host: u.Host}).String()
	case "http", "https":
		a.base = strings.TrimRight(rest, "/")
	default:
		err = fmt.Errorf("RIA stores are not reached by %q: file, ssh and http(s) are supported", u.Scheme)
	}
	return a, err
}

// loginOf leaves out a password.
func loginOf(u *url.URL) *url.Userinfo {
	if u.User == nil {
		return nil
	}
	return url.User(u.User.Username())
}

func redacted(text string) string {
	if u, err := url.Parse(text); err == nil {
		return u.Redacted()
	}
	return "…"
}

// addressOf finds a store's address: a local setting comes first, then what the
// git-annex branch has, as url.BASE.insteadOf rewrites it. "" if there is none.
func addressOf(s remote.Setup, variable, field string) string {
	if v := s.Settings.Get("remote." + s.Name + "." + variable); v != "" {
		return v
	}
	return instead(s.Settings, s.Option(field))
}

func instead(cfg remote.Settings, text string) string {
	best, base := "", ""
	for _, key := range cfg.Keys("url.") {
		name, ok := strings.CutSuffix(strings.TrimPrefix(key, "url."), ".insteadof")
		if prefix := cfg.Get(key); ok && strings.HasPrefix(text, prefix) && len(prefix) > len(best) {
			best, base = prefix, name
		}
	}
	return base + text[len(best):]
}

// datasetDir is where a store keeps the dataset, below the store's folder.
func datasetDir(id string) (string, error) {
	const head = 3
	if len(id) <= head || strings.ContainsAny(id, "/\\\x00\n") || strings.HasPrefix(id, ".") || strings.HasPrefix(id[head:], ".") {
		return "", fmt.Errorf("%q is no id of a dataset in a RIA store", id)
	}
	return id[:head] + "/" + id[head:], nil
}
