package runrec

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/ulikunitz/xz"
)

const simple = `[DATALAD RUNCMD] simple run

=== Do not change lines below ===
{
 "chain": [],
 "cmd": "echo hi > out.txt",
 "dsid": "1d71a073-72b8-4309-befa-078ab81c764a",
 "exit": 0,
 "extra_inputs": [],
 "inputs": [],
 "outputs": [],
 "pwd": "."
}
^^^ Do not change lines above ^^^
`

const array = `[DATALAD SLURM RUN] Slurm job 42: Completed

arr

=== Do not change lines below ===
{
 "alt_dir": "",
 "chain": [],
 "cmd": "sbatch arr.sh",
 "dsid": "1d71a073-72b8-4309-befa-078ab81c764a",
 "extra_inputs": [],
 "inputs": [
  "in1.txt"
 ],
 "outputs": [
  "./arr_0.txt",
  "slurm-42_0.out"
 ],
 "pwd": ".",
 "slurm_job_id": 42,
 "slurm_outputs": [
  "slurm-42_0.out",
  "slurm-job-42.env.json"
 ]
}
^^^ Do not change lines above ^^^
`

func TestMessageOfARun(t *testing.T) {
	exit := 0
	rec := &Record{Cmd: "echo hi > out.txt", DSID: "1d71a073-72b8-4309-befa-078ab81c764a", Exit: &exit}
	if diff := cmp.Diff(simple, Message(RunKind, "simple run", rec)); diff != "" {
		t.Error(diff)
	}
}

