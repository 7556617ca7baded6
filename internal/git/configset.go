package git

import "slices"

// SetConfig applies edits to the repository's own configuration file and takes
// them into r.Config. A key to remove that is not there is ErrNoSuchKey.
func (r *Repo) SetConfig(edits ...ConfigEdit) error {
	if len(edits) == 0 {
		return nil
	}
	if err := r.EditConfig(edits...); err != nil {
		return err
	}
	r.Config = r.Config.edited(edits)
	return nil
}

// Set is the edit that gives a variable one value.
func Set(key, value string) ConfigEdit { return ConfigEdit{Key: key, Value: value} }

// edited returns c as it is after edits of the repository's own file.
func (c *Config) edited(edits []ConfigEdit) *Config {
	out := c.with(NewConfig())
	for _, e := range edits {
		key := canonicalKey(e.Key)
		if e.Remove || !e.Add {
			out.settings = slices.DeleteFunc(out.settings, func(s setting) bool { return s.key == key })
		}
		if !e.Remove {
			out.add(key, e.Value, true)
		}
	}
	return out
}
