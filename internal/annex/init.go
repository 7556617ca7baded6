package annex

import (
	"crypto/rand"
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
	Version     string // of the repository, "8" to "10"; "" is the newest
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
		a = newAnnex(repo, opt.UUID)
		err = a.setUp(opt.Version)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := annexlog.CheckValue(opt.Description); err != nil {
		return nil, nil, fmt.Errorf("initialise annex: description: %w", err)
	}
	edit := LogEdit{Path: annexlog.UUIDFile, UUID: a.UUID, Change: func(old []byte) []byte {
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

func (a *Annex) setUp(version string) error {
	if version == "" {
		version = supportedVersion
	}
	configure := func() error { return a.writeConfig(version) }
	steps := []func() error{a.makeDirs, a.writeSentinal, a.writeHooks, a.writeAttributes, configure}
	if a.Repo.Bare {
		steps = []func() error{a.makeDirs, a.writeSentinal, configure}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("initialise annex: %w", err)
		}
	}
	return nil
}

// makeDirs makes what git-annex expects to be there. The index.lck is no lock:
// it names the commit that annex/index was made from, here none.
func (a *Annex) makeDirs() error {
	for _, d := range []string{"journal", "othertmp"} {
		if err := a.Repo.MakeShared(a.Dir(d)); err != nil {
			return err
		}
	}
	for _, f := range []string{"journal.lck", "othertmp.lck", "index.lck"} {
		if err := errors.Join(os.WriteFile(a.Dir(f), nil, 0o666), a.Repo.Share(a.Dir(f))); err != nil {
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
	err = os.WriteFile(a.Dir("sentinal.cache"), []byte(InodeCache(fi)), 0o666)
	return errors.Join(err, a.Repo.Share(a.Dir("sentinal")), a.Repo.Share(a.Dir("sentinal.cache")))
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
	if err := a.Repo.MakeShared(dir); err != nil {
		return err
	}
	for name, text := range hooks {
		path := filepath.Join(dir, name)
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o777), a.Repo.Share(path)); err != nil {
			return err
		}
	}
	return nil
}

func (a *Annex) writeAttributes() error {
	path := filepath.Join(a.Repo.CommonDir, "info", "attributes")
	if err := a.Repo.MakeShared(filepath.Dir(path)); err != nil {
		return err
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if strings.Contains(string(old), "filter=annex") {
		return nil
	}
	return errors.Join(fsx.WriteFile(path, append(old, infoAttributes...), 0o644), a.Repo.Share(path))
}

func (a *Annex) writeConfig(version string) error {
	own := "[annex]\n\tuuid = " + a.UUID + "\n\tversion = " + version + "\n"
	if a.Repo.Bare {
		return a.Repo.AppendConfig(own)
	}
	return a.Repo.AppendConfig(own +
		"[filter \"annex\"]\n\tsmudge = git-annex smudge -- %f\n\tclean = git-annex smudge --clean -- %f\n\tprocess = git-annex filter-process\n")
}

// NewUUID returns a random lower-case version 4 UUID.
func NewUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
