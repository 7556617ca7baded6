package addurls

import (
	"maps"
	"net/url"
	"path"
	"strconv"
	"strings"
)

var special = compiled(`^_(repindex|url_(hostname|(basename|filename)(_(root|ext)(_py)?)?)|url[0-9]+)$`)

// isSpecial says that a placeholder is made of the URL, or counted.
func isSpecial(name string) bool { return special().MatchString(name) }

// urlParts are the placeholders that a URL gives.
func urlParts(address string) map[string]any {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil
	}
	parts := map[string]any{"_url_hostname": u.Host}
	trimmed := strings.Trim(u.EscapedPath(), "/")
	if trimmed == "" {
		return parts
	}
	words := strings.Split(trimmed, "/")
	for i, w := range words {
		parts["_url"+strconv.Itoa(i)] = w
	}
	base := words[len(words)-1]
	maps.Copy(parts, fileParts(base, "_url_basename"))
	return parts
}

// fileParts are the placeholders for a file's name and its pieces.
func fileParts(name, prefix string) map[string]any {
	root, ext := splitExt(name)
	rootPy, extPy := splitLast(name)
	return map[string]any{
		prefix: name, prefix + "_root": root, prefix + "_ext": ext, prefix + "_root_py": rootPy, prefix + "_ext_py": extPy,
	}
}

// splitLast cuts the last extension off, as Python's splitext does: leading
// dots begin no extension.
func splitLast(name string) (root, ext string) {
	lead := len(name) - len(strings.TrimLeft(name, "."))
	ext = path.Ext(name[lead:])
	return name[:len(name)-len(ext)], ext
}

// splitExt cuts off all last pieces of at most four characters (.tar.gz), as
// DataLad does: a name with longer ones has the extension ".".
func splitExt(name string) (root, ext string) {
	const most = 4
	words := strings.Split(name, ".")
	if len(words) == 1 {
		return name, ""
	}
	i := len(words)
	for i > 1 && len(words[i-1]) <= most {
		i--
	}
	return strings.Join(words[:i], "."), "." + strings.Join(words[i:], ".")
}
