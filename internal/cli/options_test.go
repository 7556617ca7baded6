package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func testApp() *app {
	return newApp("stemma", "test", nil, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
}

// everyCommand lists the command tree, and the root.
func everyCommand(t *testing.T) []*cobra.Command {
	t.Helper()
	var all []*cobra.Command
	var add func(*cobra.Command)
	add = func(c *cobra.Command) {
		all = append(all, c)
		for _, sub := range c.Commands() {
			add(sub)
		}
	}
	add(testApp().root(""))
	return all
}

func TestEveryOptionHasHelp(t *testing.T) {
	for _, cmd := range everyCommand(t) {
		if cmd.Short == "" {
			t.Errorf("%s has no description", cmd.CommandPath())
		}
		if cmd.HasParent() && !cmd.Parent().HasParent() && cmd.GroupID == "" && !cmd.Hidden && cmd.Name() != "version" && cmd.Name() != "help" {
			t.Errorf("%s is in no group", cmd.CommandPath())
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if len(f.Usage) < 5 {
				t.Errorf("%s --%s has no help", cmd.CommandPath(), f.Name)
			}
			if f.NoOptDefVal == "" && !strings.Contains(f.Usage, "`") {
				t.Errorf("%s --%s does not name its value", cmd.CommandPath(), f.Name)
			}
		})
	}
}

func TestOptionsOfDataLad(t *testing.T) {
	// Names and short names, as `datalad COMMAND --help` lists them.
	want := map[string]string{
		"create":     "force/f description/D dataset/d no-annex fake-dates cfg-proc/c message/m",
		"save":       "message/m dataset/d version-tag/t recursive/r recursion-limit/R updated/u message-file/F to-git jobs/J amend",
		"status":     "dataset/d annex untracked recursive/r recursion-limit/R eval-subdataset-state/e report-filetype/t",
		"unlock":     "dataset/d recursive/r recursion-limit/R",
		"get":        "source/s dataset/d recursive/r recursion-limit/R no-data/n description/D reckless jobs/J cfg-proc/c data",
		"drop":       "what reckless dataset/d recursive/r recursion-limit/R jobs/J nocheck if-dirty",
		"run":        "dataset/d input/i output/o expand assume-ready explicit message/m sidecar dry-run jobs/J",
		"rerun":      "since dataset/d branch/b message/m onto script report assume-ready explicit jobs/J",
		"schedule":   "dataset/d input/i output/o expand assume-ready message/m check-outputs dry-run alt-dir/a jobs/J",
		"finish":     "slurm-job-id dataset/d message/m output/o explicit close-failed-jobs commit-failed-jobs list-open-jobs branches octopus jobs/J",
		"reschedule": "since dataset/d message/m script report with-failed-jobs assume-ready alt-dir/a jobs/J",
	}
	root := testApp().root("")
	for name, options := range want {
		cmd, _, err := root.Find([]string{name})
		if err != nil {
			t.Error(err)
			continue
		}
		for _, o := range append(strings.Fields(options), "help/h", "help-np", "version") {
			long, short, _ := strings.Cut(o, "/")
			if f := cmd.Flags().Lookup(long); f == nil || f.Shorthand != short {
				t.Errorf("%s: option %s is missing", name, o)
			}
		}
	}
}

func TestSlurmNames(t *testing.T) {
	root := testApp().root("")
	for _, name := range []string{"schedule", "finish", "reschedule"} {
		if cmd, _, err := root.Find([]string{"slurm-" + name}); err != nil || cmd.Name() != name {
			t.Errorf("slurm-%s: %v", name, err)
		}
	}
}

func testFlags() *pflag.FlagSet {
	f := pflag.NewFlagSet("x", pflag.ContinueOnError)
	f.StringP("message", "m", "", "`TEXT` of it")
	f.String("message-file", "", "`FILE` of it")
	f.BoolP("recursive", "r", false, "all of it")
	f.StringP("recursion-limit", "R", "", "`N` of it")
	annex := newChoice("", "basic", "all")
	f.Var(&annex, "annex", "`LEVEL` of it")
	optionalValue(f, "annex", "basic")
	how := newHow()
	f.Var(&how, "how", "`MODE` of it")
	optionalValue(f, "how", "fetch")
	return f
}

func TestExpandOptions(t *testing.T) {
	tests := []struct {
		in   string
		rest bool
		want string
	}{
		{"--message x", false, "--message x"},
		{"--recursive p", false, "--recursive p"},
		{"--recursiv p", false, "--recursive p"},
		{"--message-f=x", false, "--message-file=x"},
		{"--annex p", false, "--annex p"},
		{"--annex all p", false, "--annex=all p"},
		{"--ann", false, "--annex"},
		{"--how merg p", false, "--how=merg p"},
		{"--how -r p", false, "--how -r p"},
		{"--annex=all basic", false, "--annex=all basic"},
		{"-m --annex all", false, "-m --annex all"},
		{"-rm --recursiv", false, "-rm --recursiv"},
		{"-mr --recursiv", false, "-mr --recursive"},
		{"p --recursiv", false, "p --recursive"},
		{"p --recursiv", true, "p --recursiv"},
		{"-r p --recursiv", true, "-r p --recursiv"},
		{"-- --recursiv", false, "-- --recursiv"},
		{"--nosuch x", false, "--nosuch x"},
		{"-z x", false, "-z x"},
		{"-ü x", false, "-ü x"},
		{"- x", false, "- x"},
		{"-m", false, "-m"},
		{"--", true, "--"},
	}
	for _, tt := range tests {
		got, err := expandOptions(testFlags(), strings.Fields(tt.in), tt.rest)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
		}
		if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.in, diff)
		}
	}
	if _, err := expandOptions(testFlags(), []string{"--recurs"}, false); err == nil {
		t.Error("an ambiguous prefix was accepted")
	}
}

func FuzzExpandOptions(f *testing.F) {
	for _, s := range []string{"--message\nx", "-rm\n--x", "--\n-", "-=", "--=", "--=x", "-\x80", "--annex\nall"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, text string, rest bool) {
		args := strings.Split(text, "\n")
		out, err := expandOptions(testFlags(), args, rest)
		if err == nil && len(out) > len(args) {
			t.Errorf("%q became %q", args, out)
		}
		if err == nil {
			flags := testFlags()
			flags.SetInterspersed(!rest)
			_ = flags.Parse(out)
		}
	})
}