func TestMessageOfAJob(t *testing.T) {
	none := ""
	rec := &Record{
		Cmd: "sbatch arr.sh", DSID: "1d71a073-72b8-4309-befa-078ab81c764a", Inputs: []string{"in1.txt"}, Pwd: ".",
		Outputs: []string{"./arr_0.txt", "slurm-42_0.out"}, AltDir: &none, SlurmJobID: "42",
		SlurmOutputs: []string{"slurm-42_0.out", "slurm-job-42.env.json"},
	}
	if diff := cmp.Diff(array, Message(SlurmKind, "Slurm job 42: Completed\n\narr", rec)); diff != "" {
		t.Error(diff)
	}
	commit, err := Parse(array)
	if err != nil {
		t.Fatal(err)
	}
	want := &Commit{Kind: SlurmKind, Title: "Slurm job 42: Completed\n\narr", Record: rec}
	if diff := cmp.Diff(want, commit, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestTitlesThatWouldHideTheRecord(t *testing.T) {
	rec := &Record{Cmd: "make"}
	for title, want := range map[string]string{"": "make", " \n\t": "make", "\n \nx\ny": "x\ny", "x": "x", " x": "x"} {
		msg := Cleanup(Message(RunKind, title, rec))
		c, err := Parse(msg)
		if err != nil || strings.TrimLeft(c.Title, " ") != want {
			t.Errorf("title %q: %v, %v", title, c, err)
		}
	}
}

func TestOldAndOddRecords(t *testing.T) {
	wrap := func(rec string) string { return "[DATALAD RUNCMD] t\n\n" + begin + rec + end }
	for in, want := range map[string]Record{
		`{"cmd": ["echo", "a b"]}`:                             {Cmd: "echo 'a b'", Pwd: "."},
		`{"cmd": ["a b"], "inputs": "x", "outputs": null}`:     {Cmd: "a b", Pwd: ".", Inputs: []string{"x"}},
		`{"cmd": "x", "slurm_job_id": "7_1", "alt_dir": null}`: {Cmd: "x", Pwd: ".", SlurmJobID: "7_1"},
		`{"cmd": "x", "pwd": "d", "exit": null, "dsid": null}`: {Cmd: "x", Pwd: "d"},
		`{"cmd": "x", "commit_id": null}`:                      {Cmd: "x", Pwd: ".", Extra: map[string]any{"commit_id": nil}},
		"{\"cmd\": \"caf\xe9\", \"inputs\": [\"\\udcff\"]}":    {Cmd: "caf\xe9", Pwd: ".", Inputs: []string{"\xff"}},
	} {
		c, err := Parse(wrap(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if diff := cmp.Diff(&want, c.Record, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
}

func TestDamagedRecords(t *testing.T) {
	for _, rec := range []string{
		"", "{", "1", "true", "null", `"../../etc/passwd"`, `""`, `".x"`, `"a/b"`, `"a\nb"`, `{"cmd": null}`, `{"cmd": 1}`, `{"cmd": [1]}`,
		`{"cmd": "x", "inputs": 1}`, `{"cmd": "x", "outputs": [["a"]]}`, `{"cmd": "x", "exit": "1"}`, `{"cmd": "x", "exit": 1e99}`,
		`{"cmd": "x", "pwd": []}`, `{"cmd": "x", "a": ` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}",
		strings.Repeat(" ", MaxSize+1),
	} {
		c, err := Parse("[DATALAD RUNCMD] t\n\n" + begin + rec + end)
		var damaged *DamagedError
		if !errors.As(err, &damaged) {
			t.Errorf("%.40q: %v, %v", rec, c, err)
		}
	}
	if _, err := Parse("[DATALAD RUNCMD] t\n\n" + begin + `{"inputs": []}` + end); err != ErrNoCommand {
		t.Errorf("error = %v", err)
	}
}

func TestSidecar(t *testing.T) {
	exit := 0
	rec := &Record{Cmd: "echo side > side.txt", DSID: "1d71a073-72b8-4309-befa-078ab81c764a", Exit: &exit, Pwd: "."}
	id, content, err := Sidecar(rec)
	if err != nil || id != "eaa1d00c296349825dd97d5f55a692bc" {
		t.Fatalf("id = %s, %v", id, err)
	}
	if content[7] != 4 {
		t.Errorf("check sum type %d is not CRC64", content[7])
	}
	got, err := ReadSidecar(bytes.NewReader(content))
	if err != nil || got.JSON() != rec.JSON() {
		t.Errorf("read %v, %v", got, err)
	}
	c, err := Parse(SidecarMessage(RunKind, "side", rec, id))
	if err != nil || c.RecordID != id || c.Record != nil {
		t.Errorf("commit = %+v, %v", c, err)
	}
	if got, err = ReadSidecar(strings.NewReader(`{"cmd":"x"}` + "\n")); err != nil || got.Cmd != "x" {
		t.Errorf("plain sidecar = %v, %v", got, err)
	}
	if _, err := ReadSidecar(strings.NewReader(`"abc"`)); err == nil {
		t.Error("a sidecar that names a sidecar was accepted")
	}
	boom := errors.New("boom")
	if _, err := ReadSidecar(io.MultiReader(bytes.NewReader(content[:9]), errReader{boom})); !errors.Is(err, boom) {
		t.Errorf("error = %v", err)
	}
}

type errReader struct{ error }

func (e errReader) Read([]byte) (int, error) { return 0, e.error }

// pack returns text as XZ with the given check sum and dictionary.
func pack(t *testing.T, text []byte, sum byte, dict int) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := xz.WriterConfig{CheckSum: sum, DictCap: dict, BlockSize: 1000}.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.Write(text); err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestUnpackXZ(t *testing.T) {
	text := bytes.Repeat([]byte("run record "), 500) // six blocks
	for _, sum := range []byte{xz.CRC32, xz.CRC64, xz.SHA256} {
		packed := pack(t, text, sum, 1<<16)
		got, err := unpackXZ(packed, len(text))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("check sum %d: %d bytes, %v", sum, len(got), err)
		}
		if _, err := unpackXZ(packed, len(text)-1); err != errXZLarge {
			t.Errorf("limit: %v", err)
		}
		index := bytes.Index(packed, []byte{0, 6}) // the index follows the last block
		for n := range index {
			if _, err := unpackXZ(packed[:n], len(text)); err == nil {
				t.Errorf("%d of %d bytes were accepted", n, len(packed))
			}
		}
	}
	if _, err := unpackXZ(pack(t, text, xz.CRC64, 128<<20), len(text)); err != errXZDict {
		t.Errorf("a dictionary of 128 MiB: %v", err)
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	_, content, err := Sidecar(&Record{Cmd: "echo side > side.txt"})
	if err != nil {
		t.Fatal(err)
	}
	want, _ := unpackXZ(content, MaxSize)
	for i := range content {
		bad := bytes.Clone(content)
		bad[i] ^= 0x10
		if got, err := unpackXZ(bad, MaxSize); err == nil && !bytes.Equal(got, want) {
			t.Errorf("byte %d: wrong content without an error", i)
		}
	}
}

func genRecord(t *rapid.T) *Record {
	list := rapid.SliceOfN(rapid.String(), 0, 3)
	rec := &Record{
		Chain: list.Draw(t, "chain"), Cmd: rapid.String().Draw(t, "cmd"), DSID: rapid.String().Draw(t, "dsid"),
		ExtraInputs: list.Draw(t, "extra"), Inputs: list.Draw(t, "in"), Outputs: list.Draw(t, "out"),
		Pwd: rapid.StringN(1, -1, -1).Draw(t, "pwd"), SlurmJobID: rapid.StringMatching("|[0-9]{1,20}|[0-9]+_[0-9]").Draw(t, "id"),
	}
	if rapid.Bool().Draw(t, "job") {
		s, n := rapid.String().Draw(t, "alt"), rapid.IntRange(-255, 255).Draw(t, "exit")
		rec.AltDir, rec.Exit, rec.SlurmOutputs = &s, &n, list.Draw(t, "so")
	}
	return rec
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec := genRecord(t)
		title := "x" + rapid.String().Draw(t, "title")
		c, err := Parse(Message(SlurmKind, title, rec))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rec, c.Record, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if c.Title != strings.TrimRightFunc(title, isSpace) {
			t.Fatalf("title %q became %q", title, c.Title)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(simple)
	f.Add(array)
	f.Add("[DATALAD RUNCMD] t\n\n" + begin + `"eaa1d00c296349825dd97d5f55a692bc"` + end)
	f.Add("[DATALAD RUNCMD] t\n\n" + begin + `{"cmd": ["a"], "x": [1.0, {"y": null}], "slurm_job_id": 007}` + end)
	f.Fuzz(func(t *testing.T, message string) {
		c, err := Parse(message)
		if err != nil || c.Record == nil {
			return
		}
		again, err := Parse(Message(c.Kind, c.Title, c.Record))
		if err != nil {
			t.Fatal(err)
		}
		if a, b := c.Record.JSON(), again.Record.JSON(); a != b {
			t.Fatalf("%s became %s", a, b)
		}
	})
}

func FuzzReadSidecar(f *testing.F) {
	_, content, _ := Sidecar(&Record{Cmd: "x"})
	f.Add(content)
	f.Add([]byte(`{"cmd":"x"}`))
	f.Add([]byte(xzMagic + "\x00\x04\xe6\xd6\xb4F\x02\x00!\x01"))
	f.Fuzz(func(t *testing.T, content []byte) {
		if rec, err := ReadSidecar(bytes.NewReader(content)); err == nil && rec == nil {
			t.Fatal("neither record nor error")
		}
	})
}

// TestCleanupIsGits compares with git itself.
func TestCleanupIsGits(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("git is needed: ", err)
		}
		t.Skip("no git: ", err)
	}
	check := func(message string) {
		cmd := exec.Command(git, "stripspace")
		cmd.Stdin = strings.NewReader(message)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := Cleanup(message); got != string(out) {
			t.Errorf("Cleanup(%q) = %q, git makes %q", message, got, out)
		}
	}
	for _, m := range []string{
		"", "\n", " \n\t\n", "a", "a\n", "\n\n a  \n\n\n\nb\t\n\n", "# c\n\n#d", "a\r\nb\r\n", "a\v\nb\f\n\x1f\n\u00a0\nc \v \n",
		"\v", "a\n\f\nb", " \r \n\r\nx", simple, array,
	} {
		check(m)
	}
	pieces := rapid.SliceOfN(rapid.SampledFrom([]string{"\n", " ", "\t", "\r", "\v", "\f", "a", "#", "é", "\n\n"}), 0, 12)
	for seed := range 60 {
		check(strings.Join(pieces.Example(seed), ""))
	}
}
