// Package p2p is git-annex's peer-to-peer protocol (its document "P2P
// protocol"): messages as lines, content as counted bytes between them, a
// client that asks and a server that answers for a Repository. It knows keys
// and byte streams; how the two ends are connected, and where content lies, is
// its callers' business.
package p2p

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// Verb is the first word of a message.
type Verb string

// The messages of protocol versions 0 to 4.
const (
	Auth            Verb = "AUTH"
	AuthSuccess     Verb = "AUTH-SUCCESS"
	AuthFailure     Verb = "AUTH-FAILURE"
	Version         Verb = "VERSION"
	Bypass          Verb = "BYPASS" // from version 2
	Connect         Verb = "CONNECT"
	ConnectDone     Verb = "CONNECTDONE"
	NotifyChange    Verb = "NOTIFYCHANGE"
	Changed         Verb = "CHANGED"
	CheckPresent    Verb = "CHECKPRESENT"
	LockContent     Verb = "LOCKCONTENT"
	UnlockContent   Verb = "UNLOCKCONTENT"
	Remove          Verb = "REMOVE"
	RemoveBefore    Verb = "REMOVE-BEFORE" // from version 3
	GetTimestamp    Verb = "GETTIMESTAMP"  // from version 3
	Timestamp       Verb = "TIMESTAMP"     // from version 3
	Get             Verb = "GET"
	Put             Verb = "PUT"
	PutFrom         Verb = "PUT-FROM"
	AlreadyHave     Verb = "ALREADY-HAVE"
	AlreadyHavePlus Verb = "ALREADY-HAVE-PLUS" // from version 2
	Success         Verb = "SUCCESS"
	SuccessPlus     Verb = "SUCCESS-PLUS" // from version 2
	Failure         Verb = "FAILURE"
	FailurePlus     Verb = "FAILURE-PLUS" // from version 2
	Data            Verb = "DATA"
	DataPresent     Verb = "DATA-PRESENT" // from version 4
	Valid           Verb = "VALID"        // from version 1
	Invalid         Verb = "INVALID"      // from version 1
	Error           Verb = "ERROR"
)

// MaxVersion is the newest protocol version that this package speaks.
const MaxVersion = 3

// ErrUnknownMessage is the cause of Parse's errors.
var ErrUnknownMessage = errors.New("unknown command")

// Message is one line. Which fields count depends on the verb.
type Message struct {
	Verb   Verb
	Key    annexkey.Key
	Number int64  // version, offset, length, exit code or time stamp
	Text   string // associated file, error, service, refs, UUIDs or credentials
}

// shape says what follows a verb: n number, f file, k key, t the rest of the
// line; in this order and separated by single blanks.
var shapes = map[Verb]string{
	Auth: "t", AuthSuccess: "t", AuthFailure: "", Version: "n", Bypass: "t", Connect: "t", ConnectDone: "n",
	NotifyChange: "", Changed: "t", CheckPresent: "k", LockContent: "k", UnlockContent: "", Remove: "k",
	RemoveBefore: "nk", GetTimestamp: "", Timestamp: "n", Get: "nfk", Put: "fk", PutFrom: "n",
	AlreadyHave: "", AlreadyHavePlus: "t", Success: "", SuccessPlus: "t", Failure: "", FailurePlus: "t",
	Data: "n", DataPresent: "", Valid: "", Invalid: "", Error: "t",
}

// Parse reads a line without its newline.
func Parse(line string) (Message, error) {
	word, rest, more := strings.Cut(line, " ")
	m := Message{Verb: Verb(word)}
	shape, ok := shapes[m.Verb]
	if !ok {
		return m, unknown(line)
	}
	if shape == "" {
		return m, m.noMore(line, more)
	}
	for i, field := range shape {
		part := rest
		if i < len(shape)-1 {
			part, rest, more = strings.Cut(rest, " ")
			if !more {
				return m, unknown(line)
			}
		}
		if err := m.set(field, part); err != nil {
			return m, unknown(line)
		}
	}
	return m, nil
}

// noMore refuses parameters where there are none. The documents show a key
// after UNLOCKCONTENT, which no version sends.
func (m *Message) noMore(line string, more bool) error {
	if more && m.Verb != UnlockContent {
		return unknown(line)
	}
	return nil
}

func unknown(line string) error {
	const most = 100
	if len(line) > most {
		line = line[:most] + "…"
	}
	return fmt.Errorf("%w: %q", ErrUnknownMessage, line)
}

func (m *Message) set(field rune, part string) (err error) {
	switch field {
	case 'n':
		if m.Number, err = strconv.ParseInt(part, 10, 64); err == nil && (m.Number < 0 || part[0] == '+') {
			err = ErrUnknownMessage
		}
	case 'f':
		m.Text = decodeFile(part)
	case 'k':
		m.Key, err = annexkey.Parse(part)
	default:
		m.Text = part
	}
	return err
}

// String is the line without its newline. Text that could not be read back is
// made harmless: newlines become blanks.
func (m Message) String() string {
	b := []byte(m.Verb)
	for _, field := range shapes[m.Verb] {
		b = append(b, ' ')
		switch field {
		case 'n':
			b = strconv.AppendInt(b, m.Number, 10)
		case 'f':
			b = append(b, encodeFile(m.Text)...)
		case 'k':
			b = append(b, m.Key.String()...)
		default:
			b = append(b, oneLine.Replace(m.Text)...)
		}
	}
	return string(b)
}

var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// encodeFile hides blanks of the associated file, which is for people only.
func encodeFile(s string) string {
	var b strings.Builder
	for _, c := range strings.ToValidUTF8(s, "?") {
		switch {
		case c == '%':
			b.WriteString("%%")
		case unicode.IsSpace(c):
			b.WriteByte('%')
		default:
			b.WriteRune(c)
		}
	}
	return b.String()
}

func decodeFile(s string) string {
	return strings.NewReplacer("%%", "%", "%", " ").Replace(s)
}
