// Package all opens a remote of any kind from its configuration. It is the one
// place that knows all kinds; a new kind is added here.
package all

import (
	"context"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/chunk"
	"github.com/stemma-data/stemma/internal/remote/crypt"
	"github.com/stemma-data/stemma/internal/remote/directory"
	"github.com/stemma-data/stemma/internal/remote/external"
	"github.com/stemma-data/stemma/internal/remote/handover"
	"github.com/stemma-data/stemma/internal/remote/http"
	"github.com/stemma-data/stemma/internal/remote/local"
	"github.com/stemma-data/stemma/internal/remote/ora"
	"github.com/stemma-data/stemma/internal/remote/rsync"
	"github.com/stemma-data/stemma/internal/remote/s3"
	"github.com/stemma-data/stemma/internal/remote/ssh"
	"github.com/stemma-data/stemma/internal/remote/web"
)

// openNetwork opens what git reaches by a URL.
func openNetwork(ctx context.Context, s remote.Setup) (remote.Remote, error) {
	if _, ok, err := ssh.ParseAddress(s.URL); ok || err != nil {
		return asRemote(ssh.Open(ctx, s))
	}
	if http.Handles(s.URL) {
		return asRemote(http.Open(ctx, s))
	}
	scheme, _, _ := strings.Cut(s.URL, ":")
	if s.UUID == "" {
		return nil, fmt.Errorf("%w: %s", remote.ErrUnsupported, scheme)
	}
	return asRemote(handover.Open(s, scheme))
}

// Open returns the remote that the setup describes. It is cheap: but for
// repositories on this machine nothing is asked before the first use. Remotes
// that hold processes or connections are a remote.Closer. Errors:
// remote.ErrUnsupported for a kind that Stemma lacks, and what is wrong with
// the configuration.
func Open(ctx context.Context, s remote.Setup) (remote.Remote, error) {
	switch s.Kind {
	case remote.Path:
		return onlyRead(s)(asRemote(local.Open(ctx, s.Spec, local.Options{
			HardLink: s.Settings.Bool("annex.hardlink", false), Env: s.Env, From: s.Settings.Get("annex.uuid"),
			Description: s.Name + " of " + s.WorkTree,
		})))
	case remote.Network:
		return onlyRead(s)(openNetwork(ctx, s))
	}
	return openSpecial(ctx, s)
}

func asKeeper[K remote.Keeper](k K, err error) (remote.Keeper, error) {
	if err != nil {
		return nil, err
	}
	return k, nil
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
	if kind == "" || kind != "web" && s.Option("type") == "" {
		// How it is encrypted is not known then, either.
		return nil, errs.WithHint(fmt.Errorf("the git-annex branch does not know the special remote %s", s.Name),
			"fetch the git-annex branch of a repository that uses it")
	}
	if kind == "web" {
		return asRemote(web.Open(s))
	}
	if s.Yes("exporttree") || s.Yes("importtree") {
		return openTree(s, kind)
	}
	if kind == "external" && (s.Yes("readonly") || isReadOnly(s)) {
		return asRemote(web.Open(s)) // the program is not needed: content comes from recorded addresses
	}
	open, ok := stores(ctx)[kind]
	if !ok {
		return handedOver(s, kind)
	}
	keeper, err := open(s)
	if err != nil {
		return nil, err
	}
	return compose(s, keeper)
}

// handedOver leaves the remote to git-annex, which sees to chunks, encryption and
// what may be downloaded.
func handedOver(s remote.Setup, kind string) (remote.Remote, error) {
	r, err := handover.Open(s, kind)
	if err != nil {
		return nil, err
	}
	if isReadOnly(s) {
		return guarded(s, r, false), nil
	}
	return r, nil
}

// compose puts what the configuration asks for above the storage: content is
// split, then each chunk is encrypted.
func compose(s remote.Setup, keeper remote.Keeper) (remote.Remote, error) {
	cipher, err := crypt.FromConfig(s)
	if err != nil {
		return nil, err
	}
	if cipher != nil && !s.Yes("onlyencryptcreds") {
		keeper = crypt.New(keeper, cipher, s.Temp())
	}
	size, err := chunk.FromConfig(s)
	if err != nil {
		return nil, err
	}
	kind := TypeOf(s)
	native := kind == "external" && program(s) == "ora"
	risky := cipher != nil || kind == "external" && !native || kind == "httpalso"
	return guarded(s, chunk.New(keeper, size, s.Logs, s.Temp()), risky), nil
}

// stores are the types that keep content by key, as chunks and encryption
// need it.
func stores(ctx context.Context) map[string]func(remote.Setup) (remote.Keeper, error) {
	return map[string]func(remote.Setup) (remote.Keeper, error){
		"directory": func(s remote.Setup) (remote.Keeper, error) { return asKeeper(directory.Open(s)) },
		"S3":        func(s remote.Setup) (remote.Keeper, error) { return asKeeper(s3.Open(s)) },
		"rsync":     rsync.Open,
		"external":  func(s remote.Setup) (remote.Keeper, error) { return openExternal(ctx, s) },
		"httpalso":  func(s remote.Setup) (remote.Keeper, error) { return asKeeper(web.OpenAlso(s)) },
	}
}

// openExternal knows the program that DataLad's RIA stores need.
func openExternal(ctx context.Context, s remote.Setup) (remote.Keeper, error) {
	switch program(s) {
	case "ora":
		return asKeeper(ora.Open(s))
	case "":
		// Whoever can write to the git-annex branch could make any remote one
		// that runs a program: which, the user has agreed to here.
		return nil, errs.WithHint(fmt.Errorf("remote %s needs a program, and was not enabled with it here", s.Name), "stemma annex enableremote %s", s.Name)
	}
	return asKeeper(external.Open(ctx, s))
}

// program is what the user, or autoenable, has enabled an external remote with;
// "" if it was not.
func program(s remote.Setup) string { return s.Setting("externaltype") }

// markers are the variables of git's configuration by which git-annex knows a
// special remote's type again.
func markers() map[string]string {
	return map[string]string{
		"directory": "directory", "rsyncurl": "rsync", "s3": "S3", "web": "web", "externaltype": "external", "httpalso": "httpalso",
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
