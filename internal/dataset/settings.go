package dataset

// Setting is a configuration variable that has a meaning here.
type Setting struct {
	Name, Default string
	Purpose       string
	Type          string // what values it takes, in words; "" for any text
}

// Settings are the variables that are known, by name, with their defaults.
func Settings() []Setting { return settings }

const yesNo = "yes or no, true or false, on or off, 1 or 0"

var settings = []Setting{
	{"datalad.clone.reckless", "", "How clones of this dataset's subdatasets are made: auto, ephemeral, shared-MODE", ""},
	{"datalad.clone.url-substitute", "", "Rules that rewrite the source of a clone: ,PATTERN,REPLACEMENT; repeatable", ""},
	{"datalad.containers.location", ".datalad/environments", "Folder in which container images are kept", ""},
	{"datalad.get.subdataset-source-candidate", "", "Where a subdataset may be cloned from; the name ends in -[COST]NAME", ""},
	{"datalad.locations.dataset-procedures", ".datalad/procedures", "Folder of a dataset's own procedures", ""},
	{"datalad.locations.default-dataset", "", "The dataset that /// stands for (default: ~/datalad)", ""},
	{"datalad.locations.extra-procedures", "", "More folders with procedures; repeatable", ""},
	{"datalad.locations.system-procedures", "/etc/xdg/datalad/procedures", "Folder of this machine's procedures", ""},
	{"datalad.locations.user-procedures", "", "Folder of the user's procedures (default: ~/.config/datalad/procedures)", ""},
	{"datalad.log.level", "info", "Least level of messages", "critical, error, warning, info, debug, or 1 to 9"},
	{"datalad.repo.backend", "MD5E", "Kind of key for the content of new datasets", ""},
	{"datalad.run.record-directory", ".datalad/runinfo", "Folder for records that are kept beside the commit message", ""},
	{"datalad.run.record-sidecar", "false", "Keep records of commands in files of their own", yesNo},
	{"datalad.save.windows-compat-warning", "true", "Warn about names that Windows does not know", yesNo},
	{"datalad.ui.color", "auto", "Colour the output", "on, off, or auto"},
	{"datalad.ui.suppress-similar-results", "on", "Show only the first of many results that are alike, on a terminal", yesNo},
	{"datalad.ui.suppress-similar-results-threshold", "10", "How many results that are alike are shown", "a number"},
	{"stemma.autofinish.options", "", "Options of sbatch for the job that commits when others are done", ""},
	{"stemma.index-wait", "", "How long to wait for another program's index.lock", "seconds"},
	{"stemma.local.slots", "", "How many tasks the embedded scheduler runs at once (default: one for each processor)", "a number"},
	{"stemma.scheduler", "", "Which scheduler takes jobs: slurm or local", "slurm or local"},
}

// KnownSetting looks a variable up.
func KnownSetting(name string) (Setting, bool) {
	for _, s := range settings {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}
