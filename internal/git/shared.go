package git

import (
	"io/fs"
	"os"
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
