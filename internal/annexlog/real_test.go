package annexlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// annex is a repository of the real git-annex, isolated from the user's
// configuration, whose clock stands at time 50.
type annex struct {
	t   *testing.T
	dir string
}

const annexTime = "50"

// newAnnex skips the test without the program, but fails it under CI.
func newAnnex(t *testing.T) annex {
	t.Helper()
	for _, prog := range []string{"git", "git-annex"} {
		if _, err := exec.LookPath(prog); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("GIT_CONFIG_GLOBAL", filepath.Join(home, "gitconfig"))
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	t.Setenv("LC_ALL", "C.UTF-8")
	t.Setenv("GIT_ANNEX_VECTOR_CLOCK", annexTime)
	a := annex{t, t.TempDir()}
	a.run("", "git", "init", "-q")
	a.run("", "git", "config", "user.name", "T")
	a.run("", "git", "config", "user.email", "t@example.org")
	a.run("", "git", "annex", "init", "-q", "x")
	return a
}

func (a annex) run(stdin, name string, args ...string) string {
	a.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stdin = a.dir, strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		a.t.Fatalf("%s %q: %v\n%s", name, args, err, errs.String())
	}
	return out.String()
}

// journal puts a log where git-annex finds it as the current one.
func (a annex) journal(branchPath string, data []byte) {
	a.t.Helper()
	dir := filepath.Join(a.dir, ".git/annex/journal")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, JournalName(branchPath)), data, 0o644); err != nil {
		a.t.Fatal(err)
	}
}

// branch returns all files of the git-annex branch, after the journal went into it.
func (a annex) branch() map[string]string {
	a.t.Helper()
	a.run("", "git", "annex", "merge", "-q")
	list := strings.TrimSuffix(a.run("", "git", "ls-tree", "-rz", "--name-only", "git-annex"), "\x00")
	names := strings.Split(list, "\x00")
	var specs strings.Builder
	for _, n := range names {
		fmt.Fprintf(&specs, "git-annex:%s\n", n)
	}
	out := a.run(specs.String(), "git", "cat-file", "--batch=%(objectsize)")
	files := make(map[string]string)
	for _, n := range names {
		var size int
		head, rest, _ := strings.Cut(out, "\n")
		if _, err := fmt.Sscan(head, &size); err != nil {
			a.t.Fatal(err)
		}
		files[n], out = rest[:size], rest[size+1:]
	}
	return files
}

func (a annex) uuid() string {
	return strings.TrimSpace(a.run("", "git", "config", "annex.uuid"))
}

