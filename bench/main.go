// Command bench compares stemma with git, git-annex, DataLad and plain Slurm on
// this machine, side by side in one run, and prints Markdown.
//
// Every figure is the median of interleaved repetitions, because machines drift;
// what does not drift (system calls, processes) is counted with strace. The
// program measures other programs only: it knows their command lines, and of
// stemma's packages nothing but the key format it needs to build repositories.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the command line's.
type options struct {
	quick               bool
	sizes               []int
	only                map[string]bool
	cache, stemma, file string
	noSlurm             bool
}

const reportFile = "docs/benchmarks/main-job.md"

func parse(args []string) (options, error) {
	var o options
	var sizes, only string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.BoolVar(&o.quick, "quick", false, "a smaller set, under 3 minutes")
	f.StringVar(&sizes, "sizes", "", "`N,...` tracked files (default 1000,50000,200000; quick 1000,10000)")
	f.StringVar(&only, "only", "", "`NAME,...` of the experiments to run: "+strings.Join(experimentNames(), ", "))
	f.StringVar(&o.cache, "cache", "", "`FOLDER` that keeps the big repositories for the next run")
	f.StringVar(&o.stemma, "stemma", "", "`PROGRAM` to measure (default: built from this checkout)")
	f.StringVar(&o.file, "o", "", "`FILE` for the report (default "+reportFile+" for a complete run)")
	f.BoolVar(&o.noSlurm, "no-slurm", false, "leave out what needs a private Slurm")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.file == "" && !o.quick && only == "" && sizes == "" {
		o.file = reportFile
	}
	if o.only = map[string]bool{}; only != "" {
		for _, name := range strings.Split(only, ",") {
			if !slices.Contains(experimentNames(), name) {
				return o, fmt.Errorf("-only: there is no experiment %q", name)
			}
			o.only[name] = true
		}
	}
	return o, o.setSizes(sizes)
}

func (o *options) setSizes(list string) error {
	if list == "" {
		list = "1000,50000,200000"
		if o.quick {
			list = "1000,10000"
		}
	}
	for _, word := range strings.Split(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 100 || n > 10_000_000 {
			return fmt.Errorf("-sizes: %q is not a number of files from 100 to 10000000", word)
		}
		o.sizes = append(o.sizes, n)
	}
	return nil
}

func start(args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.needsSlurm() && canStartSlurm() {
		return underSlurm(ctx, args)
	}
	return measure(ctx, o)
}

// measure runs the chosen experiments, printing as it goes; the report's file is
// written at the end only, so that a run cut short leaves the last one in place.
func measure(ctx context.Context, o options) error {
	b, err := newBench(ctx, o)
	if err != nil {
		return err
	}
	defer b.close()
	var report bytes.Buffer
	b.out = io.MultiWriter(os.Stdout, &report)
	b.head(ctx)
	for _, e := range experiments {
		if len(o.only) > 0 && !o.only[e.name] {
			continue
		}
		if err := e.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	b.limits()
	if o.file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(o.file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(o.file, report.Bytes(), 0o644)
}

// canStartSlurm tells whether scripts/slurm-cluster can work here.
func canStartSlurm() bool {
	if os.Geteuid() != 0 || os.Getenv("STEMMA_TEST_SLURM") != "" {
		return false
	}
	for _, program := range []string{"slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd"} {
		if _, err := exec.LookPath(program); err != nil {
			return false
		}
	}
	_, err := os.Stat("scripts/with-slurm")
	return err == nil
}

func (o options) needsSlurm() bool {
	return !o.noSlurm && (len(o.only) == 0 || o.only["jobs"] || o.only["counts"] || o.only["lock"])
}

// underSlurm runs this program again with a private Slurm around it.
func underSlurm(ctx context.Context, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "scripts/with-slurm", append([]string{self}, args...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	// A shell acts on a signal only when its child has ended: tell both.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	return cmd.Run()
}
