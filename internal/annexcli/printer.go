package annexcli

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/screen"
)

// printer shows outcomes as git-annex does.
type printer struct {
	mu     sync.Mutex
	out    *bufio.Writer
	errOut io.Writer
	common common
	failed int
	count  int  // outcomes so far
	live   bool // every line leaves at once: batch mode
	last   map[string]int64
}

func newPrinter(out, errOut io.Writer, o common) *printer {
	return &printer{out: bufio.NewWriterSize(screen.Filter(out), 1<<16), errOut: screen.Filter(errOut), common: o, last: map[string]int64{}}
}

func (p *printer) flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Flush()
}

// print shows one outcome.
func (p *printer) print(o annexcmd.Outcome) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	if o.Failed && !o.Harmless {
		p.failed++
	}
	if p.common.json {
		if !p.common.jsonErrors {
			p.complain(o.Errors)
			o.Errors = nil
		}
		fmt.Fprintln(p.out, jsonText(object(o)))
		return p.settle()
	}
	if p.common.quiet {
		p.complain(o.Errors)
		return nil
	}
	if o.Text != "" || o.Bare {
		p.out.WriteString(o.Text)
		return p.settle()
	}
	p.text(o)
	return p.settle()
}

func (p *printer) settle() error {
	if p.live {
		return p.out.Flush()
	}
	return nil
}

func (p *printer) complain(errors []string) {
	if len(errors) > 0 {
		p.out.Flush()
	}
	for _, e := range errors {
		if !strings.HasPrefix(e, "  ") { // as some stand in JSON
			e = indent(e)
		}
		fmt.Fprintln(p.errOut, strings.TrimSuffix(e, "\n"))
	}
}

// text shows "COMMAND FILE (note) ok" and longer remarks below it.
func (p *printer) text(o annexcmd.Outcome) {
	name := o.File
	if o.NoFile && name == "" && !o.Key.IsZero() {
		name = o.Key.String()
	}
	if name != "" {
		name += " "
	}
	fmt.Fprintf(p.out, "%s %s", o.Command, name)
	broken := false
	for _, n := range o.Notes {
		switch {
		case n.Long:
			fmt.Fprintf(p.out, "\n%s\n", indent(n.Text))
			broken = true
		default:
			fmt.Fprintf(p.out, "(%s) ", n.Text)
		}
	}
	if len(o.Errors) > 0 && !broken {
		p.out.WriteString("\n")
	}
	p.complain(o.Errors)
	verdict := "ok"
	if o.Failed {
		verdict = "failed"
	}
	fmt.Fprintln(p.out, verdict)
}

// jsonText is a value as JSON. Bytes that are not UTF-8 become U+FFFD each, as
// in git-annex: no reader takes them as they are.
func jsonText(v any) string {
	text := pyfmt.JSONCompact(v)
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func indent(text string) string {
	if text == "" {
		return ""
	}
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ")
}

// object is the outcome as JSON.
func object(o annexcmd.Outcome) map[string]any {
	obj := map[string]any{"error-messages": anyList(o.Errors)}
	file(obj, o.Item)
	if !o.Key.IsZero() {
		obj["key"] = o.Key.String()
	}
	if !o.Bare {
		obj["command"], obj["success"], obj["input"] = o.Command, !o.Failed, anyList(o.Input)
		if len(o.Notes) > 0 {
			obj["note"] = notes(o.Notes)
		}
	}
	for name, v := range o.Fields {
		obj[name] = v
	}
	return obj
}

func file(obj map[string]any, i annexcmd.Item) {
	obj["file"] = i.File
	if i.NoFile {
		obj["file"] = nil
	}
}

func notes(list []annexcmd.Note) string {
	var texts []string
	for _, n := range list {
		if !n.Aside {
			texts = append(texts, n.Text)
		}
	}
	return strings.Join(texts, "\n")
}

func anyList(texts []string) []any {
	out := make([]any, len(texts))
	for i, t := range texts {
		out[i] = t
	}
	return out
}

// progress shows how far a transfer is.
func (p *printer) progress(o annexcmd.Outcome, done, total int64) {
	if !p.common.jsonProgress || !p.common.json {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	action := map[string]any{"command": o.Command, "input": anyList(o.Input)}
	file(action, o.Item)
	if !o.Key.IsZero() {
		action["key"] = o.Key.String()
	}
	if note := notes(o.Notes); note != "" {
		action["note"] = note
	}
	obj := map[string]any{"action": action, "byte-progress": done}
	if total > 0 {
		obj["total-size"] = total
		obj["percent-progress"] = percent(done, total)
	}
	fmt.Fprintln(p.out, jsonText(obj))
	p.out.Flush()
}

func percent(done, total int64) string {
	if done == total {
		return "100%"
	}
	text := fmt.Sprintf("%.2f", float64(done)*100/float64(total))
	return strings.TrimRight(strings.TrimRight(text, "0"), ".") + "%"
}

// told shows what a remote has to tell people.
func (p *printer) told(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.common.json:
		fmt.Fprintln(p.out, jsonText(map[string]any{"info": text}))
	case !p.common.quiet:
		fmt.Fprintln(p.out, indent(text))
	}
	p.settle()
}

// line prints plain text, which is no outcome.
func (p *printer) line(text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.out.WriteString(text); err != nil {
		return err
	}
	return p.settle()
}

// recording is what people see when the git-annex branch is about to change.
func (p *printer) recording(changed bool) {
	if changed && !p.common.json && !p.common.quiet && !p.live {
		p.out.WriteString("(recording state in git...)\n")
	}
}

// bareLine is an outcome as a JSON line, without a file.
func (p *printer) bareLine(o annexcmd.Outcome) string {
	obj := object(o)
	delete(obj, "file")
	return jsonText(obj) + "\n"
}
