package siblings

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

// uuidOf is the annex of a sibling; "" where it is not known.
func uuidOf(d *dataset.Dataset, name string) string {
	if name == Here {
		return d.Annex.UUID
	}
	return d.Repo.Config.Get("remote." + name + ".annex-uuid")
}

// check refuses expressions that git-annex could not read, before anything is
// changed.
func (s Settings) check(ctx context.Context, d *dataset.Dataset) error {
	if s.GroupWanted != "" && (s.Group == nil || *s.Group == "") {
		return errs.WithExit(errs.WithHint(errors.New("an expression for a group needs the group"), "give it: --annex-group NAME"), errs.ExitUsage)
	}
	expressions := map[string]*string{"wanted": s.Wanted, "required": s.Required, "groupwanted": &s.GroupWanted}
	for _, what := range []string{"wanted", "required", "groupwanted"} {
		text := expressions[what]
		if d.Annex == nil || text == nil || *text == "" {
			continue
		}
		session, err := annexcmd.Open(ctx, d, annexcmd.Settings{})
		if err != nil {
			return err
		}
		if err := session.CheckExpression(ctx, *text); err != nil {
			return fmt.Errorf("annex-%s of sibling %s: %w", what, s.Name, err)
		}
	}
	return nil
}

// policy writes what the git-annex branch has to know of a sibling. why says
// that it cannot.
func (s Settings) policy(ctx context.Context, d *dataset.Dataset) (why string, err error) {
	values := map[string]string{}
	if s.Description != "" {
		values[annexlog.UUIDFile] = s.Description
	}
	for file, v := range map[string]*string{annexlog.PreferredContentFile: s.Wanted, annexlog.RequiredContentFile: s.Required} {
		if v != nil {
			values[file] = *v
		}
	}
	if s.Group != nil {
		values[annexlog.GroupFile] = annexlog.FormatGroups(strings.Fields(*s.Group))
	}
	if d.Annex == nil || len(values) == 0 && s.GroupWanted == "" {
		return "", nil
	}
	uuid := uuidOf(d, s.Name)
	if uuid == "" {
		return "it is not known to have an annex", nil
	}
	var edits []annex.LogEdit
	for file, v := range values {
		edit, err := setUUIDLog(file, uuid, v, d)
		if err != nil {
			return "", err
		}
		edits = append(edits, edit)
	}
	if s.GroupWanted != "" && s.Group != nil {
		edits = append(edits, setMapLog(annexlog.GroupPreferredContentFile, *s.Group, s.GroupWanted, d))
	}
	_, err = d.Publisher().Publish(ctx, commit.Request{Logs: edits, Reason: "stemma siblings: " + s.Name})
	return "", err
}

// setUUIDLog is the edit that sets a repository's value in a log.
func setUUIDLog(file, uuid, value string, d *dataset.Dataset) (annex.LogEdit, error) {
	if err := annexlog.CheckValue(value); err != nil {
		return annex.LogEdit{}, err
	}
	now := d.LogClock()
	return annex.LogEdit{Path: file, UUID: uuid, Change: func(old []byte) []byte {
		log := annexlog.ParseUUIDLog(old)
		if have, ok := log.Get(uuid); ok && have.Value == value {
			return old
		}
		out, err := log.Set(uuid, value, now)
		if err != nil {
			return old
		}
		return out
	}}, nil
}

func setMapLog(file, field, value string, d *dataset.Dataset) annex.LogEdit {
	now := d.LogClock()
	return annex.LogEdit{Path: file, Change: func(old []byte) []byte {
		out, err := annexlog.ParseMapLog(old).Set(field, value, now)
		if err != nil {
			return old
		}
		return out
	}}
}

// common makes a special remote of the sibling's address, which clones get by
// themselves.
func (s Settings) common(ctx context.Context, d *dataset.Dataset, failed result.Record, sink result.Sink) error {
	address := d.Repo.Config.Get("remote." + s.Name + ".url")
	if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
		return sink.Emit(failed.As(result.Impossible).Msg("cannot configure as a common data source, URL protocol is not http or https"))
	}
	uuid := uuidOf(d, s.Name)
	if uuid == "" {
		return sink.Emit(failed.As(result.Impossible).Msg("cannot configure as a common data source, it is not known to have an annex"))
	}
	config := map[string]string{"type": "git", "location": address, "autoenable": "true", "name": s.CommonSource}
	edit, err := setUUIDLog(annexlog.RemoteFile, uuid, annexlog.EncodeConfig(config), d)
	if err != nil {
		return err
	}
	_, err = d.Publisher().Publish(ctx, commit.Request{Logs: []annex.LogEdit{edit}, Reason: "stemma siblings: " + s.CommonSource})
	if err != nil {
		return err
	}
	key := "remote." + s.CommonSource + "."
	return d.Repo.SetConfig(git.Set(key+"url", address), git.Set(key+"fetch", "+refs/heads/*:refs/remotes/"+s.CommonSource+"/*"), git.Set(key+"annex-uuid", uuid))
}

// inherit fills in what is not given with what the superdataset's sibling of
// the same name has.
func (s *Settings) inherit(ctx context.Context, d *dataset.Dataset) error {
	super, err := dataset.Open(ctx, filepath.Dir(d.Path()), "inherit settings", d.Env)
	if err != nil {
		d.Env.Log.Warn(fmt.Sprintf("Cannot determine super dataset for %s, thus probably nothing would be inherited where desired", d.Path()))
		return nil
	}
	defer super.Close()
	key := "remote." + s.Name + "."
	if len(s.Depends) == 0 {
		s.Depends = super.Repo.Config.All(key + "datalad-publish-depends")
	}
	if len(s.Push) == 0 {
		s.Push = super.Repo.Config.All(key + "push")
	}
	uuid := super.Repo.Config.Get(key + "annex-uuid")
	if d.Annex == nil || super.Annex == nil || uuid == "" {
		return nil
	}
	f, err := readFacts(ctx, super)
	if err != nil {
		return err
	}
	for log, v := range map[*annexlog.Log]**string{&f.wanted: &s.Wanted, &f.required: &s.Required, &f.groups: &s.Group} {
		if e, ok := log.Get(uuid); ok && *v == nil && e.Value != "" {
			*v = &e.Value
		}
	}
	if s.Group != nil && s.GroupWanted == "" {
		if e, ok := f.groupWanted.Get(*s.Group); ok {
			s.GroupWanted = e.Value
		}
	}
	return nil
}
