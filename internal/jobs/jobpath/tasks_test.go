package jobpath

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTaskPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, path, task string
	}{
		{"out/{task}.txt", "out/7.txt", "7"}, {"out/{task}.txt", "out/07.txt", ""}, {"out/{task:03}.txt", "out/007.txt", "7"}, {"out/{task:03d}", "out/1234", "1234"},
		{"{task}", "3/a/b", "3"}, {"o_{task}_{task}", "o_1_1", "1"}, {"o_{task}_{task}", "o_1_2", ""}, {"out/{task}.txt", "out/x.txt", ""}, {"a+{task}", "a+2", "2"},
		{"{task}", "99999999999999999999", ""},
	} {
		got, ok := TaskIn(c.pattern, c.path)
		if ok != (c.task != "") || ok && got != c.task {
			t.Errorf("%s in %s: %q, %v", c.path, c.pattern, got, ok)
		}
	}
	if got := TaskClaims("r/x/{task}/y", []int{1, 12}); !cmp.Equal(got, []string{"r/x/1/y", "r/x/12/y"}) {
		t.Error(got)
	}
	for p, want := range map[string]string{"r/x{task}/y": "r", "{task}": ".", "a/b/{task}": "a/b"} {
		if got := TaskClaims(p, nil); !cmp.Equal(got, []string{want}) {
			t.Error(p, got)
		}
	}
}
