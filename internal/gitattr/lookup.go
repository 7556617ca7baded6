package gitattr

// lookup collects values from the highest precedence down; the first word on an
// attribute is the last, "!name" included.
type lookup struct {
	macros map[string][]assignment
	found  map[string]Value
	wanted []string // empty: all
	left   int      // wanted attributes not found yet
}

// run goes through the levels until all that is wanted is found.
func (l *lookup) run(levels []level, t target) {
	l.left = len(unique(l.wanted))
	for i := len(levels) - 1; i >= 0; i-- {
		rules := levels[i].file.rules
		for j := len(rules) - 1; j >= 0; j-- {
			if len(l.wanted) > 0 && l.left == 0 {
				return
			}
			if rules[j].pattern.matches(t, levels[i].base) {
				l.assign(rules[j].states)
			}
		}
	}
}

func unique(names []string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

// assign takes the states of a line, the last first, and opens up macros.
func (l *lookup) assign(states []assignment) {
	for i := len(states) - 1; i >= 0; i-- {
		s := states[i]
		if _, ok := l.found[s.name]; ok {
			continue
		}
		l.found[s.name] = s.value
		for _, w := range l.wanted {
			if w == s.name {
				l.left--
				break
			}
		}
		if s.value.State == Set {
			l.assign(l.macros[s.name])
		}
	}
}

// result is what was found of what is wanted.
func (l *lookup) result() map[string]Value {
	out := make(map[string]Value, len(l.wanted))
	for _, n := range l.wanted {
		out[n] = l.found[n]
	}
	if len(l.wanted) > 0 {
		return out
	}
	for n, v := range l.found {
		if v.State != Unspecified {
			out[n] = v
		}
	}
	return out
}

// macros returns the definitions in force: of each name the last one of the
// highest level.
func macros(levels []level) map[string][]assignment {
	out := map[string][]assignment{}
	for _, lv := range levels {
		for _, d := range lv.file.macros {
			out[d.name] = d.states
		}
	}
	return out
}
