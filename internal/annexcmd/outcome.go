package annexcmd

import "github.com/stemma-data/stemma/internal/annexkey"

// Item is what one step of a command is about.
type Item struct {
	Command string
	File    string // as the user would name it
	NoFile  bool   // there is no file of the work tree: JSON shows null
	Key     annexkey.Key
	Input   []string // the arguments or batch line that led here
}

// Note is a remark on an item: a short one stands in its line, a long one gets
// lines of its own.
type Note struct {
	Text string
	Long bool
	// Aside is for people only: JSON does not have it.
	Aside bool
}

// Outcome is what became of an item.
type Outcome struct {
	Item
	Notes  []Note
	Errors []string       // also warnings about what did not fail
	Fields map[string]any // further members of the JSON object
	Failed bool
	// Harmless failures do not make the command fail.
	Harmless bool
	// Bare outcomes have neither a verdict nor notes in JSON: the records of
	// find.
	Bare bool
	// Text, if not "", is all that people see of it.
	Text string
}

func (i Item) ok(notes ...Note) Outcome { return Outcome{Item: i, Notes: notes} }

func (i Item) failed(notes ...Note) Outcome { return Outcome{Item: i, Notes: notes, Failed: true} }

func (i Item) error(err error) Outcome {
	return Outcome{Item: i, Errors: []string{err.Error()}, Failed: true}
}

// With returns the outcome with one more member.
func (o Outcome) With(name string, value any) Outcome {
	fields := map[string]any{name: value}
	for k, v := range o.Fields {
		fields[k] = v
	}
	o.Fields = fields
	return o
}

func short(text string) Note { return Note{Text: text} }

func long(text string) Note { return Note{Text: text, Long: true} }

func aside(text string) Note { return Note{Text: text, Long: true, Aside: true} }
