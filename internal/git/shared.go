package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// SharedMode returns the permission bits that core.sharedRepository adds to
// files (0660, 0664, …), or 0 where the umask alone decides.
func (r *Repo) SharedMode() fs.FileMode {
	v := strings.ToLower(r.Config.Get("core.sharedrepository"))
	switch v {
	case "", "umask", "false", "0", "no", "off":
		return 0
	case "group", "true", "1", "yes", "on":
		return 0o660
	case "all", "world", "everybody", "2":
		return 0o664
	}
	if n, err := strconv.ParseUint(v, 8, 32); err == nil && n&0o600 == 0o600 {
		return fs.FileMode(n) & 0o666
	}
	return 0
}

// shareFile gives f the bits of SharedMode.
func (r *Repo) shareFile(f *os.File) error {
	bits := r.SharedMode()
	if bits == 0 {
		return nil
	}
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	return f.Chmod(fi.Mode().Perm() | bits)
}

// Share gives the file or folder at path the bits of SharedMode, as git does
// for its own: folders hand their group on. Somebody else's that has them
// already is fine.
func (r *Repo) Share(path string) error {
	bits := r.SharedMode()
	if bits == 0 {
		return nil
	}
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	mode := fi.Mode() | bits
	if fi.IsDir() {
		mode |= bits>>2&0o111 | fs.ModeSetgid
	}
	if mode == fi.Mode() {
		return nil
	}
	return os.Chmod(path, mode)
}

// MakeShared is os.MkdirAll for folders that all users of the repository write
// to, without a look before each step.
func (r *Repo) MakeShared(dir string) error {
	err := os.Mkdir(dir, 0o777)
	if errors.Is(err, fs.ErrNotExist) {
		if err := r.MakeShared(filepath.Dir(dir)); err != nil {
			return err
		}
		err = os.Mkdir(dir, 0o777)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.Share(dir)
}
