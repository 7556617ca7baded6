package sched

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxTasks bounds the number of tasks in one array; Slurm's own limit
// (MaxArraySize) cannot be set higher than this.
const MaxTasks = 4_000_001

// TaskList is an array specification such as "0-15:4,20%2".
type TaskList struct {
	IDs       []int // ascending as written, without doubles
	Limit     int   // tasks at a time, 0: any number
	Truncated bool  // Slurm cut the list ("1,4,..."), IDs are not all
}

// ParseTaskList reads sbatch's --array grammar (sbatch(1)), also as Slurm
// prints it: cut with "..." or in the middle.
func ParseTaskList(text string) (TaskList, error) {
	var l TaskList
	list, limit, limited := strings.Cut(text, "%")
	if limited {
		n, err := strconv.Atoi(limit)
		if err != nil || n < 0 {
			return TaskList{}, fmt.Errorf("parse task list %q: bad limit", text)
		}
		l.Limit = n
	}
	seen := map[int]bool{}
	for item := range strings.SplitSeq(list, ",") {
		if item == "..." {
			l.Truncated = true
			continue
		}
		if err := l.add(item, seen); err != nil {
			return TaskList{}, fmt.Errorf("parse task list %q: %w", text, err)
		}
	}
	return l, nil
}

// add appends one item: "5", "1-9" or "1-9:2".
func (l *TaskList) add(item string, seen map[int]bool) error {
	span, stepText, stepped := strings.Cut(item, ":")
	first, last, ranged := strings.Cut(span, "-")
	lo, err := taskNumber(first)
	if err != nil {
		return err
	}
	hi, step := lo, 1
	if ranged {
		if hi, err = taskNumber(last); err != nil {
			return err
		}
	}
	if stepped {
		if step, err = taskNumber(stepText); err != nil {
			return err
		}
	}
	if hi < lo || step < 1 || stepped && !ranged {
		return fmt.Errorf("bad item %q", item)
	}
	for i := lo; i <= hi; i += step {
		if !seen[i] {
			seen[i] = true
			l.IDs = append(l.IDs, i)
		}
	}
	return nil
}

func taskNumber(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n >= MaxTasks {
		return 0, fmt.Errorf("bad number %q", text)
	}
	return int(n), nil
}
