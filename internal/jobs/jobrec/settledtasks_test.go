package jobrec

import (
	"fmt"
	"testing"

	"github.com/stemma-data/stemma/internal/sched"
	"pgregory.net/rapid"
)

func TestTaskListRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks := rapid.SliceOfNDistinct(rapid.IntRange(0, 60), 1, 30, rapid.ID[int]).Draw(t, "tasks")
		list, err := sched.ParseTaskList(TaskList(tasks))
		if err != nil || len(list.IDs) != len(tasks) {
			t.Fatalf("%v: %q, %v", tasks, TaskList(tasks), err)
		}
		row, n := rapid.Int64Range(1, 1<<40).Draw(t, "row"), rapid.IntRange(0, sched.MaxTasks-1).Draw(t, "task")
		r, task := SplitTag(TaskTag(row, fmt.Sprint(n)))
		if r != row || task != fmt.Sprint(n) || TaskTag(row, "") != row {
			t.Fatalf("%d %d: %d %s", row, n, r, task)
		}
	})
}
