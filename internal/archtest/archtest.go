// Package archtest holds the architecture of the module as data: which package
// is in which layer, and the few imports within a layer that are intended. Its
// test fails when the code disagrees. Nothing imports it.
package archtest

// layers lists the packages from the bottom up, by their path below internal/.
// A package may import what stands in an earlier layer, and in its own layer
// only what sideways declares. A package that is not listed fails the test.
var layers = []layer{
	{"base", []string{"errs", "result", "fsx", "proc", "pyfmt", "wildmatch"}},
	{"format", []string{"gitobj", "gitindex", "gitattr", "annexkey", "annexlog", "pointer", "runrec", "iospec", "matchexpr", "magic", "p2p"}},
	{"store", []string{"git", "annex", "remote",
		"remote/local", "remote/ssh", "remote/http", "remote/directory", "remote/rsync", "remote/s3", "remote/s3/bucket", "remote/web", "remote/external", "remote/ora",
		"remote/fetchurl", "remote/chunk", "remote/crypt", "remote/all", "remote/enable", "remote/remotetest", "ria", "hosting", "sched", "sched/slurm", "sched/local", "sched/schedtest", "ledger", "stage"}},
	{"domain", []string{"annexshell", "commit", "dataset", "smudge", "annexcmd", "transfer", "siblings", "clone", "publish", "update", "discard", "download", "run", "jobs", "procedure", "container", "lineage", "export", "repodates", "addurls"}},
	{"face", []string{"render", "ui", "web", "annexcli", "cli"}},
}

// sideways declares the imports within one layer: importer to imported.
var sideways = map[string][]string{
	"smudge":      {"commit", "dataset"},
	"annexcmd":    {"commit", "dataset", "transfer"},
	"sched/slurm": {"sched", "sched/schedtest"},
	"sched/local": {"sched", "sched/schedtest"},
	// The suite that every scheduler passes.
	"sched/schedtest": {"sched"},
	"annex":           {"git"},
	"remote/local":    {"remote", "git", "annex", "remote/remotetest"},
	// The suite that every remote passes, and the one place that knows all.
	"remote/remotetest": {"remote"},
	"remote/directory":  {"remote"},
	"remote/ssh":        {"remote"},
	"remote/http":       {"remote", "remote/fetchurl", "git"},
	"remote/chunk":      {"remote"},
	"remote/crypt":      {"remote"},
	"remote/rsync":      {"remote", "remote/directory"},
	"remote/s3":         {"remote", "remote/fetchurl", "remote/crypt", "remote/s3/bucket"},
	"remote/fetchurl":   {"remote"},
	"remote/web":        {"remote", "remote/fetchurl"},
	"remote/external":   {"remote", "remote/crypt"},
	"remote/ora":        {"remote", "remote/fetchurl", "remote/ssh"},
	"remote/all": {"remote", "remote/local", "remote/ssh", "remote/http", "remote/directory", "remote/rsync", "remote/s3", "remote/s3/bucket", "remote/web", "remote/external",
		"remote/ora", "remote/fetchurl", "remote/chunk", "remote/crypt"},
	"remote/enable": {"remote", "remote/all", "remote/directory", "remote/rsync", "remote/s3", "remote/s3/bucket", "remote/web", "remote/external",
		"remote/ora", "remote/crypt", "remote/chunk", "git"},
	"dataset":   {"commit", "transfer"},
	"siblings":  {"commit", "dataset", "transfer"},
	"clone":     {"commit", "dataset", "siblings", "transfer"},
	"publish":   {"annexcmd", "commit", "dataset", "siblings", "transfer"},
	"update":    {"dataset"},
	"discard":   {"dataset", "siblings"},
	"download":  {"annexcmd", "dataset"},
	"export":    {"dataset"},
	"addurls":   {"annexcmd", "dataset"},
	"run":       {"clone", "commit", "dataset"},
	"jobs":      {"clone", "commit", "dataset", "run"},
	"procedure": {"dataset", "run"},
	"container": {"dataset"},
	"cli":       {"render", "annexcli"},
	"gitindex":  {"gitobj"},
	"p2p":       {"annexkey"},
	"pointer":   {"annexkey"},
	"annexlog":  {"annexkey"},
	"fsx":       {"errs"},
	"proc":      {"errs"},
}

// aboveLibrary lists who may exit the process, print to its streams or use the
// command line library.
var aboveLibrary = []string{"render", "ui", "web", "annexcli", "cli"}

// ownProcess declares the uses of the process below the face that are meant.
var ownProcess = map[string][]string{
	// The supervisor of a job is a process of its own, without a command line
	// above it; its standard error is the log that it leaves.
	"sched/local": {"os.Stderr"},
}

type layer struct {
	name     string
	packages []string
}
