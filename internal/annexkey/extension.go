package annexkey

import (
	"slices"
	"strings"
)

// ExtRule limits the extension that "E" backends take over from a file name.
type ExtRule struct {
	MaxLen   int // longest piece in bytes, without its dot (annex.maxextensionlength)
	MaxCount int // most pieces (annex.maxextensions)
}

// DefaultExtRule returns git-annex's defaults: two pieces of up to 4 bytes.
func DefaultExtRule() ExtRule { return ExtRule{MaxLen: 4, MaxCount: 2} }

// Extension returns what an "E" backend appends to the digest for a file with the
// base name: "" or pieces that begin with a dot each, such as ".nii.gz". It never
// exceeds the 64 bytes that a key may carry, whatever the rule.
func Extension(base string, r ExtRule) string {
	_, exts, ok := strings.Cut(strings.TrimLeft(base, "."), ".")
	if !ok {
		return ""
	}
	var kept []string // right to left
	pieces := strings.Split("."+exts, ".")
	for _, p := range slices.Backward(pieces) {
		if len(p) > r.MaxLen || len(kept) >= r.MaxCount {
			break
		}
		if !strings.ContainsFunc(p, barred) {
			kept = append(kept, p) // an empty piece counts, but shows no dot
		}
	}
	return joinExtension(kept)
}

// barred tells the characters that no extension has: all of ASCII but letters
// and digits.
func barred(c rune) bool {
	return c < 0x80 && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}

func joinExtension(reversed []string) string {
	ext := ""
	for _, p := range reversed {
		if len(ext)+1+len(p) > maxExtension {
			break
		}
		if p != "" {
			ext = "." + p + ext
		}
	}
	return ext
}
