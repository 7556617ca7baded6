// Package pointer has the two forms in which git records an annexed file: the
// target of a symlink (locked) and the small pointer blob (unlocked). It decides
// from text alone and never looks at files. The rules are those of git-annex's
// "pointer file" document and of the program.
package pointer

import (
	"bytes"
	"path"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// MaxSize is the size in bytes above which a file is never a pointer. Whoever
// reads a candidate needs no more than MaxSize+1 bytes of it.
const MaxSize = 32768

// MaxLinkFile is the size in bytes from which a regular file is never the text of
// a symlink (which stands in work trees without symlinks).
const MaxLinkFile = 8192

// objects is what marks a pointer or link.
const objects = "/annex/objects/"

// LinkTarget returns the symlink target of k for a link at fromPath, a clean slash
// separated path relative to the top of the work tree:
//
//	../../.git/annex/objects/HASHMIXED/KEYFILE/KEYFILE
//
// It holds in submodules and linked work trees too, where git-annex makes .git a
// symlink.
func LinkTarget(k annexkey.Key, fromPath string) string {
	depth := strings.Count(path.Clean(fromPath), "/")
	return strings.Repeat("../", depth) + ".git" + objects + k.ObjectPath()
}

// ParseLink returns the key that a symlink target stands for. The depth of its
// "../" does not matter, nor do the hash directories. It is false for every other
// link.
func ParseLink(target string) (annexkey.Key, bool) {
	return Parse([]byte(target))
}

// ParseLinkFile returns the key of a regular file that stands for a symlink (as
// git checks it out where core.symlinks is false).
func ParseLinkFile(data []byte) (annexkey.Key, bool) {
	if len(data) >= MaxLinkFile || bytes.ContainsAny(data, "\x00\n\r\t ") {
		return annexkey.Key{}, false
	}
	return Parse(data)
}

// Format returns the pointer blob of k as git-annex writes it.
func Format(k annexkey.Key) []byte {
	return []byte(objects + k.File() + "\n")
}

// Parse returns the key of a pointer: the content of a blob or of a file in the
// work tree, whole or at least its first MaxSize+1 bytes. It is false for
// everything else. The key may still be too long for a file name
// (annexkey.Key.Safe).
func Parse(data []byte) (annexkey.Key, bool) {
	if len(data) > MaxSize {
		return annexkey.Key{}, false
	}
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	first = bytes.TrimSuffix(first, []byte("\r"))
	if !bytes.Contains(first, []byte(objects)) || !validRest(rest) {
		return annexkey.Key{}, false
	}
	k, err := annexkey.FromFile(string(first[bytes.LastIndexByte(first, '/')+1:]))
	return k, err == nil
}

// Appended reports whether data, taken as for Parse, begins like a pointer and
// goes on with text that somebody has appended by mistake.
func Appended(data []byte) bool {
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	if len(data) > MaxSize || validRest(rest) {
		return false
	}
	_, ok := Parse(first)
	return ok
}

// validRest checks the lines after the first: later versions of the format may
// append some, and all mention the annex. Anything else is text that was appended
// by mistake.
func validRest(rest []byte) bool {
	for len(rest) > 0 {
		line, more, ended := bytes.Cut(rest, []byte("\n"))
		if !ended || !bytes.Contains(line, []byte("/annex/")) {
			return false
		}
		rest = more
	}
	return true
}
