package git

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Identities are the author and committer of new commits.
type Identities struct{ Author, Committer gitobj.Identity }

// Identities computes who commits, from the environment and configuration
// exactly as `git var GIT_AUTHOR_IDENT` does. It starts git only where name or
// e-mail are not configured, or a date has a form that only git reads; then
// git's own error is returned where nobody can be determined.
func (r *Repo) Identities(ctx context.Context, now time.Time) (Identities, error) {
	author, err := r.identity(ctx, "AUTHOR", now)
	if err != nil {
		return Identities{}, err
	}
	committer, err := r.identity(ctx, "COMMITTER", now)
	return Identities{author, committer}, err
}

func (r *Repo) identity(ctx context.Context, role string, now time.Time) (gitobj.Identity, error) {
	lower := strings.ToLower(role)
	id := gitobj.Identity{
		Name:  cleanIdent(firstOf(r.getenv("GIT_"+role+"_NAME"), r.Config.Get(lower+".name"), r.Config.Get("user.name"))),
		Email: cleanIdent(firstOf(r.getenv("GIT_"+role+"_EMAIL"), r.Config.Get(lower+".email"), r.Config.Get("user.email"), r.getenv("EMAIL"))),
		When:  now,
	}
	date := r.getenv("GIT_" + role + "_DATE")
	when, readable := parseRawDate(date)
	if date != "" {
		id.When = when
	}
	if id.Name != "" && id.Email != "" && (date == "" || readable) {
		return id, nil
	}
	out, err := r.Output(ctx, "var", "GIT_"+role+"_IDENT")
	if err != nil {
		return id, errs.WithHint(err, "tell git who you are: git config --global user.name NAME; git config --global user.email ADDRESS")
	}
	return ParseIdentity(strings.TrimRight(string(out), "\n"))
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// cleanIdent removes what git removes from names and addresses: '<', '>',
// newlines inside, and "crud" at both ends.
func cleanIdent(s string) string {
	s = strings.TrimFunc(s, func(c rune) bool {
		return c <= ' ' || strings.ContainsRune(".,:;<>\"\\'", c)
	})
	return strings.Map(func(c rune) rune {
		if c == '<' || c == '>' || c == '\n' {
			return -1
		}
		return c
	}, s)
}

// parseRawDate reads git's internal date forms "@secs ±hhmm" and "secs ±hhmm"
// and ISO 8601 with a zone. ok is false for anything else.
func parseRawDate(s string) (t time.Time, ok bool) {
	secs, zone, hasZone := strings.Cut(strings.TrimPrefix(s, "@"), " ")
	if n, err := strconv.ParseInt(secs, 10, 64); err == nil && hasZone && (s[0] == '@' || n >= 100000000) {
		z, err := time.Parse("-0700", zone)
		if err != nil {
			return t, false
		}
		return time.Unix(n, 0).In(z.Location()), true
	}
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339, "2006-01-02 15:04:05 -0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return t, false
}

// ParseIdentity reads "Name <email> secs ±hhmm", the form of commit objects.
func ParseIdentity(s string) (gitobj.Identity, error) {
	open, end := strings.IndexByte(s, '<'), strings.LastIndexByte(s, '>')
	if open < 0 || end < open {
		return gitobj.Identity{}, fmt.Errorf("identity %q: no address", s)
	}
	when, ok := parseRawDate("@" + strings.TrimSpace(s[end+1:]))
	if !ok {
		return gitobj.Identity{}, fmt.Errorf("identity %q: no date", s)
	}
	return gitobj.Identity{Name: strings.TrimSpace(s[:open]), Email: s[open+1 : end], When: when}, nil
}
