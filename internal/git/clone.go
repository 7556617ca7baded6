package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/proc"
)

// CloneOptions says what `git clone` is asked for.
type CloneOptions struct {
	URL  string   // as git takes it
	Dir  string   // where to, absolute
	From string   // folder that a relative path starts from, absolute
	Args []string // further options
	Env  []string
	// Untrusted says that the URL was not typed by the user but stands in a
	// repository: git then follows only transports that are safe with such.
	Untrusted bool
	Stderr    io.Writer // git's progress; may be nil
}

// CheckURL refuses addresses that git, or a program that it starts, could take
// for something else than an address.
func CheckURL(url string) error {
	switch {
	case url == "":
		return errors.New("empty address of a repository")
	case strings.HasPrefix(url, "-"):
		return errs.WithHint(fmt.Errorf("address %q: begins with a dash", url), "write ./%s for a path", url)
	case strings.ContainsAny(url, "\n\r\x00"):
		return fmt.Errorf("address %q: has a line break in it", url)
	case sshHostIsOption(url):
		return fmt.Errorf("address %q: its host begins with a dash", url)
	}
	return nil
}

// sshHostIsOption reports whether ssh would take the host for an option.
func sshHostIsOption(url string) bool {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return false
	}
	host, _, _ := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, '@'); i >= 0 && strings.HasPrefix(host[i+1:], "-") {
		return true
	}
	return strings.HasPrefix(host, "-")
}

// CheckUntrustedURL refuses what CheckURL does, and transports that run a
// program of the address's choice (gitremote-helpers(7)).
func CheckUntrustedURL(url string) error {
	if err := CheckURL(url); err != nil {
		return err
	}
	if before, _, ok := strings.Cut(url, "::"); ok && isTransport(before) {
		return errs.WithHint(fmt.Errorf("address %q: the transport %q is not followed for an address that stands in a repository", url, before),
			"if you trust it, clone it yourself")
	}
	return nil
}

// Redact hides the password in an address, for messages.
func Redact(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, "/")
	at := strings.LastIndexByte(host, '@')
	if !ok || at < 0 {
		return address
	}
	user, _, secret := strings.Cut(host[:at], ":")
	if !secret {
		return address
	}
	return scheme + "://" + user + ":xxxxx" + rest[at:]
}

func isTransport(s string) bool {
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("+-._", c)) {
			return false
		}
	}
	return s != ""
}

// Clone runs `git clone`; see PlainTemplate for what follows. After an error dir
// may hold remains.
func Clone(ctx context.Context, opt CloneOptions) error {
	check := CheckURL
	if opt.Untrusted {
		check = CheckUntrustedURL
	}
	if err := check(opt.URL); err != nil {
		return err
	}
	env := cleanEnv(opt.Env)
	if opt.Untrusted && strings.Contains(opt.URL, "://") && !strings.HasPrefix(opt.URL, "file://") {
		env = append(env, "GIT_PROTOCOL_FROM_USER=0")
	}
	env = append(env, PlainTemplate(ctx, env, opt.Args)...)
	args := append([]string{"-c", "diff.ignoreSubmodules=none", "clone", "--progress"}, opt.Args...)
	_, err := proc.Run(ctx, proc.Cmd{
		Name: "git", Args: append(args, "--", opt.URL, opt.Dir), Dir: opt.From, Env: env, Stderr: opt.Stderr, Terminal: true,
	})
	var exit *proc.ExitError
	if errors.As(err, &exit) {
		return &CommandError{Args: append(args, opt.URL, opt.Dir), Exit: exit.Exit, Stderr: lastWords(exit.Stderr)}
	}
	return err
}

// lastWords leaves progress out of what git wrote.
func lastWords(stderr string) string {
	var kept []string
	for _, l := range strings.Split(stderr, "\n") {
		if i := strings.LastIndexByte(strings.TrimRight(l, "\r"), '\r'); i >= 0 {
			l = l[i+1:]
		}
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "Cloning into ") && !isProgress(l) {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}

func isProgress(l string) bool {
	for _, p := range []string{"remote: Enumerating", "remote: Counting", "remote: Compressing", "remote: Total", "Receiving objects", "Resolving deltas", "Updating files"} {
		if strings.HasPrefix(l, p) {
			return true
		}
	}
	return false
}
