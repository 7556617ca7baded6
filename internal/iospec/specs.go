package iospec

import "github.com/stemma-data/stemma/internal/pyfmt"

// SpecValues is what the placeholders of input and output specifications stand
// for.
type SpecValues struct {
	// The specifications as given. Empty ones are unknown names.
	Inputs, ExtraInputs, Outputs []string
	// Substitutions are the configured placeholders; the names above win.
	Substitutions map[string]string
}

// ExpandSpecs fills in the placeholders of input or output specifications,
// before they are globbed. A single specification that is exactly {inputs},
// {extra_inputs} or {outputs} becomes that whole list as it was given.
// Errors are *PlaceholderError.
func ExpandSpecs(specs []string, v SpecValues) ([]string, error) {
	if len(specs) == 1 {
		if list := v.list(specs[0]); len(list) > 0 {
			return append([]string{}, list...), nil
		}
	}
	out := make([]string, 0, len(specs))
	for _, spec := range specs {
		text, err := pyfmt.Format(spec, v.lookup)
		if err != nil {
			return nil, failed(subjectSpec, err)
		}
		out = append(out, text)
	}
	return out, nil
}

// list returns the list that a specification refers to, or nil.
func (v SpecValues) list(spec string) []string {
	switch spec {
	case "{inputs}":
		return v.Inputs
	case "{extra_inputs}":
		return v.ExtraInputs
	case "{outputs}":
		return v.Outputs
	}
	return nil
}

func (v SpecValues) lookup(name string) (any, error) {
	if list := v.list("{" + name + "}"); len(list) > 0 {
		return list, nil
	}
	if s, ok := v.Substitutions[name]; ok {
		return s, nil
	}
	return nil, pyfmt.ErrUnknown
}
