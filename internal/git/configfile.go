package git

import (
	"fmt"
	"strings"
)

// ParseConfigFile reads text in git's configuration syntax (git-config(1)),
// such as a dataset's .datalad/config. Includes are not followed: the text
// may come from anybody.
func ParseConfigFile(text string) (*Config, error) {
	c, _, err := parseConfigText(text)
	return c, err
}

// parseConfigText tells as well whether all versions of git read the text so.
func parseConfigText(text string) (c *Config, plain bool, err error) {
	p := configParser{text: strings.TrimPrefix(text, "\ufeff")}
	p.plain = !strings.ContainsAny(text, "\x00\v\f") && strings.Count(text, "\r") == strings.Count(text, "\r\n")
	c = &Config{settings: make([]setting, 0, strings.Count(text, "="))}
	for {
		key, value, more, err := p.next()
		if err != nil {
			return nil, false, fmt.Errorf("configuration line %d: %w", p.line(), err)
		}
		if !more {
			return c, p.plain, nil
		}
		c.add(key, value, true)
	}
}

type configParser struct {
	text    string
	pos     int
	section string
	plain   bool // so far, nothing that versions of git read differently
}

func (p *configParser) peek() byte {
	if p.pos >= len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *configParser) take() byte {
	c := p.peek()
	if p.pos < len(p.text) {
		p.pos++
	}
	return c
}

// line is the number of the line that is being read.
func (p *configParser) line() int { return 1 + strings.Count(p.text[:p.pos], "\n") }

func (p *configParser) atEnd() bool { return p.pos >= len(p.text) }

// next returns the next variable with its full key.
func (p *configParser) next() (key, value string, more bool, err error) {
	for !p.atEnd() {
		switch c := p.peek(); {
		case c == '#' || c == ';':
			p.skipLine()
		case c == '[':
			p.take()
			if err := p.readSection(); err != nil {
				return "", "", false, err
			}
		case isBlank(c) || c == '\n':
			p.take()
		default:
			key, value, err := p.readVariable()
			return key, value, true, err
		}
	}
	return "", "", false, nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' }

func (p *configParser) skipLine() {
	for !p.atEnd() && p.take() != '\n' {
	}
}

// readSection reads the rest of `[name]` or `[name "subsection"]`.
func (p *configParser) readSection() error {
	start := p.pos
	for isKeyByte(p.peek()) || p.peek() == '.' {
		p.take()
	}
	p.section = strings.ToLower(p.text[start:p.pos])
	for isBlank(p.peek()) {
		p.take()
	}
	if p.peek() == '"' {
		p.take()
		sub, err := p.readSubsection()
		if err != nil {
			return err
		}
		p.section += "." + sub
	}
	if p.take() != ']' || p.section == "" {
		return fmt.Errorf("bad section header")
	}
	return nil
}

func (p *configParser) readSubsection() (string, error) {
	if name, _, ok := strings.Cut(p.text[p.pos:], `"`); ok && !strings.ContainsAny(name, "\\\n") {
		p.pos += len(name) + 1
		return name, nil
	}
	var b strings.Builder
	for !p.atEnd() {
		switch c := p.take(); c {
		case '"':
			return b.String(), nil
		case '\n':
			return "", fmt.Errorf("newline in a section header")
		case '\\':
			b.WriteByte(p.take())
		default:
			b.WriteByte(c)
		}
	}
	return "", fmt.Errorf("section header has no end")
}

func isKeyByte(c byte) bool {
	return c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (p *configParser) readVariable() (key, value string, err error) {
	start := p.pos
	for isKeyByte(p.peek()) {
		p.take()
	}
	name := p.text[start:p.pos]
	if name == "" || p.section == "" || name[0] == '-' || name[0] <= '9' {
		return "", "", fmt.Errorf("bad variable")
	}
	for isBlank(p.peek()) {
		p.take()
	}
	key = p.section + "." + name
	switch c := p.peek(); {
	case c == '=':
		p.take()
		value, err = p.readValue()
		return key, value, err
	case c == '\n' || p.atEnd():
		return key, "true", nil
	}
	return "", "", fmt.Errorf("bad variable %q", name)
}

// readValue handles quotes, escapes, comments, continuation lines and the
// blanks at both ends.
func (p *configParser) readValue() (string, error) {
	if v, ok := p.simpleValue(); ok {
		return v, nil
	}
	var b strings.Builder
	quoted, keep := false, 0 // keep: length that trailing blanks may not cut
	for isBlank(p.peek()) {
		p.take()
	}
	for !p.atEnd() {
		c := p.take()
		switch {
		case c == '\n':
			if quoted {
				return "", fmt.Errorf("value has no closing quote")
			}
			return b.String()[:keep], nil
		case c == '"':
			// Older ones forget blanks before an empty quotation.
			p.plain = p.plain && (quoted || p.peek() != '"')
			quoted = !quoted
			keep = b.Len()
		case c == '\\':
			if err := p.readEscape(&b); err != nil {
				return "", err
			}
			keep = b.Len()
		case !quoted && (c == '#' || c == ';'):
			p.skipLine()
			return b.String()[:keep], nil
		default:
			// Older ones make blanks of tabs within a value.
			p.plain = p.plain && (quoted || keep == b.Len() || isBlank(c) || !strings.ContainsAny(b.String()[keep:], "\t\r"))
			b.WriteByte(c)
			if quoted || !isBlank(c) {
				keep = b.Len()
			}
		}
	}
	if quoted {
		return "", fmt.Errorf("value has no closing quote")
	}
	return b.String()[:keep], nil
}

const blanks = " \t\r\v\f"

// simpleValue takes a value that stands in the line as it is.
func (p *configParser) simpleValue() (string, bool) {
	line, _, ok := strings.Cut(p.text[p.pos:], "\n")
	v := strings.Trim(line, blanks)
	if !ok || strings.ContainsAny(v, "\"\\#;\t\r\v\f") {
		return "", false
	}
	p.pos += len(line) + 1
	return v, true
}

func (p *configParser) readEscape(b *strings.Builder) error {
	switch c := p.take(); c {
	case '\n':
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'b':
		b.WriteByte('\b')
	case '"', '\\':
		b.WriteByte(c)
	default:
		return fmt.Errorf("unknown escape \\%c", c)
	}
	return nil
}
