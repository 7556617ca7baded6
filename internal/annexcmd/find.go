package annexcmd

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/pointer"
)

// KeyFields are the properties of a key by the names that formats and JSON use.
func KeyFields(k annexkey.Key) map[string]string {
	f := map[string]string{
		"backend": k.Backend, "key": k.String(), "keyname": k.Name, "mtime": "unknown",
		"hashdirlower": k.HashLower() + "/", "hashdirmixed": k.HashMixed() + "/",
		"bytesize": "unknown", "humansize": "unknown",
	}
	if k.Size >= 0 {
		f["bytesize"], f["humansize"] = strconv.FormatInt(k.Size, 10), dataset.HumanSize(k.Size)
	}
	if k.MTime >= 0 {
		f["mtime"] = strconv.FormatInt(k.MTime, 10)
	}
	return f
}

// ObjectFields are those of KeyFields and where the content would lie.
func (s *Session) ObjectFields(k annexkey.Key) map[string]string {
	f := KeyFields(k)
	f["objectpath"] = ".git/annex/objects/" + k.ObjectPath()
	f["objectpointer"] = string(pointer.Format(k))
	return f
}

// Found is the outcome of find for a file.
func Found(f File) Outcome {
	o := Outcome{Item: Item{File: f.Show, NoFile: f.Show == "", Key: f.Key}, Bare: true, Fields: map[string]any{}}
	for name, v := range KeyFields(f.Key) {
		o.Fields[name] = v
	}
	return o
}

// FormatTemplate fills ${name}, ${name;width} and ${escaped_name} in a
// template, and the escapes of C.
func FormatTemplate(template string, fields map[string]string) string {
	var b strings.Builder
	for i := 0; i < len(template); i++ {
		switch c := template[i]; {
		case c == '\\' && i+1 < len(template):
			n, text := unescape(template[i+1:])
			b.WriteString(text)
			i += n
		case c == '$' && i+1 < len(template) && template[i+1] == '{':
			end := strings.IndexByte(template[i:], '}')
			if end < 0 {
				b.WriteString(template[i:])
				return b.String()
			}
			b.WriteString(variable(template[i+2:i+end], fields))
			i += end
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// variable is the value of "name" or "name;width"; a negative width justifies
// to the left.
func variable(spec string, fields map[string]string) string {
	name, width, _ := strings.Cut(spec, ";")
	value := fields[name]
	if rest, escaped := strings.CutPrefix(name, "escaped_"); escaped {
		value = escape(fields[rest])
	}
	n, err := strconv.Atoi(width)
	if err != nil {
		return value
	}
	const widest = 4096
	pad := strings.Repeat(" ", max(0, min(max(n, -n), widest)-len(value)))
	if n < 0 {
		return value + pad
	}
	return pad + value
}

// unescape reads what follows a backslash and returns its length.
func unescape(s string) (n int, text string) {
	simple := map[byte]string{'n': "\n", 't': "\t", 'r': "\r", '\\': "\\", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '"': `"`}
	if t, ok := simple[s[0]]; ok {
		return 1, t
	}
	for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
		n++
	}
	if v, err := strconv.ParseUint(s[:n], 8, 16); n > 0 && err == nil {
		return n, string([]byte{byte(v)})
	}
	return 1, "\\" + s[:1]
}

// escapes are the characters with a letter of their own.
const escapes = "\a\b\f\n\r\t\v\\\""

// escape writes characters outside printable ASCII, and blanks, as git-annex
// does: those of Latin-1 as one octal number, others as the numbers of their
// UTF-8.
func escape(s string) string {
	var b strings.Builder
	for _, part := range strings.SplitAfter(s, "") {
		c, size := utf8.DecodeRuneInString(part)
		switch at := strings.IndexRune(escapes, c); {
		case at >= 0:
			b.WriteString(`\` + `abfnrtv\"`[at:at+1])
		case c > 0x20 && c < 0x7f:
			b.WriteRune(c)
		case c == utf8.RuneError && size == 1: // git-annex sees a surrogate here
			b.WriteString(octal(0xed, 0xb0|part[0]>>6, 0x80|part[0]&0x3f))
		case c <= 0xff:
			b.WriteString(octal(byte(c)))
		default:
			b.WriteString(octal([]byte(part)...))
		}
	}
	return b.String()
}

func octal(bytes ...byte) string {
	var b strings.Builder
	for _, c := range bytes {
		fmt.Fprintf(&b, `\%03o`, c)
	}
	return b.String()
}
