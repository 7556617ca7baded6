// Package archtest holds the architecture of the module as data: which package
// is in which layer, and the few imports within a layer that are intended. Its
// test fails when the code disagrees. Nothing imports it.
package archtest

// layers lists the packages from the bottom up, by their path below internal/.
// A package may import what stands in an earlier layer, and in its own layer
// only what sideways declares. A package that is not listed fails the test.
var layers = []layer{
	{"base", []string{"errs", "result", "fsx", "proc", "pyfmt", "screen", "wildmatch"}},
	{"format", []string{"gitobj", "gitindex", "gitattr", "annexkey", "annexlog", "pointer", "runrec", "iospec", "matchexpr", "magic", "p2p"}},
	{"store", []string{"git", "annex", "remote",
		"remote/local", "remote/ssh", "remote/http", "remote/directory", "remote/rsync", "remote/s3", "remote/s3/bucket", "remote/web", "remote/external", "remote/ora",
		"remote/fetchurl", "remote/handover", "remote/chunk", "remote/crypt", "remote/exported", "remote/all", "remote/enable", "remote/remotetest", "ria", "hosting", "sched", "sched/slurm", "sched/local", "sched/schedtest", "sched/sbatchline", "ledger", "stage"}},
	{"domain", []string{"annexshell", "commit", "dataset", "dataset/datasettest", "fetch", "smudge", "annexmerge", "adjusted", "annexcmd", "exporttree", "transfer", "siblings", "clone", "publish", "update", "discard", "download", "run", "procedure", "container", "lineage", "export", "repodates", "addurls"}},
	{"jobs", []string{"jobs", "jobs/jobpath", "jobs/fileid", "jobs/committed", "jobs/killpoint", "jobs/jobrec", "jobs/jobdb", "jobs/jobstate", "jobs/jobspec", "jobs/nested",
		"jobs/stages", "jobs/staging", "jobs/submission", "jobs/finish", "jobs/schedule", "jobs/sweep", "jobs/reschedule", "jobs/jobstest"}},
	{"face", []string{"render", "ui", "web", "annexcli", "cli"}},
}

