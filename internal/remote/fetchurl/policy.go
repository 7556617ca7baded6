package fetchurl

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
)

// policy is what git-annex's settings allow to be asked: by default http and
// https, and no address of this machine or of a private network. A dataset
// from elsewhere names the URLs.
type policy struct {
	schemes []string
	all     bool        // every address
	allowed []addrMatch // beside those that are public
}

// addrMatch is one address, on one port or on all (0).
type addrMatch struct {
	addr netip.Addr
	port uint16
}

func newPolicy(s remote.Settings) policy {
	p := policy{schemes: []string{"http", "https", "ftp"}}
	if list := strings.Fields(s.Get("annex.security.allowed-url-schemes")); len(list) > 0 {
		p.schemes = list
	}
	addresses := s.Get("annex.security.allowed-ip-addresses")
	if addresses == "" {
		addresses = s.Get("annex.security.allowed-http-addresses")
	}
	for _, word := range strings.Fields(addresses) {
		if word == "all" {
			p.all = true
		} else if m, ok := parseAddr(word); ok {
			p.allowed = append(p.allowed, m)
		}
	}
	return p
}

// Guard is a net.Dialer's Control: it refuses addresses that the repository's
// settings do not allow to be asked.
func Guard(s remote.Settings) func(network, address string, c syscall.RawConn) error {
	return newPolicy(s).checkDial
}

// parseAddr reads ADDRESS, ADDRESS:PORT, [ADDRESS] or [ADDRESS]:PORT.
func parseAddr(word string) (addrMatch, bool) {
	if a, err := netip.ParseAddr(strings.Trim(word, "[]")); err == nil {
		return addrMatch{a.Unmap(), 0}, true
	}
	ap, err := netip.ParseAddrPort(word)
	return addrMatch{ap.Addr().Unmap(), ap.Port()}, err == nil
}

func (p policy) checkScheme(scheme string) error {
	if slices.Contains(p.schemes, strings.ToLower(scheme)) {
		return nil
	}
	return errs.WithHint(fmt.Errorf("url scheme %q is not allowed", scheme),
		"if you trust where the URL comes from, add the scheme to annex.security.allowed-url-schemes")
}

// checkDial is called for every connection, with the address that the name has
// been resolved to; so neither DNS nor redirects lead around it.
func (p policy) checkDial(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	if p.allows(ap.Addr().Unmap().WithZone(""), ap.Port()) {
		return nil
	}
	return errs.WithHint(fmt.Errorf("connections to %s are not allowed: it is no public address", ap.Addr()),
		"if you trust where the URL comes from, add the address to annex.security.allowed-ip-addresses")
}

func (p policy) allows(a netip.Addr, port uint16) bool {
	if p.all || public(a) {
		return true
	}
	return slices.ContainsFunc(p.allowed, func(m addrMatch) bool { return m.addr == a && (m.port == 0 || m.port == port) })
}

// reserved are networks that are not public beside those that netip knows.
func reserved() []netip.Prefix {
	var list []netip.Prefix
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2002::/16", "2001:db8::/32", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	return !slices.ContainsFunc(reserved(), func(n netip.Prefix) bool { return n.Contains(a) })
}
