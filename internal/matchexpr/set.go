package matchexpr

import "slices"

// set is a bracket expression. A negated set never has the line break.
type set struct {
	negated bool
	ranges  []span
}

// span is an inclusive range of characters.
type span struct{ lo, hi rune }

func (s set) has(c rune) bool {
	in := slices.ContainsFunc(s.ranges, func(r span) bool { return c >= r.lo && c <= r.hi })
	if s.negated {
		return !in && c != '\n'
	}
	return in
}

// classes are the named classes; they hold ASCII only.
var classes = map[string][]span{
	"alnum":  {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}},
	"alpha":  {{'A', 'Z'}, {'a', 'z'}},
	"blank":  {{' ', ' '}, {'\t', '\t'}},
	"cntrl":  {{0, 31}, {127, 127}},
	"digit":  {{'0', '9'}},
	"graph":  {{'!', '~'}},
	"lower":  {{'a', 'z'}},
	"print":  {{' ', '~'}},
	"punct":  {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}},
	"space":  {{'\t', '\r'}, {' ', ' '}},
	"upper":  {{'A', 'Z'}},
	"word":   {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
	"xdigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}},
}

// parseSet reads a set behind its opening bracket and returns how many
// characters it takes, the closing bracket included.
func parseSet(in []rune) (s set, n int, err error) {
	if len(in) > 0 && in[0] == '^' {
		s.negated, n = true, 1
	}
	if n < len(in) && in[n] == ']' { // first, it stands for itself
		s.add(']', ']')
		n++
	}
	for n < len(in) && in[n] != ']' {
		used, err := s.element(in[n:])
		if err != nil {
			return set{}, 0, err
		}
		n += used
	}
	if n >= len(in) {
		return set{}, 0, errOpenSet
	}
	return s, n + 1, nil
}

func (s *set) add(lo, hi rune) { s.ranges = append(s.ranges, span{lo, hi}) }

// element reads a class, a range or a character.
func (s *set) element(in []rune) (used int, err error) {
	if n := s.class(in); n > 0 {
		return n, nil
	}
	if len(in) < 3 || in[1] != '-' || in[2] == ']' {
		s.add(in[0], in[0])
		return 1, nil
	}
	if in[0] > in[2] {
		return 0, errBadRange
	}
	s.add(in[0], in[2])
	return 3, nil
}

// class reads [:name:], [=characters=] or [.name.] and returns its length, 0
// where there is none. Unknown classes and collating names add nothing.
func (s *set) class(in []rune) int {
	if len(in) < 5 || in[0] != '[' || !slices.Contains([]rune(":=."), in[1]) {
		return 0
	}
	kind := in[1]
	n := slices.IndexFunc(in[2:], func(r rune) bool { return r == kind || r == ']' })
	if n < 1 || n+3 >= len(in) || in[n+2] != kind || in[n+3] != ']' {
		return 0
	}
	name := in[2 : n+2]
	switch kind {
	case ':':
		s.ranges = append(s.ranges, classes[string(name)]...)
	case '=':
		for _, r := range name {
			s.add(r, r)
		}
	}
	return n + 4
}
