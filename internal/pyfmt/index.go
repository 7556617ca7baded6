package pyfmt

import "fmt"

// KeyError is an unknown name or key. Its text is the quoted name, as in
// Python, for the caller to put into a sentence.
type KeyError struct{ Name string }

func (e *KeyError) Error() string { return Repr(e.Name) }

// IndexError is an index beyond the end of a list or string, or a number that
// is no key.
type IndexError struct{ Text string }

func (e *IndexError) Error() string { return e.Text }

// PositionalError is a field without name: {} or {0}.
type PositionalError struct{ Index int }

func (e *PositionalError) Error() string {
	return fmt.Sprintf("Replacement index %d out of range for positional args tuple", e.Index)
}

// TypeError is a value that does not fit the use the template makes of it.
type TypeError struct{ Text string }

func (e *TypeError) Error() string { return e.Text }

// SyntaxError is a template that breaks the grammar.
type SyntaxError struct{ Text string }

func (e *SyntaxError) Error() string { return e.Text }

// index returns v[key] in Python, where a key of digits is an integer.
func index(v any, key string) (any, error) {
	if ix, ok := v.(Indexer); ok {
		return ix.Index(key)
	}
	n, isInt, err := integer(key)
	if err != nil {
		return nil, err
	}
	switch v := plain(v).(type) {
	case Object:
		if isInt { // our keys are strings, and 0 is not '0'
			return nil, &IndexError{key}
		}
		for i := len(v) - 1; i >= 0; i-- {
			if v[i].Key == key {
				return v[i].Value, nil
			}
		}
		return nil, &KeyError{key}
	case []any:
		return listItem(v, n, isInt, "list")
	case Tuple:
		return listItem(v, n, isInt, "tuple")
	case string:
		return stringItem(v, n, isInt)
	}
	return nil, &TypeError{fmt.Sprintf("'%s' object is not subscriptable", typeName(v))}
}

func listItem(v []any, n int, isInt bool, kind string) (any, error) {
	if !isInt {
		return nil, &TypeError{kind + " indices must be integers or slices, not str"}
	}
	if n >= len(v) {
		return nil, &IndexError{kind + " index out of range"}
	}
	return v[n], nil
}

func stringItem(s string, n int, isInt bool) (any, error) {
	if !isInt {
		return nil, &TypeError{"string indices must be integers, not 'str'"}
	}
	head, _ := Cut(s, n)
	rest := s[len(head):]
	if rest == "" {
		return nil, &IndexError{"string index out of range"}
	}
	char, _ := Cut(rest, 1)
	return char, nil
}
