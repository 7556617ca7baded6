// Package jobpath knows the paths that jobs declare: where the inputs and outputs
// that somebody wrote really lead, which of them are the same or lie in one
// another, and which paths an output with {task} stands for. It knows files and
// names only, no dataset and no job.
package jobpath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Magic are the characters that make a path a pattern.
const Magic = "*?["

// Spec is an input or output in the one form in which they are compared.
type Spec struct {
	Fixed   string // the leading folder, or the path, without symlinks; relative to the top
	Pattern string // the whole, with wildcards; equal to Fixed where there are none
	Outside bool   // not below the top; Fixed and Pattern are absolute
}

// Wild reports whether it is a pattern.
func (s Spec) Wild() bool { return s.Pattern != s.Fixed }

// Locator finds the one form of paths of a dataset.
type Locator struct {
	top   string            // the dataset's folder without symlinks
	links map[string]string // what was looked at already: targets of links to folders, "" for all else; may be nil
}

// NewLocator makes one for the dataset whose folder without symlinks is top. What
// is looked at is remembered in links, which may be nil.
func NewLocator(top string, links map[string]string) *Locator {
	return &Locator{top: top, links: links}
}

// Canonical is Locator.Canonical for a single path.
func Canonical(top, dir, text string) (Spec, error) {
	return (&Locator{top: top}).Canonical(dir, text)
}

func canonicalPath(top, dir, text string) (Spec, error) {
	return (&Locator{top: top}).CanonicalPath(dir, text)
}

// Canonical finds out where a path or pattern, as the user wrote it in the
// folder dir (absolute, without symlinks), really leads. Links to folders are
// followed, others are not: an annexed file is one.
func (lo *Locator) Canonical(dir, text string) (Spec, error) {
	if strings.ContainsRune(text, 0) || text == "" {
		return Spec{}, fmt.Errorf("%q is no path", text)
	}
	parts := strings.Split(filepath.ToSlash(text), "/")
	cut := len(parts)
	for i, p := range parts {
		if strings.ContainsAny(p, Magic) {
			cut = i
			break
		}
	}
	spec, err := lo.locate(dir, strings.Join(parts[:cut], "/"), filepath.IsAbs(text))
	if err != nil {
		return Spec{}, err
	}
	rest, err := cleanRest(parts[cut:])
	if err != nil {
		return Spec{}, fmt.Errorf("%s: %w", text, err)
	}
	spec.Pattern = path.Join(spec.Fixed, rest)
	return spec, nil
}

// CanonicalPath is canonical for a path that has no wildcards, whatever
// characters are in it.
func (lo *Locator) CanonicalPath(dir, text string) (Spec, error) {
	return lo.locate(dir, filepath.ToSlash(text), filepath.IsAbs(text))
}

func (lo *Locator) locate(dir, text string, abs bool) (Spec, error) {
	fixed, err := lo.physical(dir, text, abs)
	if err != nil {
		return Spec{}, err
	}
	rel, err := filepath.Rel(lo.top, fixed)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return Spec{fixed, fixed, true}, nil
	}
	rel = filepath.ToSlash(rel)
	return Spec{rel, rel, false}, nil
}

// cleanRest joins what follows the first wildcard.
func cleanRest(parts []string) (string, error) {
	for _, p := range parts {
		if p == ".." {
			return "", errors.New(`".." after a wildcard`)
		}
	}
	return path.Join(parts...), nil
}

// maxLinks bounds how many links a path may lead through.
const maxLinks = 64

// physical resolves a path as the kernel would, except that a last component
// that leads to no folder, or does not exist, is kept as it is.
func (lo *Locator) physical(dir, text string, abs bool) (string, error) {
	at := dir
	if abs {
		at = "/"
		if rest, ok := strings.CutPrefix(text, lo.top+"/"); ok {
			at, text = lo.top, rest
		}
	}
	todo := strings.Split(text, "/")
	for links := 0; len(todo) > 0; {
		name := todo[0]
		todo = todo[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name)
		target, err := lo.folderLink(next)
		if err != nil {
			return "", err
		}
		if target == "" {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: too many symlinks", text)
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return at, nil
}

func (lo *Locator) folderLink(p string) (string, error) {
	if target, ok := lo.links[p]; ok {
		return target, nil
	}
	target, err := folderLink(p)
	if err == nil && lo.links != nil {
		lo.links[p] = target
	}
	return target, err
}

// folderLink returns the target of a symlink that leads to a folder, "" for
// everything else.
func folderLink(p string) (string, error) {
	fi, err := os.Lstat(p)
	if errors.Is(err, fs.ErrNotExist) || err == nil && fi.Mode()&fs.ModeSymlink == 0 {
		return "", nil
	}
	if err != nil {
		if pe := (*fs.PathError)(nil); errors.As(err, &pe) && !errors.Is(err, fs.ErrPermission) {
			return "", nil // a file on the way: what follows cannot exist
		}
		return "", err
	}
	if to, err := os.Stat(p); err != nil || !to.IsDir() {
		return "", nil
	}
	return os.Readlink(p)
}

// RecordedForm writes a path as datalad-slurm does: from the top "./out", from
// a folder below "folder/out".
func RecordedForm(pwd, p string) string {
	if p != "." && (pwd == "." || pwd == "") {
		return "./" + p
	}
	return p
}

// MayMatch reports whether a pattern can match claim or something in it.
func MayMatch(pattern, claim string) bool {
	pp, cc := strings.Split(pattern, "/"), strings.Split(claim, "/")
	for i := range min(len(pp), len(cc)) {
		if pp[i] == "**" {
			return true
		}
		if ok, err := path.Match(pp[i], cc[i]); err != nil || !ok {
			return err != nil // a pattern that Go cannot read may match
		}
	}
	return true
}

// Within reports whether p is top or lies below it; both are clean.
func Within(p, top string) bool {
	return top == "." || p == top || strings.HasPrefix(p, top+"/")
}

// RelativeTo returns a path below root, which has no symlinks.
func RelativeTo(root, file string) (string, bool) {
	spec, err := canonicalPath(root, root, file)
	if err != nil || spec.Outside || Within(spec.Fixed, ".git") {
		return "", false
	}
	return spec.Fixed, true
}
