package runrec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/pyfmt"
)

func TestGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, string(text))
}

// TestLiveDataLad compares with the DataLad that is installed.
func TestLiveDataLad(t *testing.T) {
	cmd := exec.Command(dataladPython(t), "testdata/gen.py")
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, string(out))
}

// dataladPython returns the interpreter that runs datalad.
func dataladPython(t *testing.T) string {
	t.Helper()
	name, err := exec.LookPath("datalad")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("datalad is needed: ", err)
		}
		t.Skip("no datalad: ", err)
	}
	script, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(script), "\n")
	return strings.Fields(strings.TrimPrefix(line, "#!"))[0]
}

func checkGolden(t *testing.T, text string) {
	t.Helper()
	v, err := pyfmt.ParseJSON(text, 20)
	if err != nil {
		t.Fatal(err)
	}
	table := v.(map[string]any)
	each := func(name string, f func(c map[string]any)) {
		for _, c := range table[name].([]any) {
			f(c.(map[string]any))
		}
	}
	each("records", func(c map[string]any) { checkRecord(t, c) })
	each("messages", func(c map[string]any) { checkMessage(t, c) })
	each("short", func(c map[string]any) { same(t, "ShortCommand", ShortCommand(c["cmd"].(string)), c["out"]) })
	each("normal", func(c map[string]any) {
		args := []string{}
		for _, a := range c["args"].([]any) {
			args = append(args, a.(string))
		}
		same(t, "NormalizeCommand", NormalizeCommand(args), c["out"])
	})
}

func checkRecord(t *testing.T, c map[string]any) {
	t.Helper()
	commit, err := Parse(c["message"].(string))
	if err != nil {
		t.Errorf("%s: %v", c["message"], err)
		return
	}
	same(t, "JSON", commit.Record.JSON(), c["text"])
	same(t, "Message", Message(RunKind, "t", commit.Record), c["message"])
	id, content, err := Sidecar(commit.Record)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "sidecar id", id, c["id"])
	line, err := unpackXZ(content, MaxSize)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "sidecar", string(line), c["line"])
	theirs, _ := hex.DecodeString(c["packed"].(string))
	rec, err := ReadSidecar(bytes.NewReader(theirs))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "sidecar read", rec.JSON(), c["text"])
}

func checkMessage(t *testing.T, c map[string]any) {
	t.Helper()
	message := c["message"].(string)
	commit, err := Parse(message)
	switch {
	case errors.Is(err, ErrNoRecord):
		if c["title"] != nil || c["error"] != nil {
			t.Errorf("%q: no record, but DataLad finds %v %v", message, c["title"], c["error"])
		}
	case err != nil:
		if want, _ := c["error"].(string); want == "" || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error %q, DataLad's is %v", message, err, c["error"])
		}
	case c["error"] != nil:
		t.Errorf("%q: read, but DataLad says %v", message, c["error"])
	default:
		same(t, "title", commit.Title, c["title"])
		same(t, "cmd", commit.Record.Cmd, c["cmd"])
	}
}

func same(t *testing.T, what, got string, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %q, DataLad says %q", what, got, want)
	}
}
