package magic

import (
	"bytes"
	"encoding/binary"
)

// charClass says in which kinds of text a byte may stand.
type charClass byte

const (
	never    charClass = iota // in no text
	plain                     // in ASCII text
	latin                     // in ISO-8859 text
	extended                  // in other 8-bit text
)

// classOf returns the class of c. NEL (0x85) counts as a plain line end.
func classOf(c byte) charClass {
	switch {
	case c >= 7 && c <= 13, c == 0x1b, c >= 0x20 && c < 0x7f, c == 0x85:
		return plain
	case c < 0x80:
		return never
	case c < 0xa0:
		return extended
	}
	return latin
}

// ebcdicOdd lists the bytes (as inclusive ranges) that stand in no EBCDIC text.
var ebcdicOdd = [...][2]byte{
	{0x00, 0x04}, {0x06, 0x0a}, {0x0e, 0x14}, {0x17, 0x24}, {0x26, 0x26},
	{0x28, 0x2e}, {0x30, 0x3f}, {0xe1, 0xe1},
}

// Encoding returns the encoding of a file that starts with head as
// `file --mime-encoding` names it: "us-ascii", "utf-8", "utf-7", "utf-16le",
// "utf-16be", "utf-32le", "utf-32be", "iso-8859-1", "unknown-8bit", "ebcdic"
// or "binary". Files of no or one byte are binary, as with libmagic. Bytes
// beyond HeadSize are ignored, and a character cut off there is tolerated.
func Encoding(head []byte) string {
	if len(head) < 2 {
		return Binary
	}
	return textEncoding(clip(head))
}

// textEncoding is Encoding without the rule for tiny files.
func textEncoding(b []byte) string {
	worst, has := survey(b)
	switch {
	case has && worst == plain:
		return asciiEncoding(b)
	case isUTF8(b):
		return "utf-8"
	}
	if enc := wideEncoding(b); enc != "" {
		return enc
	}
	switch {
	case worst == latin:
		return "iso-8859-1"
	case worst == extended:
		return "unknown-8bit"
	case isEBCDIC(b):
		return "ebcdic"
	}
	return Binary
}

// survey returns the least restrictive class that covers all of b, and false
// (with never) where some byte stands in no text.
func survey(b []byte) (charClass, bool) {
	worst := plain
	for _, c := range b {
		k := classOf(c)
		if k == never {
			return never, false
		}
		worst = max(worst, k)
	}
	return worst, true
}

// asciiEncoding tells UTF-7, by its byte-order mark, from ASCII.
func asciiEncoding(b []byte) string {
	if len(b) > 4 && bytes.HasPrefix(b, []byte("+/v")) && bytes.IndexByte([]byte("89+/"), b[3]) >= 0 {
		return "utf-7"
	}
	return "us-ascii"
}

var utf8BOM = []byte("\xef\xbb\xbf")

// isUTF8 reports valid UTF-8 without odd control characters that has a
// byte-order mark or at least one whole non-ASCII character.
func isUTF8(b []byte) bool {
	if len(b) > 3 && bytes.HasPrefix(b, utf8BOM) {
		if ok, _ := scanUTF8(b[3:]); ok {
			return true
		}
	}
	ok, wide := scanUTF8(b)
	return ok && wide
}

// scanUTF8 reports whether b is UTF-8 text (a last character may be cut off),
// and whether it holds a whole character beyond ASCII.
func scanUTF8(b []byte) (ok, wide bool) {
	for i := 0; i < len(b); {
		c := b[i]
		if c < 0x80 {
			if classOf(c) != plain {
				return false, wide
			}
			i++
			continue
		}
		n, lo, hi := utf8Lead(c)
		if n == 0 || !goodTail(b[i+1:min(i+n, len(b))], lo, hi) {
			return false, wide
		}
		wide = wide || i+n <= len(b)
		i += n
	}
	return true, wide
}

// goodTail checks the continuation bytes that are there.
func goodTail(tail []byte, lo, hi byte) bool {
	for i, c := range tail {
		if i == 0 && (c < lo || c > hi) || c&0xc0 != 0x80 {
			return false
		}
	}
	return true
}

// utf8Lead returns the length of the character that c starts, 0 for none, and
// the range of its second byte.
func utf8Lead(c byte) (n int, lo, hi byte) {
	switch {
	case c < 0xc2 || c > 0xf4:
		return 0, 0, 0
	case c < 0xe0:
		return 2, 0x80, 0xbf
	case c == 0xe0:
		return 3, 0xa0, 0xbf
	case c == 0xed:
		return 3, 0x80, 0x9f
	case c < 0xf0:
		return 3, 0x80, 0xbf
	case c == 0xf0:
		return 4, 0x90, 0xbf
	case c == 0xf4:
		return 4, 0x80, 0x8f
	}
	return 4, 0x80, 0xbf
}

// wideEncoding returns the UTF-32 or UTF-16 flavour of b, or "". Both need a
// byte-order mark.
func wideEncoding(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xfe\x00\x00")) && isUTF32(b, binary.LittleEndian):
		return "utf-32le"
	case bytes.HasPrefix(b, []byte("\x00\x00\xfe\xff")) && isUTF32(b, binary.BigEndian):
		return "utf-32be"
	case bytes.HasPrefix(b, []byte("\xff\xfe")) && isUTF16(b, binary.LittleEndian):
		return "utf-16le"
	case bytes.HasPrefix(b, []byte("\xfe\xff")) && isUTF16(b, binary.BigEndian):
		return "utf-16be"
	}
	return ""
}

func isUTF32(b []byte, order binary.ByteOrder) bool {
	for i := 4; i+3 < len(b); i += 4 {
		u := order.Uint32(b[i:])
		if u == 0xfffe || u < 0x80 && classOf(byte(u)) != plain {
			return false
		}
	}
	return true
}

func isUTF16(b []byte, order binary.ByteOrder) bool {
	high := false
	for i := 2; i+1 < len(b); i += 2 {
		u := order.Uint16(b[i:])
		isLow := u >= 0xdc00 && u <= 0xdfff
		if isLow != high || u >= 0xfffe || u >= 0xfdd0 && u <= 0xfdef {
			return false
		}
		if u < 0x80 && classOf(byte(u)) != plain {
			return false
		}
		high = u >= 0xd800 && u < 0xdc00
	}
	return true
}

func isEBCDIC(b []byte) bool {
	for _, c := range b {
		for _, r := range ebcdicOdd {
			if c >= r[0] && c <= r[1] {
				return false
			}
		}
	}
	return true
}
