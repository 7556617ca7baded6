package annexkey

import "strings"

// File returns the keyfile form, which names objects, logs and pointers: one
// path component, since '/' becomes '%' (and '&', '%', ':' become "&a", "&s",
// "&c").
func (k Key) File() string {
	s := k.String()
	if !strings.ContainsAny(s, "&%:/") {
		return s
	}
	b := make([]byte, 0, len(s)+16)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '&':
			b = append(b, "&a"...)
		case '%':
			b = append(b, "&s"...)
		case ':':
			b = append(b, "&c"...)
		case '/':
			b = append(b, '%')
		default:
			b = append(b, c)
		}
	}
	return string(b)
}

// FromFile reads the keyfile form. Like git-annex it accepts escapes that File
// never writes, so several names may stand for one key.
func FromFile(name string) (Key, error) {
	if strings.IndexByte(name, '/') >= 0 {
		return Key{}, badKey(name, "file name holds a slash")
	}
	if strings.ContainsAny(name, "&%") {
		name = unescapeFile(name)
	}
	return Parse(name)
}

// unescapeFile drops an '&' that is followed by '&', '%' or nothing, and one
// before a letter without a meaning; so does git-annex.
func unescapeFile(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '%':
			b = append(b, '/')
		case s[i] != '&':
			b = append(b, s[i])
		case i+1 < len(s) && s[i+1] != '&' && s[i+1] != '%':
			i++
			b = append(b, unescapeChar(s[i]))
		}
	}
	return string(b)
}

func unescapeChar(c byte) byte {
	switch c {
	case 'a':
		return '&'
	case 's':
		return '%'
	case 'c':
		return ':'
	}
	return c
}
