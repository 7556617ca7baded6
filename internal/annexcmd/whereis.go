package annexcmd

import (
	"context"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// URLs are the addresses that are recorded for a key.
func (s *Session) URLs(ctx context.Context, k annexkey.Key) ([]string, error) {
	data, err := s.Log(ctx, annexlog.KeyPath(k, annexlog.URLSuffix))
	if err != nil {
		return nil, err
	}
	return annexlog.ParsePresence(data).Present(), nil
}

// Whereis tells which repositories have a file's content.
func (s *Session) Whereis(ctx context.Context, f File) (Outcome, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return Outcome{}, err
	}
	where, err := s.Locations(ctx, r, annexlog.LocationPath(f.Key))
	if err != nil {
		return Outcome{}, err
	}
	urls, err := s.urlsByRepository(ctx, r, f.Key, where)
	if err != nil {
		return Outcome{}, err
	}
	trusted, untrusted := []string{}, []string{}
	for _, u := range where {
		if r.Trust(u) == annexlog.Untrusted {
			untrusted = append(untrusted, u)
		} else {
			trusted = append(trusted, u)
		}
	}
	o := f.Item("whereis").ok(short(needCopies(len(trusted))))
	text := ""
	if len(trusted) > 0 {
		text = listing(r, trusted)
		o.Notes = append(o.Notes, long(text))
	}
	if len(untrusted) > 0 {
		o.Notes = append(o.Notes, long("The following untrusted locations may also have copies:\n"+listing(r, untrusted)))
	}
	for _, u := range where {
		if len(urls[u]) > 0 && u != "" {
			text := ""
			for _, url := range urls[u] {
				text += r.shortName(u) + ": " + url + "\n"
			}
			o.Notes = append(o.Notes, long(text))
		}
	}
	o.Failed = len(trusted) == 0
	list := func(uuids []string) []any {
		out := []any{}
		for _, u := range uuids {
			obj := r.object(u)
			obj["urls"] = anyList(urls[u])
			out = append(out, obj)
		}
		return out
	}
	return o.With("whereis", list(trusted)).With("untrusted", list(untrusted)), nil
}

func listing(r *Repositories, uuids []string) string {
	text := ""
	for i, u := range uuids {
		if i > 0 {
			text += " " // git-annex's own
		}
		text += "\t" + r.line(u) + "\n"
	}
	return text
}

func anyList(texts []string) []any {
	out := []any{}
	for _, t := range texts {
		out = append(out, t)
	}
	return out
}

func cutClaim(u string) (string, bool) {
	if len(u) > 0 && u[0] == ':' {
		return u[1:], true
	}
	return u, false
}
