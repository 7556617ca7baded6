package annexlog

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

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
