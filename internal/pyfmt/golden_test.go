package pyfmt

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// golden is the table that testdata/gen.py prints.
type golden map[string]any

func parseGolden(t *testing.T, text string) golden {
	t.Helper()
	v, err := ParseJSON(text, 20)
	if err != nil {
		t.Fatal(err)
	}
	return v.(map[string]any)
}

func readGolden(t *testing.T) golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	return parseGolden(t, string(text))
}

func (g golden) each(name string, f func(c map[string]any)) {
	for _, c := range g[name].([]any) {
		f(c.(map[string]any))
	}
}

func TestGolden(t *testing.T) { readGolden(t).check(t, true) }

// TestLivePython compares with the Python that is installed. Other versions
// word some errors differently, so error texts are not compared.
func TestLivePython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("python3 is needed: ", err)
		}
		t.Skip("no python3: ", err)
	}
	cmd := exec.Command(python, "testdata/gen.py")
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	stored, _ := os.ReadFile("testdata/golden.json")
	if !bytes.Equal(stored, out) {
		t.Log("this Python differs from the golden table")
	}
	parseGolden(t, string(out)).check(t, false)
}

func (g golden) check(t *testing.T, texts bool) {
	g.each("json", func(c map[string]any) { checkJSON(t, c) })
	g.each("floats", func(c map[string]any) {
		f, _ := strconv.ParseFloat(c["in"].(string), 64)
		same(t, "repr of "+c["in"].(string), Repr(f), c["repr"])
		same(t, "json of "+c["in"].(string), JSON(f), c["json"])
	})
	g.each("quote", func(c map[string]any) { same(t, "quote", ShellQuote(c["in"].(string)), c["out"]) })
	g.each("percent", func(c map[string]any) {
		args := []any{}
		for _, a := range c["args"].([]any) {
			if m, ok := a.(map[string]any); ok {
				a, _ = strconv.ParseFloat(m["float"].(string), 64)
			}
			args = append(args, a)
		}
		out, err := Percent(c["format"].(string), args...)
		sameOutcome(t, c["format"].(string), out, err, c, texts)
	})
	kwargs := g["kwargs"].(map[string]any)
	g.each("format", func(c map[string]any) {
		out, err := Format(c["template"].(string), Values(kwargs))
		if c["out"] == nil || !bytes.Contains([]byte(c["out"].(string)), []byte("{'")) { // dicts keep no order here
			sameOutcome(t, c["template"].(string), out, err, c, texts)
		}
	})
}

func checkJSON(t *testing.T, c map[string]any) {
	v := c["value"]
	same(t, "JSON", JSON(v), c["line"])
	same(t, "JSONIndent 1", JSONIndent(v, 1, false), c["indent1"])
	same(t, "JSONIndent 2", JSONIndent(v, 2, true), c["indent2"])
	same(t, "JSONCompact", JSONCompact(v), c["compact"])
	if c["repr"] != "" {
		same(t, "Repr", Repr(v), c["repr"])
		same(t, "ascii", ascii(v), c["ascii"])
	}
}

func same(t *testing.T, what, got string, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %q, Python says %q", what, got, want)
	}
}

// errorTypes are the Python exceptions that each of our types stands for.
func sameOutcome(t *testing.T, what, got string, err error, want map[string]any, texts bool) {
	t.Helper()
	if err == nil {
		same(t, strconv.Quote(what), got, want["out"])
		return
	}
	if want["out"] != nil {
		t.Errorf("%q: error %q, Python says %q", what, err, want["out"])
		return
	}
	if texts && err.Error() != want["text"] {
		t.Errorf("%q: error %q, Python's is %q (%s)", what, err, want["text"], want["error"])
	}
}

func TestTypesOfGo(t *testing.T) {
	type status string
	type list []any
	n := 3
	var none *int
	v := map[string]any{
		"status": status("ok"), "list": list{"a", 1}, "n": &n, "none": none, "u": uint8(7),
		"num": json.Number("1.50"), "bad": json.Number("1x"), "err": os.ErrNotExist, "m": map[status]int{"x": 1},
		"o": Object{{"z", 1}, {"a", 2}}, "t": Tuple{"x"}, "strs": []string{},
	}
	same(t, "JSON", JSON(v), `{"bad": "1x", "err": "file does not exist", "list": ["a", 1], "m": {"x": 1}, "n": 3, "none": null, `+
		`"num": 1.50, "o": {"z": 1, "a": 2}, "status": "ok", "strs": [], "t": ["x"], "u": 7}`)
	same(t, "Repr", Repr(Tuple{"x"}), "('x',)")
	same(t, "Repr", Repr(Tuple{"x", 1}), "('x', 1)")
	same(t, "Repr", Repr(map[string]any{"b": true, "a": nil}), "{'a': None, 'b': True}")
}
