package annexkey

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WORM returns the key of a file by its path relative to the top of the work
// tree (slash separated), its size in bytes and its modification time in whole
// seconds. A time before 1970 cannot stand in a key and is left out.
func WORM(relpath string, size, mtimeSeconds int64) Key {
	k := New("WORM", nameFrom(relpath))
	k.Size, k.MTime = size, max(mtimeSeconds, absent)
	return k
}

// URL returns the key of the content of a URL; size is -1 where it is unknown
// (as with addurl --relaxed).
func URL(url string, size int64) Key {
	k := New("URL", nameFrom(url))
	k.Size = max(size, absent)
	return k
}

// nameFrom makes a key name of a path or URL. A long one keeps its beginning and
// gets its MD5, so that it is no longer than a SHA256.
func nameFrom(s string) string {
	const most = 64
	name := sanitize(s)
	if len(s) <= most {
		return name
	}
	sum := md5.Sum([]byte(s))
	digest := hex.EncodeToString(sum[:])
	return name[:most-len(digest)-1] + "-" + digest
}

// sanitize leaves ASCII only; it never makes s shorter.
func sanitize(s string) string {
	var b strings.Builder
	for i, c := range s {
		switch {
		case c == utf8.RuneError:
			fmt.Fprintf(&b, ",%d", lowByteOr(s[i:], c))
		case !barred(c) && c < utf8.RuneSelf, strings.ContainsRune(".-_/%:", c):
			b.WriteRune(c)
		case c == ',':
			b.WriteString(",,")
		default:
			b.WriteString("," + strconv.Itoa(int(c)))
		}
	}
	return b.String()
}

// lowByteOr returns the code point by which GHC stands in for a byte that is not
// UTF-8 (U+DC80 to U+DCFF); c itself where s really begins with U+FFFD.
func lowByteOr(s string, c rune) rune {
	if _, n := utf8.DecodeRuneInString(s); n == 1 {
		return 0xDC00 + rune(s[0])
	}
	return c
}
