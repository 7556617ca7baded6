package annex

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
)

// hooks are git-annex's, byte for byte (git-annex 10): another text in their
// place is the user's own and stays.
var hooks = map[string]string{
	"pre-commit":    "#!/bin/sh\n# automatically configured by git-annex\ngit annex pre-commit .\n",
	"post-checkout": "#!/bin/sh\n# automatically configured by git-annex\ngit annex smudge --update\n",
	"post-merge":    "#!/bin/sh\n# automatically configured by git-annex\ngit annex smudge --update\n",
	"post-receive":  "#!/bin/sh\n# automatically configured by git-annex\nif git annex post-receive --help >/dev/null 2>&1; then git annex post-receive; fi\n",
}

// IsOwnHook reports whether text is the hook that git-annex installs under
// this name; its work is done natively here.
func IsOwnHook(name, text string) bool { return hooks[name] != "" && text == hooks[name] }

const infoAttributes = "\n* filter=annex\n"

// InitOptions says how an annex is set up.
type InitOptions struct {
	UUID        string // new, lower-case v4
	Description string // for uuid.log; one line
	Now         annexlog.Clock
}

// Init sets up an annex in repo: configuration, hooks, attributes, folders.
// The edit it returns must still be committed to the git-annex branch. An
// initialised repository keeps its UUID. Where .noannex forbids it, nothing is
// done.
func Init(repo *git.Repo, opt InitOptions) (*Annex, []LogEdit, error) {
	if _, err := os.Lstat(repo.Path(".noannex")); err == nil {
		return nil, nil, errs.WithHint(errors.New("initialisation prevented by .noannex"), "remove the file %s to override", repo.Path(".noannex"))
	}
	a, err := Open(repo)
	if errors.Is(err, ErrNotInitialised) {
		a = &Annex{Repo: repo, UUID: opt.UUID, dir: filepath.Join(repo.CommonDir, "annex")}
		err = a.setUp()
	}
	if err != nil {
		return nil, nil, err
	}
	if err := annexlog.CheckValue(opt.Description); err != nil {
		return nil, nil, fmt.Errorf("initialise annex: description: %w", err)
	}
	edit := LogEdit{"uuid.log", func(old []byte) []byte {
		log := annexlog.ParseUUIDLog(old)
		if have, ok := log.Get(a.UUID); ok && (opt.Description == "" || have.Value == opt.Description) {
			return old
		}
		out, err := log.Set(a.UUID, opt.Description, opt.Now)
		if err != nil {
			return old // not with a checked value
		}
		return out
	}}
	return a, []LogEdit{edit}, nil
}

func (a *Annex) setUp() error {
	for _, step := range []func() error{a.makeDirs, a.writeSentinal, a.writeHooks, a.writeAttributes, a.writeConfig} {
		if err := step(); err != nil {
			return fmt.Errorf("initialise annex: %w", err)
		}
	}
	return nil
}

func (a *Annex) makeDirs() error {
	for _, d := range []string{"journal", "othertmp"} {
		if err := os.MkdirAll(a.Dir(d), 0o777); err != nil {
			return err
		}
	}
	for _, f := range []string{"journal.lck", "othertmp.lck"} {
		if err := os.WriteFile(a.Dir(f), nil, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// writeSentinal creates the file by which git-annex notices that inode
// numbers have changed (after a copy of the repository, say).
func (a *Annex) writeSentinal() error {
	if err := os.WriteFile(a.Dir("sentinal"), nil, 0o666); err != nil {
		return err
	}
	fi, err := os.Stat(a.Dir("sentinal"))
	if err != nil {
		return err
	}
	return os.WriteFile(a.Dir("sentinal.cache"), []byte(InodeCache(fi)), 0o666)
}

// InodeCache is git-annex's text for the identity and state of a file:
// "INODE SIZE SECONDS FRACTION", the fraction's digits without trailing zeros.
func InodeCache(fi fs.FileInfo) string {
	var ino uint64
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		ino = uint64(st.Ino)
	}
	t := fi.ModTime()
	fraction := strings.TrimRight(fmt.Sprintf("%09d", t.Nanosecond()), "0")
	return fmt.Sprintf("%d %d %d %s", ino, fi.Size(), t.Unix(), fraction)
}

func (a *Annex) writeHooks() error {
	dir := filepath.Join(a.Repo.CommonDir, "hooks")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for name, text := range hooks {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o777); err != nil {
			return err
		}
	}
	return nil
}

func (a *Annex) writeAttributes() error {
	path := filepath.Join(a.Repo.CommonDir, "info", "attributes")
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if strings.Contains(string(old), "filter=annex") {
		return nil
	}
	return fsx.WriteFile(path, append(old, infoAttributes...), 0o644)
}

func (a *Annex) writeConfig() error {
	return a.Repo.AppendConfig("[annex]\n\tuuid = " + a.UUID + "\n\tversion = " + supportedVersion + "\n" +
		"[filter \"annex\"]\n\tsmudge = git-annex smudge -- %f\n\tclean = git-annex smudge --clean -- %f\n\tprocess = git-annex filter-process\n")
}
