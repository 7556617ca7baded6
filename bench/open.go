package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// scaleOpen works beside many open jobs of four outputs each.
func scaleOpen(ctx context.Context, b *bench) error {
	if err := b.useStandIn(); err != nil {
		return err
	}
	r, err := b.repository(ctx, b.sizes[0])
	if err != nil {
		return err
	}
	b.section("%s open jobs, four outputs each", thousands(b.jobs))
	b.note("A stand-in for Slurm's programs executes the jobs and answers at once. A thousand jobs are scheduled from one folder, in which their log files lie; the repository has %s tracked files. (With all log files in one folder git itself takes minutes: it writes the whole folder anew for each commit.)", thousands(r.files))
	tool := jobTool{name: "stemma ", program: b.stemma, schedule: []string{"schedule"}}
	scheduling := []contender{{name: "stemma schedule", command: func(int) command { return tool.scheduling(r) }}}
	first, err := b.compare(ctx, b.reps(21), scheduling...)
	if err != nil {
		return err
	}
	progress("scheduling %s jobs", thousands(b.jobs))
	begin := time.Now()
	for left := b.jobs; left > 0; left -= chunk {
		if err := b.sweep(ctx, r, min(left, chunk), 4); err != nil {
			return err
		}
	}
	each := time.Since(begin) / time.Duration(b.jobs)
	last, err := b.compare(ctx, b.reps(21), scheduling...)
	if err != nil {
		return err
	}
	if err := b.localJobsOver(ctx, r); err != nil {
		return err
	}
	if _, err := b.played(); err != nil {
		return err
	}
	list, _, err := b.heavy(ctx, in(r.dir, b.stemma, "jobs"))
	if err != nil {
		return err
	}
	questions, err := b.played()
	if err != nil {
		return err
	}
	progress("finishing %s jobs", thousands(b.jobs))
	finish, size, err := b.heavy(ctx, in(r.dir, b.stemma, "finish"))
	if err != nil {
		return err
	}
	b.table([]string{"", "elapsed"}, [][]string{
		{"stemma schedule beside no other job", show(first[0].wall())},
		{"schedule and execution of one row of a sweep", show(each)},
		{"stemma schedule beside all of them", show(last[0].wall())},
		{fmt.Sprintf("stemma jobs (scheduler asked %d times)", questions), show(list)},
		{"stemma finish, all in one call", show(finish)},
		{"memory of that finish, with its children", fmt.Sprintf("%d MB", size>>20)},
	})
	growth := 100 * (float64(last[0].wall())/float64(first[0].wall()) - 1)
	at := ", " + thousands(b.jobs) + " open jobs"
	b.checked("the last schedule against the first"+at, "+ 20 %", growth <= 20, "%+.0f %%", growth)
	b.checked("jobs"+at, "0.5 s", list <= 500*time.Millisecond, "%s", show(list))
	b.checked("questions of jobs to the scheduler"+at, "2", questions <= 2, "%d", questions)
	b.checked("one finish of all"+at, "90 s", finish <= 90*time.Second, "%s", show(finish))
	b.checked("memory of that finish"+at, "300 MB", size <= 300<<20, "%d MB", size>>20)
	return nil
}

// chunk is how many rows a sweep has.
const chunk = 1000

// heavy runs a command and tells the size of its largest process, in bytes.
func (b *bench) heavy(ctx context.Context, c command) (time.Duration, int64, error) {
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Dir, cmd.Env = c.dir, b.env
	begin := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(begin)
	if err != nil {
		return took, 0, fmt.Errorf("%s: %w: %s", filepath.Base(c.argv[0]), err, out[max(0, len(out)-200):])
	}
	usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if usage == nil {
		return took, 0, nil
	}
	return took, usage.Maxrss << 10, nil
}
