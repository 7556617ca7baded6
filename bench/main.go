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
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/bench/slowfs"
)

func main() {
	if play := standIns[filepath.Base(os.Args[0])]; play != nil && os.Getenv(standInVar) != "" {
		if err := play(os.Getenv(standInVar), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "stand-in:", err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == serveWord {
		if err := slowfs.Serve(os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are the command line's.
type options struct {
	suite               suite
	quick               bool
	profiles            []string
	contents            []int64 // sizes of outputs, in bytes
	jobs                int
	patience            time.Duration
	sizes               []int
	only                map[string]bool
	cache, stemma, file string
	noSlurm             bool
}

func parse(args []string) (options, error) {
	var o options
	var sizes, only, name, profiles, contents string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&name, "suite", "main-job", "`NAME` of the set of experiments: main-job, file-systems, scale or content")
	f.BoolVar(&o.quick, "quick", false, "a smaller set, under 3 minutes")
	f.StringVar(&sizes, "sizes", "", "`N,...` tracked files (default depends on the suite)")
	f.StringVar(&only, "only", "", "`NAME,...` of the experiments to run: "+experimentNames())
	f.StringVar(&profiles, "profiles", "", "`NAME,...` of simulated file systems (default "+strings.Join(slowfs.Names(), ",")+"; quick local,lustre)")
	f.StringVar(&contents, "contents", "", "`BYTES,...` of an output, when ways of staging are compared (default 10000,1000000,100000000,1000000000)")
	f.IntVar(&o.jobs, "jobs", 0, "`N` open jobs at once (default 10000; quick 300)")
	f.DurationVar(&o.patience, "patience", 0, "`TIME` after which a command is given up (default 1m; quick 20s)")
	f.StringVar(&o.cache, "cache", "", "`FOLDER` that keeps the big repositories for the next run")
	f.StringVar(&o.stemma, "stemma", "", "`PROGRAM` to measure (default: built from this checkout)")
	f.StringVar(&o.file, "o", "", "`FILE` for the report (default: the suite's page, for a complete run)")
	f.BoolVar(&o.noSlurm, "no-slurm", false, "leave out what needs a private Slurm")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	if o.suite, err = suiteNamed(name); err != nil {
		return o, err
	}
	if o.file == "" && !o.quick && only == "" && sizes == "" && profiles == "" && contents == "" {
		o.file = o.suite.file
	}
	o.setDefaults()
	if o.only = map[string]bool{}; only != "" {
		for _, name := range strings.Split(only, ",") {
			if !o.suite.has(name) {
				return o, fmt.Errorf("-only: there is no experiment %q in suite %s", name, o.suite.name)
			}
			o.only[name] = true
		}
	}
	return o, errors.Join(o.setSizes(sizes), o.setProfiles(profiles), o.setContents(contents))
}

func (o *options) setDefaults() {
	if o.jobs == 0 {
		if o.jobs = 10_000; o.quick {
			o.jobs = 300
		}
	}
	if o.patience == 0 {
		if o.patience = time.Minute; o.quick {
			o.patience = 20 * time.Second
		}
	}
}

func (o *options) setProfiles(list string) error {
	if list == "" {
		list = strings.Join(slowfs.Names(), ",")
		if o.quick {
			list = "local,lustre"
		}
	}
	for _, name := range strings.Split(list, ",") {
		if _, err := slowfs.ByName(name); err != nil {
			return fmt.Errorf("-profiles: %w", err)
		}
		o.profiles = append(o.profiles, name)
	}
	return nil
}

func (o *options) setContents(list string) error {
	if list == "" {
		list = "10000,1000000,100000000,1000000000"
		if o.quick {
			list = "10000,1000000"
		}
	}
	for _, word := range strings.Split(list, ",") {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil || n < 1 || n > 1e11 {
			return fmt.Errorf("-contents: %q is not a size in bytes from 1 to 10^11", word)
		}
		o.contents = append(o.contents, n)
	}
	return nil
}

func (o *options) setSizes(list string) error {
	if list == "" {
		if list = o.suite.sizes; o.quick {
			list = o.suite.quickSizes
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
	for _, e := range o.suite.experiments {
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
	wants := func(name string) bool { return o.suite.has(name) && (len(o.only) == 0 || o.only[name]) }
	return !o.noSlurm && (wants("jobs") || wants("counts") || wants("lock") || wants("single"))
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
