package sweep

import (
	"os"
	"path/filepath"
	"testing"
)

func FuzzSweepTable(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\xef\xbb\xbfa\n\"x\n", "a\n\n\n1", "a\tb\n1\t\"2", "a,a\n", "\xff\xfe", "a\r\n1\r\n"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string, tabs bool) {
		format := FormatCSV
		if tabs {
			format = FormatTSV
		}
		path := filepath.Join(dir, "t")
		must(t, os.WriteFile(path, []byte(text), 0o644))
		table, err := openTable(path, format)
		if err != nil {
			return
		}
		defer table.close()
		for {
			row, err := table.next()
			if err != nil {
				break
			}
			if len(row.values) != len(table.columns)+1 {
				t.Fatalf("row %d has %d values for %d columns", row.number, len(row.values), len(table.columns))
			}
		}
	})
}
