package submission

import (
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/jobrec"
)

func TestMergeDependency(t *testing.T) {
	for _, c := range []struct{ had, ids, want string }{
		{"", "1", "afterok:1"}, {"", "1 2_3", "afterok:1:2_3"}, {"afterany:4", "1", "afterany:4,afterok:1"}, {"singleton", "1", "singleton,afterok:1"},
		{"afterok:1:2", "2", "afterok:1:2"}, {"afterok:1", "1 2", "afterok:1,afterok:2"}, {"afterany:1", "1", "afterany:1,afterok:1"},
		{"afterok:3?afterok:4", "1", "ERR"}, {"afterok:11", "1", "afterok:11,afterok:1"},
	} {
		var after []jobrec.Producer
		for id := range strings.FieldsSeq(c.ids) {
			id, task, _ := strings.Cut(id, "_")
			after = append(after, jobrec.Producer{JobID: id, Task: task})
		}
		got, err := MergeDependency(c.had, after)
		if err != nil {
			got = "ERR"
		}
		if got != c.want {
			t.Errorf("%q + %s = %q, want %q", c.had, c.ids, got, c.want)
		}
	}
	have := conditions("afterok:1(unfulfilled),afterany:2_*(unfulfilled),afterok:3:4_5")
	if !have["afterok:1"] || !have["afterany:2"] || !have["afterok:4_5"] || have["afterok:2"] || len(have) != 4 {
		t.Error(have)
	}
}
