package addurls

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestURLParts(t *testing.T) {
	got := urlParts("http://datalad.org/asciicast/seamless.tar.gz?x=1")
	want := map[string]any{
		"_url_hostname": "datalad.org", "_url0": "asciicast", "_url1": "seamless.tar.gz", "_url_basename": "seamless.tar.gz",
		"_url_basename_root": "seamless", "_url_basename_ext": ".tar.gz", "_url_basename_root_py": "seamless.tar", "_url_basename_ext_py": ".gz",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string][2]string{
		"a.py": {"a", ".py"}, "a": {"a", ""}, "a.longer.ext": {"a.longer", ".ext"}, "a.longer": {"a.longer", "."},
	} {
		if root, ext := splitExt(name); [2]string{root, ext} != want {
			t.Errorf("%s: %q %q", name, root, ext)
		}
	}
}

func TestFileNames(t *testing.T) {
	table, err := ReadTable(strings.NewReader("u\nhttp://h/a/b%20c.tar.gz?x=1\nhttp://h/named\nhttp://h/hostile\n"), "csv")
	if err != nil {
		t.Fatal(err)
	}
	opt := Options{URLFormat: "{u}", FileFormat: "{_url_filename_root}-{_url_filename_ext}/{_url_filename}"}
	opt.FileName = func(_ context.Context, address string) string {
		return map[string]string{"http://h/named": "report.pdf", "http://h/hostile": "../x//y.txt"}[address]
	}
	p, err := newPlan(t.Context(), table, &opt)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range p.entries {
		got = append(got, e.file)
	}
	if diff := cmp.Diff([]string{"b c-.tar.gz/b c.tar.gz", "report-.pdf/report.pdf", "y-.txt/y.txt"}, got); diff != "" {
		t.Error(diff)
	}
	opt.DryRun = true // asks nobody
	if p, err = newPlan(t.Context(), table, &opt); err != nil || p.entries[1].file != "BASE1-.EXT1/BASE.EXT1" {
		t.Errorf("%v %+v", err, p)
	}
	table.rows[0]["u"], opt.DryRun = "http://h/", false
	if _, err = newPlan(t.Context(), table, &opt); err == nil {
		t.Error("a URL without a name has one")
	}
}

func TestFormatter(t *testing.T) {
	f := &formatter{headers: []string{"a b", "X"}, missing: "none"}
	row := map[string]any{"a b": "one", "X": "TWO", "empty": ""}
	for template, want := range map[string]string{
		"{a b}-{1}": "one-TWO", "{X!l}": "two", "{1!l:>5}": "  two", "{{X!l}}": "{X!l}", "{empty}": "none", "{X:.1}": "T",
	} {
		if got, err := f.format(template, "URL", row); got != want || err != nil {
			t.Errorf("%s: %q %v, want %q", template, got, err, want)
		}
	}
	for _, template := range []string{"{", "}", "{2}", "{nope}", "{X!z}", "{}", "{_url3}", "{99999999999999999999}"} {
		if got, err := f.format(template, "URL", row); err == nil {
			t.Errorf("%s: %q", template, got)
		}
	}
}

func TestPlan(t *testing.T) {
	table, err := ReadTable(strings.NewReader("\ufeffu,n\nhttp://h/1,a//b//c\nhttp://h/2,a//d\n,x\n"), "csv")
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlan(t.Context(), table, &Options{URLFormat: "{u}", FileFormat: "{n}"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "a/b"}, p.subs); diff != "" || p.dropped != 1 || p.entries[0].file != "a/b/c" || p.entries[0].sub != "a/b" {
		t.Errorf("%s %d %+v", diff, p.dropped, p.entries[0])
	}
}

func TestPathsThatLeadElsewhere(t *testing.T) {
	for _, name := range []string{"", "/a", "..", "a/../b", "a///b", "//a", "a//", ".git/x", "a/.GIT", "a\x00b", "a//..//b", "a/", "./a"} {
		if err := new(entry).place(name, map[string]bool{}); err == nil {
			t.Errorf("%q was accepted", name)
		}
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add("a,b\n1,2\n", "csv", "{a}", "{b}")
	f.Add(`[{"a": "1", "b": {"c": 2}}]`, "json", "{b[c]}", "x//{a!l}")
	f.Fuzz(func(t *testing.T, text, typ, address, name string) {
		table, err := ReadTable(strings.NewReader(text), typ)
		if err != nil {
			return
		}
		p, err := newPlan(t.Context(), table, &Options{URLFormat: address, FileFormat: name, Key: address})
		if err != nil {
			return
		}
		for _, e := range p.entries {
			if strings.HasPrefix(e.file, "/") || strings.Contains("/"+e.file+"/", "/../") {
				t.Errorf("%q", e.file)
			}
		}
	})
}
