package annexlog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

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
