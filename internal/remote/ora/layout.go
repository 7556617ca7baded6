package ora

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
)

// look reads the versions of the store and of the dataset in it, once.
func (r *Remote) look(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.looked {
		return nil
	}
	store, err := r.version(ctx, r.read.base)
	if err != nil {
		return fmt.Errorf("RIA store %s: %w", r.text, err)
	}
	objects, err := r.version(ctx, r.read.dir)
	if err != nil {
		return fmt.Errorf("RIA store %s: %w", r.text, err)
	}
	r.lower = objects == "1"
	r.judge(store, objects)
	r.looked = true
	return nil
}

// judge decides whether stores with these versions are written to, and tells
// people about those that are not.
func (r *Remote) judge(store, objects string) {
	switch {
	case store != "1":
		r.readOnly = reports("dataset", store, "1 is known")
	case objects != "1" && objects != "2":
		r.readOnly = reports("object", objects, "1 and 2 are known")
	default:
		return
	}
	if r.forced() {
		r.readOnly = ""
		r.setup.Inform("Was instructed to force write")
		return
	}
	r.setup.Inform(fmt.Sprintf("%s. The RIA store %s is only read; remote.%s.ora-force-write=true overrides this", r.readOnly, r.text, r.setup.Name))
}

// reports begins as DataLad's message does, which programs look for.
func reports(tree, version, known string) string {
	if version == "" {
		return fmt.Sprintf("Remote doesn't report any %s tree version; %s", tree, known)
	}
	return fmt.Sprintf("Remote %s tree reports version %s; %s", tree, version, known)
}

// forced reads the setting under its name and under the one that DataLad had
// for it before.
func (r *Remote) forced() bool {
	old := r.setup.Settings.Bool("annex.ora-remote."+r.setup.Name+".force-write", false)
	return r.setup.Settings.Bool("remote."+r.setup.Name+".ora-force-write", old)
}

// version is "" where a folder states none. That the folder itself is missing
// is an error: a disk that is not mounted must not look like absent content.
func (r *Remote) version(ctx context.Context, dir string) (string, error) {
	data, err := r.read.host.read(ctx, dir+"/ria-layout-version")
	if errors.Is(err, remote.ErrAbsent) {
		if _, derr := r.read.host.read(ctx, dir+"/config"); dir == r.read.dir && derr == nil {
			return "", nil
		}
		return "", errs.WithHint(fmt.Errorf("there is none at %s, or it lacks this dataset", redacted(dir)), "datalad create-sibling-ria makes it; remote.%s.ora-url overrides the address", r.setup.Name)
	}
	v, _, _ := strings.Cut(strings.TrimSpace(string(data)), "|")
	return v, err
}

// mayWrite is nil where the layout is known.
func (r *Remote) mayWrite(ctx context.Context) error {
	if err := r.look(ctx); err != nil {
		return err
	}
	if r.readOnly != "" {
		return errs.WithHint(fmt.Errorf("RIA store %s is not written to: %s", r.text, r.readOnly), "remote.%s.ora-force-write=true overrides this", r.setup.Name)
	}
	return nil
}
