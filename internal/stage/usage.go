package stage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Usage is what a folder costs.
type Usage struct {
	Files  int   `json:"files"`  // that are no folders
	Bytes  int64 `json:"bytes"`  // in files, shared ones included
	Inodes int   `json:"inodes"` // that it occupies alone: folders, links, and files that are not shared
	Shared int   `json:"shared"` // files that other folders or the pool have, too
}

func (u *Usage) add(fi fs.FileInfo) {
	switch {
	case fi.IsDir():
		u.Inodes++
		return
	case fi.Mode().IsRegular() && linksOf(fi) > 1:
		u.Shared++
	default:
		u.Inodes++
	}
	u.Files++
	if fi.Mode().IsRegular() {
		u.Bytes += fi.Size()
	}
}

// UsageOf looks at all that is in a folder; ok is false where it is gone.
func UsageOf(folder string) (u Usage, ok bool, err error) {
	if fi, err := os.Lstat(folder); err != nil || !fi.IsDir() {
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return u, false, nil
		}
		return u, false, err
	}
	err = filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a job works here
		}
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err == nil {
			u.add(fi)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
	return u, true, err
}

// UsageOfPaths is UsageOf for some paths below a folder, with what is below
// them. Those that are not there cost nothing.
func UsageOfPaths(folder string, rels []string) (u Usage, err error) {
	for _, rel := range rels {
		if rel == "" || filepath.IsAbs(rel) {
			continue
		}
		path := filepath.Join(folder, filepath.FromSlash(rel))
		one, ok, err := UsageOf(path)
		if err != nil {
			return u, err
		}
		if fi, err := os.Lstat(path); !ok && err == nil {
			one.add(fi)
		}
		u.Files, u.Bytes, u.Inodes, u.Shared = u.Files+one.Files, u.Bytes+one.Bytes, u.Inodes+one.Inodes, u.Shared+one.Shared
	}
	return u, nil
}

// PoolUsage is what the contents cost that folders in root share.
func PoolUsage(root string) (u Usage, err error) {
	pools, err := filepath.Glob(filepath.Join(globText.Replace(root), poolPrefix+"*"))
	if err != nil {
		return u, err
	}
	for _, pool := range pools {
		err := eachPooled(pool, func(_ string, fi fs.FileInfo) error {
			u.Files, u.Inodes, u.Bytes = u.Files+1, u.Inodes+1, u.Bytes+fi.Size()
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return u, err
		}
	}
	return u, nil
}

// globText makes a path a pattern that matches it alone.
var globText = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// Damage says what happened to files that were placed in a folder.
type Damage struct {
	Folder    string   // "" or the folder that is gone as a whole
	Total     int      // files that were placed
	Vanished  []string // are not there any more
	Truncated []string // are shorter than they were
	Changed   []string // were written to, and were not the job's to write
}

// Lost reports whether contents went away, as when a scratch file system is
// cleaned up.
func (d *Damage) Lost() bool { return len(d.Vanished)+len(d.Truncated) > 0 }

// String says what went away, for people.
func (d *Damage) String() string {
	if d.Folder != "" {
		return fmt.Sprintf("its staging folder %s is gone", d.Folder)
	}
	first := append(append([]string{}, d.Vanished...), d.Truncated...)
	text := fmt.Sprintf("of its %d staged files, %d vanished and %d were truncated", d.Total, len(d.Vanished), len(d.Truncated))
	if len(first) > 0 {
		text += fmt.Sprintf(" (%s)", first[0])
		if len(first) > 1 {
			text = text[:len(text)-1] + ", …)"
		}
	}
	return text
}

// Inspect compares a folder with what was placed in it. Files that are the
// job's own may have any content.
func Inspect(folder string, placed []Placed) (d Damage, err error) {
	d.Total = len(placed)
	if _, err := os.Lstat(folder); errors.Is(err, fs.ErrNotExist) {
		d.Folder = folder
		for _, p := range placed {
			d.Vanished = append(d.Vanished, p.Path)
		}
		return d, nil
	}
	for _, p := range placed {
		fi, err := os.Lstat(filepath.Join(folder, filepath.FromSlash(p.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			d.Vanished = append(d.Vanished, p.Path)
		case err != nil:
			return d, err
		case p.Own || p.Method == Symlink:
		case fi.Size() < p.Size:
			d.Truncated = append(d.Truncated, p.Path)
		case fi.Size() != p.Size || !fi.ModTime().Equal(p.MTime):
			d.Changed = append(d.Changed, p.Path)
		}
	}
	return d, nil
}
