package s3

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/remote"
)

// moments reads "ID@SECOND", the newest first; "-@SECOND" is a deletion, "!" says
// that it is the latest.
func moments(path, text string, place *int) (stored, deleted []moment) {
	for word := range strings.FieldsSeq(text) {
		word, latest := strings.CutPrefix(word, "!")
		id, when, _ := strings.Cut(word, "@")
		var second int64
		fmt.Sscan(when, &second)
		m := moment{remote.Change{Importable: remote.Importable{Path: path, ID: id}, Gone: id == "-"}, time.Unix(second, 0), latest, *place}
		if *place++; m.change.Gone {
			deleted = append(deleted, m)
		} else {
			stored = append(stored, m)
		}
	}
	return stored, deleted
}

func TestHistoryIsTakenBackStepByStep(t *testing.T) {
	for _, c := range []struct {
		files map[string]string
		want  []string
	}{
		{nil, nil},
		{map[string]string{"a": "!a1@5"}, []string{"a=a1"}},
		{map[string]string{"a": "!a2@9 a1@5", "b": "!b1@5"}, []string{"a=a1 b=b1", "a=a2"}},
		{map[string]string{"a": "!a2@5 a1@5"}, []string{"a=a1", "a=a2"}}, // within one second
		{map[string]string{"a": "!-@9 a1@5", "b": "!b1@7"}, []string{"a=a1", "b=b1", "a=-"}},
		{map[string]string{"a": "!a2@9 -@8 a1@5"}, []string{"a=a1", "a=-", "a=a2"}},
		{map[string]string{"a": "!a2@9 -@9 a1@9"}, []string{"a=a1", "a=-", "a=a2"}},
		{map[string]string{"a": "!-@9 a2@9 -@8"}, []string{"a=-", "a=a2", "a=-"}},
		{map[string]string{"a": "!a2@5 a1@7", "b": "!b1@6"}, []string{"a=a1", "a=a2", "b=b1"}}, // a clock that went back
	} {
		var groups [][]moment
		place := 0
		for _, path := range []string{"a", "b"} {
			stored, deleted := moments(path, c.files[path], &place)
			groups = append(groups, weave(deleted, stored))
		}
		var got []string
		for _, step := range unwind(groups) {
			var words []string
			for _, change := range step {
				words = append(words, change.Path+"="+change.ID)
			}
			got = append(got, strings.Join(words, " "))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.files, got, c.want)
		}
	}
}
