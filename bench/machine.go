package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// head prints what was measured with what, on what kind of machine. It names
// no host and no path: reports are published.
func (b *bench) head(ctx context.Context) {
	fmt.Fprintf(b.out, "# %s\n\n", b.suite.title)
	fmt.Fprintf(b.out, "Written by `%s` on %s. Times are medians of interleaved repetitions in one run; other work on\nthe machine disturbs them, so compare ratios. Counts do not drift.\n\n", b.suite.by, time.Now().UTC().Format("2006-01-02"))
	fmt.Fprintf(b.out, "Machine: %d cores, %s, %s; file system %s; %s.\n\n", runtime.NumCPU(), cpuKind(), memory(), b.fileSystem(ctx), b.kernel(ctx))
	fmt.Fprintf(b.out, "Programs: %s.\n", strings.Join(b.versions(ctx), ", "))
}

func cpuKind() string {
	return fromProc("/proc/cpuinfo", `(?m)^model name\s*:\s*(.*)$`, runtime.GOARCH)
}

func memory() string {
	kb := fromProc("/proc/meminfo", `(?m)^MemTotal:\s*(\d+) kB`, "")
	var n int
	if _, err := fmt.Sscan(kb, &n); err != nil {
		return "memory unknown"
	}
	return fmt.Sprintf("%d GB of memory", (n+1<<19)>>20)
}

func fromProc(file, pattern, otherwise string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return otherwise
	}
	if m := regexp.MustCompile(pattern).FindSubmatch(data); m != nil {
		return string(m[1])
	}
	return otherwise
}

func (b *bench) fileSystem(ctx context.Context) string {
	if kind, err := b.output(ctx, "", "findmnt", "-n", "-o", "FSTYPE", "-T", b.tmp); err == nil {
		return kind
	}
	kind, err := b.output(ctx, "", "stat", "-f", "-c", "%T", b.tmp)
	if err != nil {
		return "unknown"
	}
	return kind
}

func (b *bench) kernel(ctx context.Context) string {
	name, err := b.output(ctx, "", "uname", "-sr")
	if err != nil {
		return runtime.GOOS
	}
	return name
}

var versionNumber = regexp.MustCompile(`\d+\.\d[\w.~+-]*`)

// versions lists all programs that take part, also those that are missing.
func (b *bench) versions(ctx context.Context) []string {
	list := []string{runtime.Version(), "stemma " + b.stemmaVersion(ctx)}
	for _, p := range []struct{ name, program, flag string }{
		{"git", "git", "--version"}, {"git-annex", "git-annex", "version"}, {"DataLad", "datalad", "--version"},
		{"Slurm", "sbatch", "--version"}, {"strace", "strace", "--version"},
	} {
		if why := lacking(p.program); why != "" {
			list = append(list, p.name+" "+why)
			continue
		}
		out, _ := b.output(ctx, "", p.program, p.flag)
		list = append(list, p.name+" "+orElse(versionNumber.FindString(out), "(version unknown)"))
	}
	return append(list, "DataLad's Slurm extension "+orElse(b.noExtension(ctx), "installed"))
}

func (b *bench) stemmaVersion(ctx context.Context) string {
	out, _ := b.output(ctx, "", b.stemma, "version")
	first, _, _ := strings.Cut(out, "\n")
	return strings.TrimPrefix(first, "stemma ")
}

// noExtension says why `datalad slurm-*` cannot be measured, or "".
func (b *bench) noExtension(ctx context.Context) string {
	if why := lacking("datalad"); why != "" {
		return why
	}
	if _, err := b.output(ctx, "", "datalad", "slurm-schedule", "--help"); err != nil {
		return "not installed"
	}
	return ""
}
