package annexcmd

import (
	"context"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/git"
)

// Column is a repository of the table that list shows.
type Column struct{ UUID, Name string }

// ListColumns are the repositories to show: here, the remotes, and the web.
func (s *Session) ListColumns(ctx context.Context, all bool) ([]Column, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	marked := func(uuid, name string) Column {
		if r.Trust(uuid) == annexlog.Untrusted {
			name += " (untrusted)"
		}
		return Column{uuid, name}
	}
	columns := []Column{marked(r.here, "here")}
	if all {
		for _, u := range r.All() {
			if u != r.here {
				columns = append(columns, marked(u, r.Description(u)))
			}
		}
		return columns, nil
	}
	for _, p := range r.Peers {
		if p.UUID() != "" && p.UUID() != WebUUID {
			columns = append(columns, marked(p.UUID(), p.Spec.Name))
		}
	}
	return append(columns, Column{WebUUID, "web"}, Column{BittorrentUUID, "bittorrent"}), nil
}

// ListMarks shows by one letter for each column whether it has the file: X, x
// for an untrusted repository, or _.
func (s *Session) ListMarks(ctx context.Context, f File, columns []Column) (string, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return "", err
	}
	where, err := s.Locations(ctx, r, annexlog.LocationPath(f.Key))
	var b strings.Builder
	for _, c := range columns {
		switch {
		case !contains(where, c.UUID):
			b.WriteByte('_')
		case r.Trust(c.UUID) == annexlog.Untrusted:
			b.WriteByte('x')
		default:
			b.WriteByte('X')
		}
	}
	return b.String(), err
}

// StatusLine is a file that differs from the last commit.
type StatusLine struct{ State, File string }

// Status lists what differs, in git-annex's letters.
func (s *Session) Status(ctx context.Context, ignoreSubmodules string, paths []string) ([]StatusLine, error) {
	args := []string{"status", "--porcelain", "-z"}
	if ignoreSubmodules != "" {
		args = append(args, "--ignore-submodules="+ignoreSubmodules)
	}
	args = append(args, "--")
	for _, p := range paths {
		rel, err := s.D.Rel(p)
		if err != nil {
			return nil, err
		}
		args = append(args, ":(literal)"+rel)
	}
	out, err := s.D.Repo.Output(ctx, args...)
	if err != nil && git.ExitCode(err) != 0 {
		return nil, err
	}
	var lines []StatusLine
	parts := strings.Split(string(out), "\x00")
	for i := 0; i < len(parts); i++ {
		if len(parts[i]) < 4 {
			continue
		}
		state, path := parts[i][:2], parts[i][3:]
		if state[0] == 'R' || state[0] == 'C' {
			i++ // the old name follows
		}
		letter := strings.TrimSpace(state)[:1]
		lines = append(lines, StatusLine{letter, "./" + s.show(path)})
	}
	return lines, nil
}
