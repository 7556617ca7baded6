package gitobj

import (
	"slices"
	"strings"
)

// IsDotGit reports names that are git's folder on some file system, as git fsck
// does: case does not count, NTFS and FAT pass over what follows and have a short
// name for it, HFS+ passes over characters without width.
func IsDotGit(name string) bool {
	name, _, _ = strings.Cut(name, ":")
	name = strings.TrimRight(name, " .")
	if len(name) > len(".git") {
		name = strings.Map(func(r rune) rune {
			if r >= 0x200c && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x206a && r <= 0x206f || r == 0xfeff {
				return -1
			}
			return r
		}, name)
	}
	return strings.EqualFold(name, ".git") || strings.EqualFold(name, "git~1")
}

// HasDotGit reports paths, with slashes, that lead into such a folder.
func HasDotGit(path string) bool { return slices.ContainsFunc(strings.Split(path, "/"), IsDotGit) }
