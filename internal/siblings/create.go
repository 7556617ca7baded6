package siblings

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/ria"
)

// CreateOptions says what sibling is made at a path, here or behind ssh.
type CreateOptions struct {
	Settings          // of the sibling; URL is where it is made: a path, HOST:PATH, or ssh://…
	TargetDir  string // folder on the host, if not that of URL; %RELNAME is a subdataset's path
	TargetURL  string // address by which it is used, if another one
	TargetPush string
	Existing   string // "" is ExistingError
	Shared     string // for git init --shared
	UnixGroup  string // for chgrp
	Levels     int
	Since      string // only subdatasets that changed since this commit, "^": that which the sibling has; "": all
}

// Create makes siblings with work trees, which follow what is pushed to them.
func Create(ctx context.Context, d *dataset.Dataset, opt CreateOptions, sink result.Sink) error {
	if err := git.CheckURL(opt.URL); err != nil {
		return err
	}
	if opt.Name == "" {
		opt.Name = opt.defaultName()
	}
	if err := CheckNewName(opt.Name); err != nil {
		return err
	}
	if err := opt.check(ctx, d); err != nil {
		return err
	}
	var changed map[string]bool
	if opt.Since != "" {
		var err error
		if changed, err = changedSince(ctx, d, opt.Since, opt.Name, opt.Levels); err != nil {
			return err
		}
	}
	return d.Each(ctx, opt.Levels, func(sub *dataset.Dataset, rel string) error {
		if opt.Since != "" && !changed[rel] {
			return nil
		}
		return opt.in(rel).one(ctx, sub, sink)
	})
}

// defaultName is the host, or DataLad's name for siblings on this machine.
func (opt *CreateOptions) defaultName() string {
	if host := hostOf(opt.URL); host != "" && !strings.HasPrefix(opt.URL, "file://") {
		return host
	}
	return "local"
}

// in returns the options for the subdataset at rel.
func (opt CreateOptions) in(rel string) CreateOptions {
	name := ""
	if rel != "." {
		name = "/" + rel
	}
	place := func(s string) string {
		switch {
		case s == "":
			return ""
		case strings.Contains(s, "%RELNAME"):
			return strings.ReplaceAll(s, "%RELNAME", strings.ReplaceAll(name, "/", "-"))
		}
		return strings.TrimRight(s, "/") + name
	}
	opt.URL, opt.TargetDir, opt.TargetURL, opt.TargetPush = place(opt.URL), place(opt.TargetDir), place(opt.TargetURL), place(opt.TargetPush)
	return opt
}

// place is where the sibling's repository is made.
func (opt *CreateOptions) place(d *dataset.Dataset) (host ria.Host, dir, url string, err error) {
	env := d.Env.Vars
	switch {
	case strings.HasPrefix(opt.URL, "ssh://"):
		rest := strings.TrimPrefix(opt.URL, "ssh://")
		name, p, _ := strings.Cut(rest, "/")
		host, dir, url = ria.SSH{Host: name, Env: env}, "/"+p, opt.URL
		if opt.TargetDir != "" {
			url = "ssh://" + name + path.Join("/", opt.TargetDir)
		}
	case isSCP(opt.URL):
		name, p, _ := strings.Cut(opt.URL, ":")
		host, dir, url = ria.SSH{Host: name, Env: env}, p, opt.URL
		if opt.TargetDir != "" {
			url = name + ":" + opt.TargetDir
		}
	case strings.Contains(opt.URL, "://") && !strings.HasPrefix(opt.URL, "file://"):
		return nil, "", "", errs.WithHint(fmt.Errorf("create-sibling: no repository can be made at %s", opt.URL), "give a path, or ssh://HOST/PATH")
	default:
		dir = strings.TrimPrefix(opt.URL, "file://")
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(d.Env.Cwd, dir)
		}
		host, url = ria.Here{Env: env}, dir
	}
	if opt.TargetDir != "" {
		dir = opt.TargetDir
		if _, here := host.(ria.Here); here {
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(d.Env.Cwd, dir)
			}
			url = dir
		}
	}
	if dir == "" {
		err = fmt.Errorf("create-sibling: %s has no path", opt.URL)
	}
	return host, dir, url, err
}

func isSCP(s string) bool {
	before, _, ok := strings.Cut(s, ":")
	return ok && before != "" && !strings.ContainsAny(before, "/") && !strings.Contains(s, "://")
}

// Exit codes of the script.
const (
	dirTaken   = 45
	dirSkipped = 46
	dirForeign = 47 // there is something that is no git repository
	dirInUse   = 48 // there is a repository, which was to be replaced
	noGroup    = 49 // the folder cannot be given to the group
)

