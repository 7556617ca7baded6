package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// SharedMode returns the permission bits that core.sharedRepository asks of
// files (0660, 0664, …), or 0 where the umask alone decides.
func (r *Repo) SharedMode() fs.FileMode {
	bits, _ := r.shared()
	return bits
}

// shared says also whether files are to have these bits and no others, as with a
// mode in octal.
func (r *Repo) shared() (bits fs.FileMode, exact bool) {
	v := strings.ToLower(r.Config.Get("core.sharedrepository"))
	switch v {
	case "", "umask", "false", "0", "no", "off":
		return 0, false
	case "group", "true", "1", "yes", "on":
		return 0o660, false
	case "all", "world", "everybody", "2":
		return 0o664, false
	}
	if n, err := strconv.ParseUint(v, 8, 32); err == nil && n&0o600 == 0o600 {
		return fs.FileMode(n) & 0o666, true
	}
	return 0, false
}

// sharedFile is what core.sharedRepository makes of a file's permissions. One that
// its owner does not write to nobody else does.
func (r *Repo) sharedFile(perm fs.FileMode) fs.FileMode {
	bits, exact := r.shared()
	if perm&0o200 == 0 {
		bits &^= 0o222
	}
	if exact {
		perm &^= 0o777
	}
	return perm | bits
}

// shareFile gives f the bits of SharedMode.
func (r *Repo) shareFile(f *os.File) error {
	if r.SharedMode() == 0 {
		return nil
	}
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	return f.Chmod(r.sharedFile(fi.Mode().Perm()))
}

// Share gives the file or folder at path the bits of SharedMode, as git does
// for its own: folders hand their group on. Somebody else's that has them
// already is fine.
func (r *Repo) Share(path string) error {
	bits, exact := r.shared()
	if bits == 0 {
		return nil
	}
	fi, err := os.Stat(path)
	if err != nil {
		return err
	}
	mode := fi.Mode()
	if !fi.IsDir() {
		mode = r.sharedFile(mode)
	} else {
		if exact {
			mode &^= 0o777
		}
		mode |= bits | bits>>2&0o111 | fs.ModeSetgid
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
