package annexcli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/pyfmt"
)

// metaOption is an option that edits metadata.
type metaOption struct {
	edits *[]annexcmd.MetaEdit
	make  func(text string) (annexcmd.MetaEdit, error)
}

func (o *metaOption) String() string { return "" }

// Type names the value in the help text.
func (o *metaOption) Type() string { return "FIELD" }

// Set adds the edit.
func (o *metaOption) Set(text string) error {
	e, err := o.make(text)
	if err == nil {
		*o.edits = append(*o.edits, e)
	}
	return err
}

// parseMeta reads FIELD=VALUE, FIELD+=VALUE, FIELD-=VALUE and FIELD?=VALUE.
func parseMeta(text string) (annexcmd.MetaEdit, error) {
	field, value, ok := strings.Cut(text, "=")
	if !ok || field == "" {
		return annexcmd.MetaEdit{}, fmt.Errorf("Could not parse %q: expected FIELD=VALUE", text)
	}
	switch op, name := field[len(field)-1], field[:len(field)-1]; op {
	case '+':
		return annexcmd.AddMeta(name, value), nil
	case '-':
		return annexcmd.RemoveMeta(name, value), nil
	case '?':
		return annexcmd.InitMeta(name, value), nil
	}
	return annexcmd.SetMeta(field, value), nil
}

func newMetadata(f *pflag.FlagSet) func(*call, []string) error {
	var (
		edits []annexcmd.MetaEdit
		sel   selection
		b     batch
		get   string
	)
	option := func(name, letter, help string, make func(string) (annexcmd.MetaEdit, error)) {
		f.VarP(&metaOption{&edits, make}, name, letter, help)
	}
	option("set", "s", "set, add (+=) or remove (-=) a value", parseMeta)
	option("tag", "t", "add a tag", func(v string) (annexcmd.MetaEdit, error) { return annexcmd.AddMeta("tag", v), nil })
	option("untag", "u", "remove a tag", func(v string) (annexcmd.MetaEdit, error) { return annexcmd.RemoveMeta("tag", v), nil })
	option("remove", "r", "remove all values of a field", func(v string) (annexcmd.MetaEdit, error) { return annexcmd.SetMeta(v), nil })
	f.StringVarP(&get, "get", "g", "", "show only the values of the `FIELD`")
	f.BoolFunc("remove-all", "remove all metadata", func(string) error {
		edits = append(edits, annexcmd.ClearMeta())
		return nil
	})
	sel.flags(f)
	b.flags(f, false)
	return func(c *call, args []string) error {
		return c.reading(func(s *annexcmd.Session) error {
			if b.on {
				if !c.common.json {
					return errors.New("combining --batch with file names or without --json is not supported")
				}
				return c.metadataBatch(s, b)
			}
			if len(edits) > 0 && !c.common.force && !sel.byKey() {
				if err := c.eachOneFile(s, args); err != nil {
					return err
				}
			}
			return sel.each(c, s, args, func(f annexcmd.File) error {
				if get != "" {
					values, err := s.MetaValues(c.ctx, f.Key, get)
					for _, v := range values {
						if err := c.out.line(v + "\n"); err != nil {
							return err
						}
					}
					return err
				}
				o, err := s.Metadata(c.ctx, f, edits)
				if err != nil {
					return err
				}
				return c.out.print(o)
			})
		})
	}
}

// eachOneFile refuses paths that stand for several files, of which one edit
// would be made in all.
func (c *call) eachOneFile(s *annexcmd.Session, paths []string) error {
	refused := errors.New("Not recursively setting metadata. Use --force to do that.")
	if len(paths) == 0 {
		return refused
	}
	for _, p := range paths {
		n := 0
		err := s.Files(c.ctx, []string{p}, func(annexcmd.File) error {
			if n++; n > 1 {
				return refused
			}
			return nil
		})
		var unknown *annexcmd.UnknownPathError // said later
		if err != nil && !errors.As(err, &unknown) {
			return err
		}
	}
	return nil
}

// metadataBatch answers one JSON object for each: {"file":F,"fields":{…}} sets
// fields, without fields it asks for them.
func (c *call) metadataBatch(s *annexcmd.Session, b batch) error {
	s.Shared = true
	return c.lines(b.null, func(line string) error {
		req, err := readRequest(line)
		if err != nil {
			return err
		}
		var file annexcmd.File
		ok := true
		if req.key != "" {
			k, kerr := parseKey(req.key)
			file, err = annexcmd.KeyFile(k), kerr
		} else {
			file, ok, err = s.FileOf(c.ctx, req.file)
		}
		if err != nil {
			return err
		}
		if !ok {
			return c.out.line("\n")
		}
		file.Input = []string{line}
		o, err := s.Metadata(c.ctx, file, req.edits)
		if err != nil {
			return err
		}
		return c.out.print(o)
	})
}

// request is a line of `metadata --batch --json`.
type request struct {
	file, key string
	edits     []annexcmd.MetaEdit
}

func readRequest(line string) (request, error) {
	var r request
	v, err := pyfmt.ParseJSON(line, 8)
	if err != nil {
		return r, fmt.Errorf("JSON decode failed: %w", err)
	}
	o, ok := v.(map[string]any)
	if !ok {
		return r, errors.New("JSON decode failed: no object")
	}
	r.file, _ = o["file"].(string)
	r.key, _ = o["key"].(string)
	if r.file == "" && r.key == "" {
		return r, errors.New("JSON input is missing either file or key")
	}
	fields, _ := o["fields"].(map[string]any)
	for name, v := range fields {
		list, ok := v.([]any)
		if !ok {
			return r, fmt.Errorf("JSON decode failed: the field %q has no list", name)
		}
		values := make([]string, len(list))
		for i, e := range list {
			if values[i], ok = e.(string); !ok {
				return r, fmt.Errorf("JSON decode failed: a value of %q is no text", name)
			}
		}
		r.edits = append(r.edits, annexcmd.SetMeta(name, values...))
	}
	return r, nil
}
