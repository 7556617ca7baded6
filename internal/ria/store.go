package ria

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
)

// Store is a RIA store that can be written to.
type Store struct {
	Host Host
	Dir  string // on the host, absolute
}

// OpenStore returns the store of a URL without looking at it.
func OpenStore(u URL, env []string) (*Store, error) {
	h, err := HostOf(u, env)
	if err != nil {
		return nil, err
	}
	dir, err := u.Dir()
	if err == nil && !strings.HasPrefix(dir, "/") {
		err = fmt.Errorf("RIA store %s: its path is not absolute", u.Store())
	}
	return &Store{h, dir}, err
}

// storeVersion is the layout of stores that are made here: a folder with the
// first three characters of the id above the rest of it.
const storeVersion = "1"

// notThere is the exit code of a script that finds nothing.
const notThere = 44

// Version returns the store's layout version; ok is false where there is no
// store.
func (s *Store) Version(ctx context.Context) (version string, ok bool, err error) {
	text, err := s.Host.Script(ctx, `test -e "$1/ria-layout-version" || exit 44; head -c 100 < "$1/ria-layout-version"`, s.Dir)
	var failed *ScriptError
	if errors.As(err, &failed) && failed.Exit == notThere {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("RIA store %s: %w", s.Dir, err)
	}
	version, _, _ = strings.Cut(strings.TrimSpace(text), "|")
	return version, true, nil
}

// CheckVersion refuses stores whose layout is not known.
func CheckVersion(version string) error {
	if version == storeVersion {
		return nil
	}
	return errs.WithHint(fmt.Errorf("RIA store: layout version %q is not known", version), "it was made by a newer program: use that one")
}

const makeStore = `set -e
mkdir -p "$1" "$1/error_logs"
if ! test -e "$1/ria-layout-version"; then
	printf '1\n' > "$1/ria-layout-version.tmp.$$"
	mv "$1/ria-layout-version.tmp.$$" "$1/ria-layout-version"
fi`

// Create makes the store, if it is not there yet.
func (s *Store) Create(ctx context.Context) error {
	if _, err := s.Host.Script(ctx, makeStore, s.Dir); err != nil {
		return fmt.Errorf("create RIA store %s: %w", s.Dir, err)
	}
	return nil
}

// Has reports whether the store has a repository of the dataset.
func (s *Store) Has(ctx context.Context, id string) (bool, error) {
	out, err := s.Host.Script(ctx, `if test -e "$1/config"; then echo yes; fi`, s.Repository(id))
	return strings.TrimSpace(out) == "yes", err
}

// Repository is the folder of a dataset.
func (s *Store) Repository(id string) string { return s.Dir + "/" + DatasetDir(id) }

// Place says how a dataset is set up in a store.
type Place struct {
	ID         string
	Alias      string // "" for none
	Storage    string // identity of the storage sibling; "" without one
	NoGit      bool   // no repository, only a place for content
	Shared     string // for git init --shared
	Group      string // for chgrp
	PostUpdate bool   // serve over plain http
}

const makeDataset = `set -e
store=$1; repo=$2; trace=$3; alias=$4; storage=$5; git=$6; shared=$7; group=$8; hook=$9
mkdir -p "$repo" "$repo/archives"
test -e "$repo/ria-layout-version" || printf '2\n' > "$repo/ria-layout-version"
test -z "$storage" || mkdir -p "$repo/annex/objects"
if test -n "$alias"; then
	mkdir -p "$store/alias"
	if test -e "$store/alias/$alias" || test -L "$store/alias/$alias"; then
		echo alias-exists
	else
		ln -s "../$trace" "$store/alias/$alias"
	fi
fi
if test "$git" = yes; then
	if test -n "$shared"; then
		git init -q --bare --shared="$shared" "$repo"
	else
		git init -q --bare "$repo"
	fi
	test -z "$storage" || git --git-dir="$repo" config datalad.ora-remote.uuid "$storage"
	if test "$hook" = yes; then
		test ! -e "$repo/hooks/post-update.sample" || mv "$repo/hooks/post-update.sample" "$repo/hooks/post-update"
		git --git-dir="$repo" update-server-info
	fi
fi
test -z "$group" || chgrp -R -- "$group" "$repo"`

// CheckAlias refuses names that a dataset cannot be given in a store; "" is
// none and fine.
func CheckAlias(alias string) error {
	if alias != "" && (!ValidAlias(alias) || strings.Contains(alias, "/")) {
		return errs.WithHint(fmt.Errorf("RIA store: %q is no valid alias", alias), "take a plain name, without slashes")
	}
	return nil
}

// Add makes the place for a dataset; what is there already stays. aliased is
// false where the alias is another dataset's.
func (s *Store) Add(ctx context.Context, p Place) (aliased bool, err error) {
	if !ValidID(p.ID) {
		return false, fmt.Errorf("RIA store: %q is no id of a dataset", p.ID)
	}
	if err := CheckAlias(p.Alias); err != nil {
		return false, err
	}
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return ""
	}
	out, err := s.Host.Script(ctx, makeDataset, s.Dir, s.Repository(p.ID), DatasetDir(p.ID), p.Alias, p.Storage,
		yes(!p.NoGit), p.Shared, p.Group, yes(p.PostUpdate))
	if err != nil {
		return false, fmt.Errorf("RIA store %s: %w", s.Dir, err)
	}
	return !strings.Contains(out, "alias-exists"), nil
}
