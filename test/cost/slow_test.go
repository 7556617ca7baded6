package cost

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/bench/slowfs"
	"github.com/stemma-data/stemma/test/crash/rig"
)

// serveVar makes this program serve a file system instead of testing.
const serveVar = "STEMMA_TEST_SLOWFS"

// mountOver shows the repository's world through a counting file system.
func mountOver(t *testing.T, r *rig.Repo, profile string) *slowfs.Child {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may mount")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("there is no /dev/fuse")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	mount := t.TempDir()
	cmd := exec.Command(exe, "-profile", profile, r.Dir, mount)
	cmd.Env = append(os.Environ(), serveVar+"=1")
	c, err := slowfs.StartChild(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	r.Dir = mount
	return c
}

// batch schedules jobs of one text and one binary output, as rows of a table,
// and waits until they are over.
func batch(t *testing.T, r *rig.Repo, name string, jobs int) {
	t.Helper()
	var table strings.Builder
	table.WriteString("n\n")
	for i := range jobs {
		fmt.Fprintf(&table, "%d\n", i)
	}
	file := t.TempDir() + "/table.csv"
	if err := os.WriteFile(file, []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	folder := name + "/{n}"
	r.Run(r.Bin, "schedule", "--sweep", file, "-o", folder+"/a.txt", "-o", folder+"/b.bin", "sbatch job.sh "+folder)
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if open := r.Run(r.Bin, "jobs", "--open"); !strings.Contains(open, "PENDING") && !strings.Contains(open, "RUNNING") {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the jobs do not end")
		}
	}
}

// TestBatchOnAParallelFileSystem: one finish of 50 jobs asks the file system no
// more than 150 questions and 20 for each output of each job, whatever the
// size of the repository. A question is what reaches the server of a client
// that keeps the names in the folders it has seen. STEMMA_SOAK compares
// repositories of 1,000 and 100,000 files on the slow profiles.
func TestBatchOnAParallelFileSystem(t *testing.T) {
	rig.Need(t, "git")
	const jobs, outputs = 50, 2
	sizes, profiles := []int{1000, 4000}, []string{"local"}
	if os.Getenv("STEMMA_SOAK") != "" {
		sizes, profiles = []int{1000, 100_000}, []string{"gpfs", "lustre"}
	}
	for _, profile := range profiles {
		var seen []int64
		for _, n := range sizes {
			r := big(t, n)
			c := mountOver(t, r, profile)
			batch(t, r, "batch", jobs)
			if _, err := c.Since(); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			r.Run(r.Bin, "finish")
			took := time.Since(start)
			counts, err := c.Since()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s, %d files, finish of %d jobs: %d questions, %v (%v)", profile, n, jobs, counts.Paths(), counts, took)
			if limit := int64(150 + 20*outputs*jobs); counts.Paths() > limit {
				t.Errorf("%s, %d files: %d questions, at most %d are allowed", profile, n, counts.Paths(), limit)
			}
			// How often attributes are asked for again depends on the order in which calls overlap.
			seen = append(seen, counts.Paths()-counts[slowfs.Stat])
			r.CheckQuick()
		}
		if small, large := seen[0], seen[len(seen)-1]; 100*large > 105*small || 100*small > 105*large {
			t.Errorf("%s: %d questions but for attributes at %d files, %d at %d", profile, small, sizes[0], large, sizes[len(sizes)-1])
		}
	}
}

// TestJobsFinishedOneByOne: nothing piles up, so that the last of many jobs
// costs what the first did. STEMMA_SOAK finishes 2,000.
func TestJobsFinishedOneByOne(t *testing.T) {
	rig.Need(t, "git")
	jobs, window := 24, 8
	if os.Getenv("STEMMA_SOAK") != "" {
		jobs, window = 2000, 50
	}
	r := big(t, 1000)
	c := mountOver(t, r, "local")
	var asked []int64
	for len(asked) < jobs {
		batch(t, r, fmt.Sprintf("round%d", len(asked)), min(window, jobs-len(asked)))
		for _, id := range openJobs(r) {
			if _, err := c.Since(); err != nil {
				t.Fatal(err)
			}
			r.Run(r.Bin, "finish", "--slurm-job-id", id)
			counts, err := c.Since()
			if err != nil {
				t.Fatal(err)
			}
			asked = append(asked, counts.Paths())
		}
	}
	first, last := middle(asked[:window]), middle(asked[len(asked)-window:])
	t.Logf("%d jobs finished one by one: %d questions at first, %d at last", len(asked), first, last)
	if 100*last > 120*first {
		t.Errorf("%d questions for one of the first jobs, %d for one of the last", first, last)
	}
	r.CheckQuick()
}

var openLine = regexp.MustCompile(`(?m)^(\d+)\s+[A-Z]`)

func openJobs(r *rig.Repo) (ids []string) {
	for _, m := range openLine.FindAllStringSubmatch(r.Run(r.Bin, "finish", "--list-open-jobs"), -1) {
		ids = append(ids, m[1])
	}
	return ids
}

func middle(list []int64) int64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}
