package annexcmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/matchexpr"
)

func (s *Session) inTerm(ctx context.Context, value string, v view) (matchexpr.Term, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	uuid, err := r.Resolve(value)
	if err != nil {
		return nil, err
	}
	if v.without && v.uuid == uuid {
		return keyTerm(func(File) (bool, error) { return false, nil }), nil
	}
	return keyTerm(func(f File) (bool, error) { return s.has(ctx, f.Key, uuid) }), nil
}

// copiesTerm is copies=N, copies=TRUST:N or copies=GROUP:N.
func (s *Session) copiesTerm(ctx context.Context, value string, v view) (matchexpr.Term, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	kind, number, ok := strings.Cut(value, ":")
	if !ok {
		kind, number = "", value
	}
	need, err := strconv.Atoi(number)
	if err != nil {
		return nil, fmt.Errorf("bad number of copies %q", value)
	}
	counts := func(string) bool { return true }
	if level, plus, ok := trustLevel(kind); ok {
		counts = func(u string) bool { return trustRank(r.Trust(u)) == level || plus && trustRank(r.Trust(u)) > level }
	} else if kind != "" {
		counts = func(u string) bool { return slices.Contains(r.Groups(u), kind) }
	}
	return keyTerm(func(f File) (bool, error) {
		where, err := s.locations(ctx, f.Key, v)
		n := 0
		for _, u := range where {
			if counts(u) {
				n++
			}
		}
		return n >= need, err
	}), nil
}

// trustLevel reads "trusted", "semitrusted+" and so on.
func trustLevel(name string) (rank int, plus, ok bool) {
	name, plus = strings.CutSuffix(name, "+")
	for t, word := range trustWords {
		if word == name {
			return trustRank(t), plus, true
		}
	}
	return 0, plus, false
}

var trustWords = map[annexlog.Trust]string{
	annexlog.Trusted: "trusted", annexlog.Semitrusted: "semitrusted", annexlog.Untrusted: "untrusted", annexlog.Dead: "dead",
}

func trustRank(t annexlog.Trust) int {
	return map[annexlog.Trust]int{annexlog.Trusted: 3, annexlog.Semitrusted: 2, annexlog.Untrusted: 1}[t]
}

func (s *Session) lackingTerm(ctx context.Context, value string, exact bool, v view) (matchexpr.Term, error) {
	need, err := strconv.Atoi(value)
	if err != nil {
		return nil, fmt.Errorf("bad number of copies %q", value)
	}
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	return keyTerm(func(f File) (bool, error) {
		n, _, err := s.Copies(ctx, f, exact)
		if err != nil {
			return false, err
		}
		where, err := s.locations(ctx, f.Key, v)
		have := 0
		for _, u := range where {
			if r.Trust(u) != annexlog.Untrusted {
				have++
			}
		}
		return n-have >= need, err
	}), nil
}

// metadataTerm is FIELD=GLOB, or FIELD<VALUE and the like.
func (s *Session) metadataTerm(ctx context.Context, value string) (matchexpr.Term, error) {
	at := strings.IndexAny(value, "=<>")
	if at < 0 {
		return nil, errors.New("expected FIELD=GLOB")
	}
	field, op, want := value[:at], value[at:at+1], value[at+1:]
	if op != "=" && strings.HasPrefix(want, "=") {
		op, want = op+"=", want[1:]
	}
	glob, err := matchexpr.Glob(strings.ToLower(want))
	if err != nil {
		return nil, err
	}
	return keyTerm(func(f File) (bool, error) {
		data, err := s.Log(ctx, annexlog.KeyPath(f.Key, annexlog.MetaDataSuffix))
		for _, v := range annexlog.ParseMetaData(data).Values(field) {
			if op == "=" && glob(strings.ToLower(v)) || op != "=" && compareValues(v, op, want) {
				return true, err
			}
		}
		return false, err
	}), nil
}

func compareValues(have, op, want string) bool {
	c := strings.Compare(have, want)
	if a, errA := strconv.ParseFloat(have, 64); errA == nil {
		if b, errB := strconv.ParseFloat(want, 64); errB == nil {
			c = cmp.Compare(a, b)
		}
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func (s *Session) groupTerm(ctx context.Context, group string, all bool, v view) (matchexpr.Term, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	return keyTerm(func(f File) (bool, error) {
		where, err := s.locations(ctx, f.Key, v)
		if err != nil {
			return false, err
		}
		if !all {
			return len(where) > 0 && !slices.ContainsFunc(where, func(u string) bool { return !slices.Contains(r.Groups(u), group) }), nil
		}
		for _, u := range r.All() {
			if slices.Contains(r.Groups(u), group) && r.Trust(u) != annexlog.Dead {
				if !slices.Contains(where, u) {
					return false, nil
				}
			}
		}
		return true, nil
	}), nil
}