// The group is tried on the folder before anything is in it, so that rmdir takes
// back all that was made.
const makeSibling = `set -e
dir=$1; existing=$2; shared=$3; group=$4
if test -e "$dir" && test -n "$(ls -A -- "$dir" 2>/dev/null || echo file)"; then
	case $existing in
	error) exit 45;;
	skip) exit 46;;
	replace)
		test -e "$dir/.git" || exit 47
		exit 48;;
	reconfigure) test -e "$dir/.git" || exit 47;;
	esac
fi
have=$dir
until test -e "$have"; do have=$(dirname -- "$have"); done
mkdir -p -- "$dir"
if test -n "$group" && ! why=$(chgrp -- "$group" "$dir" 2>&1); then
	made=$dir
	while test "$made" != "$have" && rmdir -- "$made" 2>/dev/null; do made=$(dirname -- "$made"); done
	printf '%s\n' "$why" >&2
	exit 49
fi
cd -- "$dir"
if test -n "$shared"; then git init -q --shared="$shared"; else git init -q; fi
test -z "$group" || chgrp -R -- "$group" .
`

const followPushes = `cd -- "$1" && git config receive.denyCurrentBranch updateInstead`

const initAnnex = `set -e
cd -- "$1"
if command -v git-annex >/dev/null 2>&1; then git annex init -q ${2:+"$2"}
elif command -v stemma >/dev/null 2>&1; then stemma annex init ${2:+"$2"}
else exit 47; fi`

func (opt CreateOptions) one(ctx context.Context, d *dataset.Dataset, sink result.Sink) error {
	r := result.New("create_sibling", result.Error, d.Path(), result.Dataset).With("sibling_name", opt.Name)
	known := d.Repo.Config.Get("remote."+opt.Name+".url") != ""
	existing := opt.Existing
	if existing == "" {
		existing = ExistingError
	}
	if known && (existing == ExistingError || existing == ExistingSkip) {
		if existing == ExistingSkip {
			r = r.As(result.NotNeeded)
		}
		return sink.Emit(r.With("message", result.Tuple{"sibling '%s' already configured (specify alternative name, or force reconfiguration via --existing", opt.Name}))
	}
	if why := opt.unknownDepends(Names(d)); why != nil {
		return sink.Emit(r.With("message", why))
	}
	host, dir, url, err := opt.place(d)
	if err != nil {
		return err
	}
	_, err = host.Script(ctx, makeSibling, dir, existing, opt.Shared, opt.UnixGroup)
	var failed *ria.ScriptError
	if errors.As(err, &failed) && failed.Exit == dirSkipped {
		return sink.Emit(r.As(result.NotNeeded).Msg("Skipped on existing target path " + dir))
	}
	if err != nil {
		return opt.notMade(err, dir, url)
	}
	if err := startAnnex(ctx, d, host, dir, opt.TargetURL); err != nil {
		return fmt.Errorf("create-sibling %s: %w", url, err)
	}
	if _, err := host.Script(ctx, followPushes, dir); err != nil {
		return fmt.Errorf("create-sibling %s: %w", url, err)
	}
	s := opt.Settings
	s.URL, s.PushURL, s.Fetch = url, opt.TargetPush, true
	if opt.TargetURL != "" {
		s.URL = opt.TargetURL
	}
	quiet := result.SinkFunc(func(rec result.Record) error {
		if rec.Status.Failed() {
			return sink.Emit(rec)
		}
		return nil
	})
	if err := Configure(ctx, d, s, quiet); err != nil {
		return err
	}
	return sink.Emit(r.As(result.OK))
}

// notMade explains why no repository was made. One that is there is never
// deleted: its content may be nowhere else.
func (opt *CreateOptions) notMade(err error, dir, url string) error {
	exit := 0
	if failed := (*ria.ScriptError)(nil); errors.As(err, &failed) {
		exit = failed.Exit
	}
	there := fmt.Errorf("create-sibling: target path %s already exists", dir)
	switch exit {
	case dirTaken:
		return errs.WithHint(there, "use another path, or --existing skip or reconfigure")
	case dirForeign:
		return errs.WithHint(fmt.Errorf("%w and is not a git repository", there), "use another path, or remove what is there yourself first")
	case dirInUse:
		return errs.WithHint(fmt.Errorf("%w and is a git repository", there), "remove it yourself first if nothing in it is needed, or use --existing reconfigure")
	case noGroup:
		return errs.WithHint(fmt.Errorf("create-sibling: %s cannot be given to the group %q: %w", url, opt.UnixGroup, err), "--group takes a group of that host which you belong to")
	}
	return fmt.Errorf("create-sibling %s: %w", url, err)
}

// startAnnex makes an annex of the new repository, if the dataset has one; ""
// stands for git-annex's description.
func startAnnex(ctx context.Context, d *dataset.Dataset, host ria.Host, dir, description string) error {
	if d.Annex == nil {
		return nil
	}
	if _, here := host.(ria.Here); !here {
		_, err := host.Script(ctx, initAnnex, dir, description)
		var failed *ria.ScriptError
		if errors.As(err, &failed) && failed.Exit == 47 {
			return errs.WithHint(errors.New("there is neither git-annex nor stemma on that host"), "install one of them there, in the PATH of commands by ssh")
		}
		return err
	}
	repo, err := git.Open(ctx, dir, git.Options{Env: d.Env.Vars})
	if err != nil {
		return err
	}
	there, err := dataset.From(repo, d.Env)
	if err != nil {
		return err
	}
	defer there.Close()
	if there.Annex != nil {
		return nil
	}
	return there.InitAnnex(ctx, description)
}