// sideways declares the imports within one layer: importer to imported.
var sideways = map[string][]string{
	"smudge":           {"commit", "dataset"},
	"annexmerge":       {"commit", "dataset"},
	"adjusted":         {"annexmerge", "commit", "dataset"},
	"annexcmd":         {"adjusted", "annexmerge", "commit", "dataset", "transfer"},
	"exporttree":       {"annexcmd", "dataset", "transfer"},
	"sched/slurm":      {"sched", "sched/schedtest"},
	"sched/local":      {"sched", "sched/schedtest"},
	"sched/sbatchline": {"sched"},
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
	"remote/exported":   {"remote"},
	"remote/handover":   {"remote"},
	"remote/rsync":      {"remote", "remote/directory", "remote/ssh"},
	"remote/s3":         {"remote", "remote/fetchurl", "remote/crypt", "remote/s3/bucket"},
	"remote/s3/bucket":  {"remote"},
	"remote/fetchurl":   {"remote"},
	"remote/web":        {"remote", "remote/fetchurl"},
	"remote/external":   {"remote", "remote/crypt"},
	"remote/ora":        {"remote", "remote/fetchurl", "remote/ssh"},
	"remote/all": {"remote", "remote/local", "remote/ssh", "remote/http", "remote/directory", "remote/rsync", "remote/s3", "remote/s3/bucket", "remote/web", "remote/external",
		"remote/ora", "remote/fetchurl", "remote/handover", "remote/chunk", "remote/crypt", "remote/exported"},
	"remote/enable": {"remote", "remote/all", "remote/directory", "remote/rsync", "remote/s3", "remote/s3/bucket", "remote/web", "remote/external",
		"remote/ora", "remote/crypt", "remote/chunk", "git"},
	"dataset": {"commit", "transfer"},
	// The fixtures of those who work with datasets.
	"dataset/datasettest": {"dataset"},
	"fetch":               {"dataset", "transfer", "dataset/datasettest"},
	"siblings":            {"annexcmd", "commit", "dataset", "transfer"},
	"clone":               {"adjusted", "commit", "dataset", "fetch", "siblings", "transfer"},
	"publish":             {"annexcmd", "commit", "dataset", "siblings", "transfer"},
	"update":              {"adjusted", "annexcmd", "annexmerge", "dataset", "fetch"},
	"discard":             {"annexcmd", "dataset", "dataset/datasettest", "fetch", "siblings", "transfer"},
	"download":            {"annexcmd", "dataset"},
	"export":              {"dataset"},
	"addurls":             {"annexcmd", "dataset"},
	"run":                 {"clone", "commit", "dataset", "fetch"},
	"procedure":           {"dataset", "run"},
	"container":           {"dataset"},
	"cli":                 {"render", "annexcli"},
	"gitindex":            {"gitobj"},
	"p2p":                 {"annexkey"},
	"pointer":             {"annexkey"},
	"annexlog":            {"annexkey"},
	"fsx":                 {"errs"},
	"proc":                {"errs"},

	"jobs/jobrec":     {"jobs/jobpath", "jobs/fileid"},
	"jobs/jobdb":      {"jobs/jobrec"},
	"jobs/jobstate":   {"jobs/jobrec", "jobs/jobpath"},
	"jobs/nested":     {"jobs/fileid"},
	"jobs/jobspec":    {"jobs/jobrec", "jobs/jobpath", "jobs/fileid", "jobs/nested"},
	"jobs/stages":     {"jobs/jobdb", "jobs/jobrec", "jobs/jobpath"},
	"jobs/committed":  {"jobs/nested"},
	"jobs/staging":    {"jobs/jobspec", "jobs/nested", "jobs/jobrec", "jobs/jobpath", "jobs/fileid", "jobs/committed"},
	"jobs/submission": {"jobs/jobstate", "jobs/jobdb", "jobs/jobrec", "jobs/killpoint"},
	"jobs/finish":     {"jobs/submission", "jobs/stages", "jobs/nested", "jobs/jobstate", "jobs/jobdb", "jobs/jobrec", "jobs/jobpath", "jobs/fileid", "jobs/killpoint"},
	// What makes an input of the new job is finished first.
	"jobs/schedule": {"jobs/finish", "jobs/submission", "jobs/staging", "jobs/stages", "jobs/nested", "jobs/jobspec", "jobs/jobstate", "jobs/jobdb", "jobs/jobrec",
		"jobs/jobpath", "jobs/fileid", "jobs/committed", "jobs/killpoint"},
	"jobs/sweep":      {"jobs/schedule", "jobs/jobspec", "jobs/jobrec", "jobs/jobpath", "jobs/fileid"},
	"jobs/reschedule": {"jobs/schedule", "jobs/jobspec", "jobs/jobstate", "jobs/jobdb", "jobs/jobrec", "jobs/killpoint"},
	"jobs":            {"jobs/schedule", "jobs/jobstate", "jobs/jobdb", "jobs/jobrec", "jobs/jobpath"},
	// The dataset and the scheduler that their tests share.
	"jobs/jobstest": {"jobs/schedule", "jobs/finish", "jobs/sweep", "jobs/jobdb"},
}

// aboveLibrary lists who may exit the process, print to its streams or use the
// command line library.
var aboveLibrary = []string{"render", "ui", "web", "annexcli", "cli"}

// ownProcess declares the uses of the process below the face that are meant.
var ownProcess = map[string][]string{
	// The supervisor of a job is a process of its own, without a command line
	// above it; its standard error is the log that it leaves.
	"sched/local": {"os.Stderr"},
	// It plays the main function of test binaries.
	"dataset/datasettest": {"os.Getenv", "os.Environ"},
	"jobs/jobstest":       {"os.Getenv", "os.Environ", "os.Exit", "os.Stderr"},
}

type layer struct {
	name     string
	packages []string
}
