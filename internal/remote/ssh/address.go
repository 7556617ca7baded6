package ssh

import (
	"fmt"
	"net/url"
	"strings"
)

// Address is a repository on a host that ssh reaches.
type Address struct {
	Host string // as ssh gets it, with "user@" where the URL has one
	Port string // "" for ssh's own choice
	Path string // on the host; "~/…" and relative ones start at the home folder
}

// ParseAddress reads what git takes for ssh: ssh://[USER@]HOST[:PORT]/PATH, its
// older spellings, and [USER@]HOST:PATH. ok is false for anything else; the
// error is for an address that must not be used.
func ParseAddress(u string) (a Address, ok bool, err error) {
	scheme, _, isURL := strings.Cut(u, "://")
	if isURL {
		switch scheme {
		case "ssh", "git+ssh", "ssh+git":
			a, err = parseURL(u)
			return a, true, err
		}
		return a, false, nil
	}
	a, ok = parseShort(u)
	if ok {
		err = a.check()
	}
	return a, ok, err
}

func parseURL(u string) (Address, error) {
	p, err := url.Parse(u)
	if err != nil {
		return Address{}, fmt.Errorf("ssh address: %w", err)
	}
	a := Address{Host: p.Hostname(), Port: p.Port(), Path: p.Path}
	if p.User != nil {
		a.Host = p.User.Username() + "@" + a.Host
	}
	return a, a.check()
}

// parseShort reads HOST:PATH; a slash before the colon makes it a path.
func parseShort(u string) (Address, bool) {
	host, path, ok := strings.Cut(u, ":")
	if user, rest, at := strings.Cut(u, "["); at && (user == "" || strings.HasSuffix(user, "@")) {
		var inner string
		if inner, path, ok = strings.Cut(rest, "]:"); ok {
			host = user + inner
		}
	}
	if !ok || strings.Contains(host, "/") || host == "" {
		return Address{}, false
	}
	return Address{Host: host, Path: path}, true
}

// check refuses what ssh would take for an option, and what a line cannot hold.
func (a Address) check() error {
	switch {
	case a.Host == "" || strings.HasPrefix(a.Host, "-") || strings.HasPrefix(a.Port, "-"):
		return fmt.Errorf("ssh address: strange host %q", a.Host)
	case a.Path == "" || strings.HasPrefix(a.Path, "-"):
		return fmt.Errorf("ssh address: strange path %q", a.Path)
	case strings.ContainsAny(a.Host, "'\"`$\\;&<>|(){} \t"):
		// ssh hands hosts on to commands of its configuration, such as ProxyCommand.
		return fmt.Errorf("ssh address: strange host %q", a.Host)
	case strings.ContainsAny(a.Host+a.Path, "\x00\n\r"):
		return fmt.Errorf("ssh address: line break in %q", a.Host+":"+a.Path)
	}
	return nil
}
