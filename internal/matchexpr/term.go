package matchexpr

import "errors"

var errUnknown = errors.New("unknown term")

// newTerm makes the node for NAME=VALUE.
func newTerm(name, value string) (node, error) {
	switch name {
	case "include":
		return pathTerm{compileGlob(value, ofPaths)}, nil
	case "exclude":
		return not{pathTerm{compileGlob(value, ofPaths)}}, nil
	case "mimetype":
		return mimeTerm{compileGlob(value, ofValues), false}, nil
	case "mimeencoding":
		return mimeTerm{compileGlob(value, ofValues), true}, nil
	case "largerthan":
		limit, err := parseSize(value)
		return sizeTerm{limit, true}, err
	case "smallerthan":
		limit, err := parseSize(value)
		return sizeTerm{limit, false}, err
	}
	return constant(false), errUnknown
}

// constant is anything or nothing.
type constant bool

func (c constant) match(File) (bool, error) { return bool(c), nil }
func (constant) needsMIME() bool            { return false }

// pathTerm matches the whole path.
type pathTerm struct{ glob glob }

func (t pathTerm) match(f File) (bool, error) {
	if t.glob.err != nil {
		return false, t.glob.err
	}
	return t.glob.match(f.Path()), nil
}

func (pathTerm) needsMIME() bool { return false }

// sizeTerm matches sizes above (or below) the limit; equal is neither.
type sizeTerm struct {
	limit float64
	above bool
}

func (t sizeTerm) match(f File) (bool, error) {
	size, err := f.Size()
	if err != nil {
		return false, err
	}
	c := compareSize(size, t.limit)
	return t.above && c > 0 || !t.above && c < 0, nil
}

func (sizeTerm) needsMIME() bool { return false }

// mimeTerm matches the MIME type or the encoding.
type mimeTerm struct {
	glob     glob
	encoding bool
}

func (t mimeTerm) match(f File) (bool, error) {
	if t.glob.err != nil {
		return false, t.glob.err
	}
	typ, enc, err := f.MIME()
	if err != nil {
		return false, err
	}
	if t.encoding {
		return t.glob.match(enc), nil
	}
	return t.glob.match(typ), nil
}

func (mimeTerm) needsMIME() bool { return true }
