// Package magic says what a file holds from its first bytes: the text
// encoding and the MIME type, in the words of libmagic (the library behind
// `file --mime`, which git-annex asks for mimetype= and mimeencoding=).
//
// Encoding follows libmagic exactly, because it decides whether a file goes to
// git or to the annex. Type is exact for the question "text or not" in all but
// rare formats, names the common binary formats, and is coarser than libmagic
// for programming languages (text/plain where libmagic says text/x-c).
//
// The package knows no files, repositories or expressions: bytes in, words out.
package magic

// HeadSize is how many bytes from the start of a file Encoding and Type look
// at. Give them the whole file where it is shorter.
const HeadSize = 64 << 10

// Binary is the encoding of everything that is not text.
const Binary = "binary"

// Types that Type falls back to.
const (
	TypeEmpty  = "inode/x-empty"
	TypeText   = "text/plain"
	TypeBinary = "application/octet-stream"
)

// clip limits b to the part that is looked at.
func clip(b []byte) []byte { return b[:min(len(b), HeadSize)] }
