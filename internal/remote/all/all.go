// Package all opens a remote of any kind from its configuration. It is the one
// place that knows all kinds; a new kind is added here.
package all

import (
	"context"
	"fmt"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/directory"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// Open returns the remote that the setup describes. It is cheap: but for
// repositories on this machine nothing is asked before the first use. Remotes
// that hold processes or connections are a remote.Closer. Errors:
// remote.ErrUnsupported for a kind that Stemma lacks, and what is wrong with
// the configuration.
func Open(ctx context.Context, s remote.Setup) (remote.Remote, error) {
	switch s.Kind {
	case remote.Path:
		return asRemote(local.Open(s.Spec, local.Options{HardLink: s.Settings.Get("annex.hardlink") == "true"}))
	case remote.Network:
		return nil, remote.ErrUnsupported
	}
	return openSpecial(ctx, s)
}

// asRemote keeps a nil pointer from becoming a remote that is not nil.
func asRemote[R remote.Remote](r R, err error) (remote.Remote, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

func openSpecial(ctx context.Context, s remote.Setup) (remote.Remote, error) {
	kind := TypeOf(s)
	if kind == "" {
		return nil, errs.WithHint(fmt.Errorf("remote %s is not a special remote that the git-annex branch knows", s.Name),
			"get the git-annex branch of a repository that uses it")
	}
	open, ok := stores()[kind]
	if !ok {
		return nil, fmt.Errorf("remote %s is of type %s: %w", s.Name, kind, remote.ErrUnsupported)
	}
	if s.Option("encryption") != "none" && s.Option("encryption") != "" || s.Option("chunk") != "" {
		return nil, fmt.Errorf("remote %s uses chunks or encryption: %w", s.Name, remote.ErrUnsupported)
	}
	return open(s)
}

// stores are the types that keep content by key, as chunks and encryption
// need it.
func stores() map[string]func(remote.Setup) (remote.Remote, error) {
	return map[string]func(remote.Setup) (remote.Remote, error){
		"directory": func(s remote.Setup) (remote.Remote, error) { return asRemote(directory.Open(s)) },
	}
}

// markers are the variables of git's configuration by which git-annex knows a
// special remote's type again.
func markers() map[string]string {
	return map[string]string{
		"directory": "directory", "rsyncurl": "rsync", "s3": "S3", "externaltype": "external", "httpalso": "httpalso",
		"git-lfs": "git-lfs", "webdav": "webdav", "buprepo": "bup", "glacier": "glacier", "hooktype": "hook",
		"ddarrepo": "ddar", "borgrepo": "borg", "tahoe": "tahoe", "androiddirectory": "adb", "bittorrent": "bittorrent",
	}
}

// TypeOf is the special remote's type: as the git-annex branch has it, or else
// by git's configuration; "" if neither knows it.
func TypeOf(s remote.Setup) string {
	if kind := s.Option("type"); kind != "" {
		return kind
	}
	if s.UUID == remote.WebUUID {
		return "web"
	}
	for variable, kind := range markers() {
		if s.Setting(variable) != "" {
			return kind
		}
	}
	return ""
}
