package sweep

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
)

// Formats of a sweep's table.
const (
	FormatCSV = "csv" // RFC 4180; blanks before a value do not count
	FormatTSV = "tsv" // the same with tabs
)

// maxRecord bounds one row of a table, in bytes.
const maxRecord = 1 << 20

// reservedColumns have a meaning of their own in commands or outputs.
var reservedColumns = []string{"inputs", "extra_inputs", "outputs", "pwd", "dspath", "tmpdir", "task", jobrec.RowColumn}

// sweepTable reads the rows of a table, twice if need be.
type sweepTable struct {
	name    string
	columns []string
	file    *os.File
	comma   rune
	csv     *csv.Reader
	limit   *recordLimit
	row     int // the last one read; the first below the header is 1
}

// sweepRow is one row: its values by column, and its number as "row".
type sweepRow struct {
	number int
	values map[string]string
}

// TableError is about a table as a whole, or one row of it.
type TableError struct {
	Table string
	Row   int // 0: the header, or the whole
	Err   error
}

func (e *TableError) Error() string {
	if e.Row == 0 {
		return fmt.Sprintf("sweep table %s: %v", e.Table, e.Err)
	}
	return fmt.Sprintf("sweep table %s, row %d: %v", e.Table, e.Row, e.Err)
}

func (e *TableError) Unwrap() error { return e.Err }

// openTable opens a table and reads its header. format is one of the formats,
// or "" to go by the name.
func openTable(path, format string) (*sweepTable, error) {
	t := &sweepTable{name: filepath.Base(path)}
	switch {
	case format == FormatTSV, format == "" && tabbed(path):
		t.comma = '\t'
	case format == FormatCSV, format == "" && strings.EqualFold(filepath.Ext(path), ".csv"):
		t.comma = ','
	default:
		err := &TableError{Table: t.name, Err: errors.New("its name tells no format")}
		return nil, errs.WithHint(err, "name it .csv or .tsv, or say --sweep-format csv or tsv")
	}
	var err error
	if t.file, err = openTwice(path); err != nil {
		return nil, fmt.Errorf("sweep table: %w", err)
	}
	if err = t.rewind(); err == nil {
		return t, nil
	}
	t.close()
	return nil, err
}

func tabbed(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".tsv" || ext == ".tab"
}

// openTwice opens what can be read twice: the file, or a copy of a pipe.
func openTwice(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err != nil || fi.Mode().IsRegular() {
		return f, err
	}
	defer f.Close()
	if fi.IsDir() {
		return nil, fmt.Errorf("%s is a folder", path)
	}
	tmp, err := os.CreateTemp("", "stemma-sweep-")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(tmp.Name())
	if _, err := io.Copy(tmp, f); err != nil {
		tmp.Close()
		return nil, err
	}
	return tmp, nil
}

func (t *sweepTable) close() { t.file.Close() }

func (t *sweepTable) fail(row int, err error) error {
	return &TableError{Table: t.name, Row: row, Err: err}
}

// rewind reads the header.
func (t *sweepTable) rewind() error {
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return t.fail(0, err)
	}
	t.row = 0
	t.limit = &recordLimit{r: t.file, left: maxRecord}
	in := bufio.NewReader(t.limit)
	if head, _ := in.Peek(3); string(head) == "\xef\xbb\xbf" {
		_, _ = in.Discard(3)
	} else if strings.HasPrefix(string(head), "\xff\xfe") || strings.HasPrefix(string(head), "\xfe\xff") {
		return errs.WithHint(t.fail(0, errors.New("it is in UTF-16")), "save it as UTF-8")
	}
	t.csv = csv.NewReader(in)
	t.csv.Comma, t.csv.FieldsPerRecord, t.csv.ReuseRecord = t.comma, -1, true
	t.csv.TrimLeadingSpace, t.csv.LazyQuotes = t.comma == ',', t.comma == '\t'
	names, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		err = errs.WithHint(errors.New("it is empty"), "the first line names the columns, each further line is one job")
	}
	if err != nil {
		return t.fail(0, err)
	}
	t.columns = nil
	for _, name := range names {
		t.columns = append(t.columns, strings.TrimSpace(name))
	}
	return t.checkColumns()
}

// checkColumns refuses names that cannot be placeholders.
func (t *sweepTable) checkColumns() error {
	for i, name := range t.columns {
		switch _, number := strconv.Atoi(name); {
		case name == "":
			return errs.WithHint(t.fail(0, fmt.Errorf("column %d has no name", i+1)), "the first line must name the columns")
		case number == nil:
			return errs.WithHint(t.fail(0, fmt.Errorf("the column name %q is a number", name)), "the first line must name the columns")
		case strings.ContainsAny(name, "{}[].!:") || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return t.fail(0, fmt.Errorf("the column name %q holds a character that a placeholder cannot have: one of {}[].!:", name))
		case slices.Contains(reservedColumns, name):
			return errs.WithHint(t.fail(0, fmt.Errorf("the column name %q has a meaning of its own", name)), "rename the column")
		case slices.Contains(t.columns[:i], name):
			return t.fail(0, fmt.Errorf("two columns are named %q", name))
		}
	}
	return nil
}

// next reads a row; io.EOF ends the table.
func (t *sweepTable) next() (sweepRow, error) {
	t.limit.left = maxRecord
	fields, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return sweepRow{}, io.EOF
	}
	t.row++
	if err != nil {
		return sweepRow{}, t.fail(t.row, err)
	}
	if len(fields) != len(t.columns) {
		line, _ := t.csv.FieldPos(0)
		return sweepRow{}, t.fail(t.row, fmt.Errorf("line %d has %d column(s), the header names %d", line, len(fields), len(t.columns)))
	}
	r := sweepRow{t.row, make(map[string]string, len(fields)+1)}
	for i, name := range t.columns {
		if strings.ContainsRune(fields[i], 0) {
			return r, t.fail(t.row, fmt.Errorf("column %s holds a NUL", name))
		}
		r.values[name] = strings.Clone(fields[i])
	}
	r.values[jobrec.RowColumn] = strconv.Itoa(t.row)
	return r, nil
}

// recordLimit ends a table in which a quote is never closed before it fills the
// memory.
type recordLimit struct {
	r    io.Reader
	left int
}

func (l *recordLimit) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("longer than %d bytes; is a quote not closed?", maxRecord)
	}
	n, err := l.r.Read(p[:min(len(p), 64<<10)])
	l.left -= n
	return n, err
}