// oddTime draws a time stamp around annexTime, rarely a broken one.
func oddTime(r *rand.Rand) string {
	s := fmt.Sprint(48 + r.IntN(4))
	switch r.IntN(12) {
	case 0:
		return s + ".x" + "s"
	case 1:
		return s
	case 2, 3:
		return s + ".50s"
	case 4:
		return s + ".1234567890123s"
	case 5:
		return "-" + s + ".25s"
	}
	return s + "s"
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// oddLog makes a log of n lines with all the endings that occur.
func oddLog(r *rand.Rand, line func() string) []byte {
	var b strings.Builder
	for range r.IntN(9) {
		b.WriteString(line() + pick(r, "\n", "\n", "\n", "\r\n", "\n\n"))
	}
	return []byte(b.String())
}

func someKeys(n int) []annexkey.Key {
	keys := make([]annexkey.Key, n)
	for i := range keys {
		keys[i] = annexkey.URL(fmt.Sprintf("http://e.com/a_b&%d%%", i), int64(i))
	}
	return keys
}

func TestRealLocationLogs(t *testing.T) {
	a := newAnnex(t)
	r := rand.New(rand.NewPCG(1, 2))
	want := make(map[string]string)
	var in strings.Builder
	for i, k := range someKeys(120) {
		log := oddLog(r, func() string {
			return oddTime(r) + pick(r, " ", " ", " ", " ", "  ") + pick(r, "1", "0", "X", "5", "1", "0") + " " + pick(r, "A", "B", "C", "U", "U", "U ", " U", "")
		})
		status := pick(r, "0", "1")
		a.journal(LocationPath(k), log)
		fmt.Fprintf(&in, "%s U %s\n", k, status)
		out, _ := ParsePresence(log).Set("U", Status(status[0]), clock(t, annexTime))
		if len(out) > 0 {
			want[LocationPath(k)] = string(out)
		}
		if i == 0 {
			want[UUIDFile] = fmt.Sprintf("%s x timestamp=%ss\n", a.uuid(), annexTime)
		}
	}
	a.run(in.String(), "git", "annex", "setpresentkey", "--batch")
	compareFiles(t, a.branch(), want)
}

func compareFiles(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, data := range want {
		if got[name] != data {
			t.Errorf("%s\ngit-annex %q\nours      %q", name, got[name], data)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: unexpected", name)
		}
	}
}

func TestRealTopLevelLogs(t *testing.T) {
	a := newAnnex(t)
	r := rand.New(rand.NewPCG(3, 4))
	here := a.uuid()
	now := clock(t, annexTime)
	uuidLine := func() string {
		return pick(r, "A", "B", "C", here) + pick(r, "", " ", "  ", " x", " x  y", " ü ") + pick(r, "", " ") + pick(r, "timestamp="+oddTime(r), "timestamp="+oddTime(r), "timestamp=")
	}
	mapLine := func() string {
		return oddTime(r) + " " + pick(r, "annex.a", "annex.largefiles", "H", "ü", "") + pick(r, " ", " x", " x  y ", "")
	}
	for range 6 {
		uuids, config := oddLog(r, uuidLine), oddLog(r, mapLine)
		copies := oddLog(r, func() string { return oddTime(r) + " " + fmt.Sprint(r.IntN(9)) })
		a.journal(UUIDFile, uuids)
		a.journal(ConfigFile, config)
		a.journal(NumCopiesFile, copies)
		a.journal(GroupPreferredContentFile, config)
		a.run("", "git", "annex", "describe", here, "new  one", "-q")
		a.run("", "git", "annex", "config", "--set", "annex.largefiles", "anything", "-q")
		a.run("", "git", "annex", "groupwanted", "g", "include=*", "-q")
		n, ok := ParseCopies(copies)
		a.run("", "git", "annex", "numcopies", fmt.Sprint(n+1), "-q")
		want := map[string][]byte{
			UUIDFile:                  set(t, ParseUUIDLog(uuids), here, "new  one", now),
			ConfigFile:                set(t, ParseMapLog(config), "annex.largefiles", "anything", now),
			GroupPreferredContentFile: set(t, ParseMapLog(config), "g", "include=*", now),
		}
		if want[NumCopiesFile], _ = SetSingle(copies, fmt.Sprint(n+1), now); !ok && len(ParseSingle(copies)) > 0 {
			t.Errorf("no number in %q", copies)
		}
		if e, ok := ParseMapLog(config).Get("annex.largefiles"); ok && e.Value == "anything" {
			delete(want, ConfigFile)
		}
		got := a.branch()
		for name, data := range want {
			if got[name] != string(data) {
				t.Errorf("%s\ngit-annex %q\nours      %q\nof %q %q %q", name, got[name], data, uuids, config, copies)
			}
		}
	}
}

func set(t *testing.T, l Log, field, value string, at Clock) []byte {
	t.Helper()
	out, err := l.Set(field, value, at)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRealRemoteConfig(t *testing.T) {
	a := newAnnex(t)
	var in, want strings.Builder
	i := 0
	for value, rewritten := range configRewrites() {
		if value == "" {
			continue
		}
		fmt.Fprintf(&in, "U%d %s timestamp=2s\n", i, value)
		fmt.Fprintf(&want, "U%d %s timestamp=2s\n", i, rewritten)
		i++
	}
	a.journal(RemoteFile, []byte(in.String()))
	store := t.TempDir()
	a.run("", "git", "annex", "initremote", "-q", "d", "type=directory", "encryption=none", "directory="+store)
	got := strings.SplitAfter(a.branch()[RemoteFile], "\n")
	got = slices.DeleteFunc(got, func(l string) bool { return strings.Contains(l, "name=d ") })
	if strings.Join(got, "") != want.String() {
		t.Errorf("git-annex %q\nours      %q", got, want.String())
	}
}

func TestRealURLs(t *testing.T) {
	a := newAnnex(t)
	r := rand.New(rand.NewPCG(5, 6))
	want := make(map[string]string)
	in := map[string]*strings.Builder{"registerurl": {}, "unregisterurl": {}}
	for _, k := range someKeys(60) {
		log := oddLog(r, func() string {
			return oddTime(r) + " " + pick(r, "1", "0", "5") + " " + pick(r, "http://a", "http://b", "http://u")
		})
		a.journal(KeyPath(k, URLSuffix), log)
		verb, status := "registerurl", StatusPresent
		if r.IntN(2) == 0 {
			verb, status = "unregisterurl", StatusAbsent
		}
		fmt.Fprintf(in[verb], "%s http://u\n", k)
		if out, _ := ParsePresence(log).SetURL("http://u", status, clock(t, annexTime)); len(out) > 0 {
			want[KeyPath(k, URLSuffix)] = string(out)
		}
	}
	for verb, lines := range in {
		a.run(lines.String(), "git", "annex", verb, "--batch", "-q")
	}
	got := a.branch()
	for name := range got {
		if _, suffix, _ := ParseKeyPath(name); suffix != URLSuffix || got[name] == "" {
			delete(got, name)
		}
	}
	compareFiles(t, got, want)
}

func TestRealMetaData(t *testing.T) {
	a := newAnnex(t)
	r := rand.New(rand.NewPCG(7, 8))
	word := func() string {
		return pick(r, "a", "B", "b", "tag", "+1", "-1", "+2", "-2", "+", "-", "+!eCB5", "-!eCB5", "+!", "+é", "--x", "++x", "+!!", "")
	}
	want := make(map[string]string)
	var in strings.Builder
	fields := make(map[string]map[string][]string)
	for i, k := range someKeys(80) {
		log := oddLog(r, func() string {
			line := oddTime(r) + " " + pick(r, "a", "B", "b", "c")
			for range r.IntN(7) {
				line += " " + word()
			}
			return line
		})
		a.journal(KeyPath(k, MetaDataSuffix), log)
		values := []string{pick(r, "1", "x y", "!"), "2"}[:1+r.IntN(2)]
		change := map[string][]string{pick(r, "a", "A", "new"): values}
		req, _ := json.Marshal(map[string]any{"key": k.String(), "fields": change})
		fmt.Fprintf(&in, "%s\n", req)
		m := ParseMetaData(log)
		var changes []MetaChange
		for f, v := range change {
			changes = append(changes, m.Replace(f, v...))
		}
		out, err := m.Set(clock(t, annexTime), changes...)
		if err != nil {
			t.Fatal(i, err)
		}
		want[KeyPath(k, MetaDataSuffix)] = string(out)
		fields[k.String()] = shownFields(ParseMetaData(out))
	}
	reply := a.run(in.String(), "git", "annex", "metadata", "--batch", "--json")
	for line := range strings.Lines(reply) {
		var rec struct {
			Key    string
			Fields map[string][]string
		}
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(rec.Fields) != fmt.Sprint(fields[rec.Key]) {
			t.Errorf("%s\ngit-annex %q\nours      %q\n%q", rec.Key, rec.Fields, fields[rec.Key], want[rec.Key])
		}
	}
	got := a.branch()
	delete(got, UUIDFile)
	compareFiles(t, got, want)
}

func shownFields(m MetaData) map[string][]string {
	shown := map[string][]string{"lastchanged": {m.LastChanged().LastChangedText()}}
	for _, f := range m.Fields() {
		shown[f.Name] = f.Values
		shown[f.Name+"-lastchanged"] = []string{f.LastChanged.LastChangedText()}
	}
	return shown
}

func TestRealUnion(t *testing.T) {
	a := newAnnex(t)
	r := rand.New(rand.NewPCG(9, 10))
	ours, theirs := make(map[string]string), make(map[string]string)
	for name, c := range unionCases() {
		ours[name], theirs[name] = c[0], c[1]
	}
	for i := range 60 {
		side := func() string {
			return string(oddLog(r, func() string { return pick(r, "a", "b", "c", "", "ä") }))
		}
		ours[fmt.Sprint(i)], theirs[fmt.Sprint(i)] = side(), side()
	}
	a.commitBranch("refs/heads/git-annex", ours)
	a.commitBranch("refs/remotes/o/git-annex", theirs)
	got := a.branch()
	for name := range ours {
		if want := string(Union([]byte(ours[name]), []byte(theirs[name]))); got[name] != want {
			t.Errorf("%s: %q and %q\ngit-annex %q\nours      %q", name, ours[name], theirs[name], got[name], want)
		}
	}
}

// commitBranch sets the ref to a new commit on git-annex's branch with the files.
func (a annex) commitBranch(ref string, files map[string]string) {
	a.t.Helper()
	var in strings.Builder
	fmt.Fprintf(&in, "commit %s\ncommitter T <t@e> 1 +0000\ndata 1\nx\nfrom %s", ref, a.run("", "git", "rev-list", "--max-parents=0", "refs/heads/git-annex"))
	for name, data := range files {
		fmt.Fprintf(&in, "M 100644 inline %q\ndata %d\n%s\n", name, len(data), data)
	}
	a.run(in.String(), "git", "fast-import", "--quiet", "--force")
}
