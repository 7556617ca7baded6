package magic

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/libmagic.tsv anew from the installed file program")

const golden = "testdata/libmagic.tsv"

// verdict is what libmagic says of a file.
type verdict struct{ typ, enc string }

func TestGoldenTable(t *testing.T) {
	list := samples(t)
	if *update {
		writeGolden(t, list, askLibmagic(t, list))
	}
	compare(t, list, readGolden(t))
}

// TestLive guards against a golden table that no longer fits libmagic.
func TestLive(t *testing.T) {
	list := samples(t)
	compare(t, list, askLibmagic(t, list))
}

func compare(t *testing.T, list []sample, want map[string]verdict) {
	for _, s := range list {
		w, ok := want[s.name]
		if !ok {
			t.Errorf("%s: not in the table; run with -update", s.name)
			continue
		}
		if got := Encoding(s.data); got != w.enc {
			t.Errorf("%s: encoding %q, libmagic %q", s.name, got, w.enc)
		}
		if got := Type(s.data); coarse(got) != coarse(w.typ) {
			t.Errorf("%s: type %q, libmagic %q", s.name, got, w.typ)
		}
	}
}

// coarse forgets the subtype of text, where Type promises less than libmagic.
func coarse(typ string) string {
	if strings.HasPrefix(typ, "text/") {
		return "text/*"
	}
	return typ
}

func readGolden(t *testing.T) map[string]verdict {
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]verdict{}
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 {
			t.Fatalf("%s: bad line %q", golden, line)
		}
		out[f[0]] = verdict{f[1], f[2]}
	}
	return out
}

func writeGolden(t *testing.T, list []sample, got map[string]verdict) {
	var b bytes.Buffer
	for _, s := range list {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", s.name, got[s.name].typ, got[s.name].enc)
	}
	if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// askLibmagic runs `file` once over all samples.
func askLibmagic(t *testing.T, list []sample) map[string]verdict {
	prog, err := exec.LookPath("file")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("the file program is missing")
		}
		t.Skip("the file program is not installed")
	}
	dir := t.TempDir()
	var names strings.Builder
	for i, s := range list {
		name := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(name, s.data, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&names, name)
	}
	cmd := exec.Command(prog, "--brief", "--mime", "--files-from", "-")
	cmd.Stdin = strings.NewReader(names.String())
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) != len(list) {
		t.Fatalf("file: %d answers to %d samples", len(lines), len(list))
	}
	out := map[string]verdict{}
	for i, s := range list {
		typ, enc, _ := strings.Cut(lines[i], "; charset=")
		typ, _, _ = strings.Cut(typ, ",") // "application/x-executable, no program header"
		out[s.name] = verdict{typ, enc}
	}
	return out
}

func FuzzMagic(f *testing.F) {
	for _, s := range []string{"", "a", "hello\n", "\xff\xfea\x00", "{\"a\":[1]}", "a,\"b\"\n", "\x7fELF\x02\x01", "PK\x03\x04", "#!/bin/sh\n", "MZ"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		enc, typ := Encoding(b), Type(b)
		if enc == "" || !strings.Contains(typ, "/") {
			t.Fatalf("Encoding %q, Type %q", enc, typ)
		}
		if enc == Binary && typ == TypeText && len(trimNULs(b)) == len(b) {
			t.Fatalf("binary, yet %s", typ)
		}
	})
}
