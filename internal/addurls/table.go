package addurls

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/pyfmt"
)

const (
	// maxTable bounds a table in bytes.
	maxTable = 1 << 30
	// maxDepth bounds the nesting of a JSON table.
	maxDepth = 50
)

// Table is what the URLs and file names are made of.
type Table struct {
	rows    []map[string]any
	headers []string // columns by number; none in JSON
}

// TypeOf is the type of a table by its file name; "-" is standard input.
func TypeOf(name string) string {
	switch ext := filepath.Ext(name); {
	case name == "-" || ext == ".json":
		return "json"
	case ext == ".tsv":
		return "tsv"
	}
	return "csv"
}

// ReadTable reads a table of type csv, tsv or json.
func ReadTable(r io.Reader, typ string) (*Table, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTable+1))
	if err != nil {
		return nil, fmt.Errorf("read the table: %w", err)
	}
	if len(text) > maxTable {
		return nil, errors.New("read the table: it is too large")
	}
	body := strings.TrimPrefix(string(text), "\ufeff")
	if typ == "json" {
		return readJSON(body)
	}
	return readCSV(body, typ)
}

func readCSV(text, typ string) (*Table, error) {
	c := csv.NewReader(strings.NewReader(text))
	c.FieldsPerRecord, c.LazyQuotes = -1, true
	if typ == "tsv" {
		c.Comma = '\t'
	}
	lines, err := c.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("failed to read %s: %w", strings.ToUpper(typ), err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("failed to read %s rows: there is no header", strings.ToUpper(typ))
	}
	t := &Table{headers: lines[0]}
	for _, l := range lines[1:] {
		row := map[string]any{}
		for i, v := range l[:min(len(l), len(t.headers))] {
			row[t.headers[i]] = v
		}
		t.rows = append(t.rows, row)
	}
	return t, nil
}

func readJSON(text string) (*Table, error) {
	v, err := pyfmt.ParseJSON(text, maxDepth)
	if err != nil {
		return nil, fmt.Errorf("failed to read JSON: %w", err)
	}
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("failed to read JSON: it is no list of objects")
	}
	t := &Table{}
	for i, item := range list {
		row, ok := item.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("failed to read JSON: item %d is no object", i)
		}
		t.rows = append(t.rows, row)
	}
	return t, nil
}
