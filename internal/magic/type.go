package magic

import (
	"bytes"
	"strconv"
	"strings"
)

// Type returns the MIME type of a file that starts with head, as `file
// --mime-type` names it. It answers inode/x-empty for an empty file,
// application/octet-stream where nothing fits and text/plain for text without
// a better name. A head of HeadSize bytes or more counts as cut off: JSON that
// is sound up to there is JSON (libmagic gives up on JSON beyond 7 MiB).
func Type(head []byte) string {
	switch len(head) {
	case 0:
		return TypeEmpty
	case 1:
		return TypeBinary
	}
	b := clip(head)
	cut := len(head) >= HeadSize
	if isTar(b) {
		return "application/x-tar"
	}
	if t := jsonType(b, cut); t != "" {
		return t
	}
	enc := textEncoding(b)
	if enc != Binary && isCSV(b) {
		return "text/csv"
	}
	if t := signatureType(b); t != "" {
		return t
	}
	return textType(b, enc, cut)
}

// textType names the kinds of text; what is no text is TypeBinary.
func textType(b []byte, enc string, cut bool) string {
	if t := shebangType(b); t != "" {
		return t
	}
	if enc == Binary && !cut {
		enc = Encoding(trimNULs(b))
	}
	if enc == Binary {
		return TypeBinary
	}
	if t := markupType(b); t != "" {
		return t
	}
	if t := sourceType(b); t != "" {
		return t
	}
	return TypeText
}

// trimNULs cuts NUL bytes off the end. In a file of even length it keeps the
// length even, since the NUL may belong to the last UTF-16 character.
func trimNULs(b []byte) []byte {
	n := len(bytes.TrimRight(b, "\x00"))
	if n < len(b) && n%2 == 1 && len(b)%2 == 0 {
		n++
	}
	return b[:n]
}

// isTar checks the header checksum of a first tar block.
func isTar(b []byte) bool {
	const block, sumAt, sumLen = 512, 148, 8
	if len(b) < block {
		return false
	}
	text := strings.Trim(string(b[sumAt:sumAt+sumLen]), " \x00")
	want, err := strconv.ParseUint(text, 8, 32)
	if err != nil {
		return false
	}
	sum := uint64(sumLen * ' ')
	for i, c := range b[:block] {
		if i < sumAt || i >= sumAt+sumLen {
			sum += uint64(c)
		}
	}
	return sum == want
}

// isCSV reports comma separated values: at least three whole lines, and the
// same number of commas (one or more) on each of the first ten.
func isCSV(b []byte) bool {
	const enough, least = 10, 3
	lines, commas, want := 0, 0, 0
	for i := 0; i < len(b) && lines < enough; i++ {
		switch b[i] {
		case '"':
			i = quoteEnd(b, i)
		case ',':
			commas++
		case '\n':
			if lines == 0 {
				want = commas
			}
			if commas == 0 || commas != want {
				return false
			}
			lines, commas = lines+1, 0
		}
	}
	return lines >= least
}

// quoteEnd returns the index of the quote that closes the one at i; a doubled
// quote stands for itself.
func quoteEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		if b[i] != '"' {
			continue
		}
		if i+1 >= len(b) || b[i+1] != '"' {
			return i
		}
		i++
	}
	return i
}
