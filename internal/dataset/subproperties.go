package dataset

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
)

func validProperty(name string) bool {
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

// changeProperties deletes and sets properties of subdatasets that d holds.
func (d *Dataset) changeProperties(ctx context.Context, refds string, list []*Subdataset, opt SubdatasetsOptions, sink result.Sink) error {
	if len(list) == 0 {
		return nil
	}
	if err := d.Writable(ctx); err != nil {
		return err
	}
	var records []result.Record // reported when nobody waits for this process any more
	keep := result.SinkFunc(func(r result.Record) error {
		records = append(records, r)
		return nil
	})
	changed, err := d.editModules(func(text string) (string, error) {
		records = nil
		var err error
		for _, s := range list {
			if text, err = s.edit(text, refds, opt, keep); err != nil {
				return "", err
			}
		}
		return text, nil
	})
	if err != nil {
		return fmt.Errorf("change subdataset properties: %w", err)
	}
	for _, r := range records {
		if err := sink.Emit(r); err != nil {
			return err
		}
	}
	if !changed {
		return sink.Emit(result.New("save", result.NotNeeded, d.Path(), result.Dataset).Ref(refds))
	}
	_, err = d.Save(ctx, SaveOptions{Paths: []string{d.Repo.Path(modulesFile)}, ToGit: true, Reason: "stemma subdatasets",
		Message: "[DATALAD] modified subdataset properties"}, within(refds, sink))
	return err
}

// within names another reference dataset in the records.
func within(refds string, sink result.Sink) result.Sink {
	return result.SinkFunc(func(r result.Record) error { return sink.Emit(r.Ref(refds)) })
}

// edit changes the properties of s in the text of .gitmodules, and in s.
func (s *Subdataset) edit(text, refds string, opt SubdatasetsOptions, sink result.Sink) (string, error) {
	prefix := "submodule." + s.Name + "."
	for _, name := range opt.Delete {
		changed, err := git.EditConfigText(text, git.ConfigEdit{Key: prefix + name, Remove: true})
		if err != nil {
			r := s.Record("subdataset", refds).As(result.Impossible)
			r.Fields["message"] = result.Tuple{"Deleting subdataset property '%s' failed for subdataset '%s', possibly did not exist", name, s.Name}
			if err := sink.Emit(r); err != nil {
				return text, err
			}
			continue
		}
		text = changed
		s.forget(name)
	}
	for _, p := range opt.Set {
		value, err := s.template(p[1], refds)
		if err != nil {
			return text, fmt.Errorf("property %s: %w", p[0], err)
		}
		if text, err = git.EditConfigText(text, git.ConfigEdit{Key: prefix + p[0], Value: value}); err != nil {
			return text, err
		}
		s.forget(p[0])
		s.Properties = append(s.Properties, [2]string{p[0], value})
	}
	return text, nil
}

func (s *Subdataset) forget(name string) {
	kept := s.Properties[:0:0]
	for _, p := range s.Properties {
		if !strings.EqualFold(p[0], name) {
			kept = append(kept, p)
		}
	}
	s.Properties = kept
}

// template fills in a value of the form <TEXT> with braces in it.
func (s *Subdataset) template(value, refds string) (string, error) {
	if !strings.HasPrefix(value, "<") || !strings.HasSuffix(value, ">") || !strings.Contains(value, "{") {
		return value, nil
	}
	rel, err := filepath.Rel(refds, s.Abs)
	if err != nil {
		return "", err
	}
	r := s.Record("subdataset", refds).With("refds_relpath", rel).With("refds_relname", strings.ReplaceAll(rel, "/", "-")).With("path", s.Abs)
	return pyfmt.Format(value[1:len(value)-1], func(name string) (any, error) {
		if v, ok := r.Fields[name]; ok {
			return v, nil
		}
		return nil, errs.WithHint(fmt.Errorf("there is no %q in the template", name), "known are gitmodule_name, gitmodule_url, path, refds_relpath, refds_relname")
	})
}
