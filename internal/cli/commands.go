package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// listed is a command by its name and aliases. It is built only when it is
// called or all are shown: their many options would cost every start a
// millisecond.
type listed struct {
	names string // separated by blanks
	build func(*app) *cobra.Command
}

func (l listed) has(name string) bool { return slices.Contains(strings.Fields(l.names), name) }

// commands lists all commands, in the order of the help text.
func commands() []listed {
	hosted := func(service, title string) func(*app) *cobra.Command {
		return func(a *app) *cobra.Command { return newCreateSiblingHosted(a, service, title) }
	}
	return []listed{
		{"create", newCreate},
		{"clone", newClone},
		{"siblings", newSiblings},
		{"create-sibling", newCreateSibling},
		{"create-sibling-ria", newCreateSiblingRIA},
		{"install", newInstall},
		{"download-url", newDownloadURL},
		{"export-archive", newExportArchive},
		{"push", newPush},
		{"update", newUpdate},
		{"save", newSave},
		{"status", newStatus},
		{"unlock", newUnlock},
		{"get", newGet},
		{"drop", newDrop},
		{"uninstall", newUninstall},
		{"remove", newRemove},
		{"annex", newAnnex},
		{"diff", newDiff},
		{"subdatasets", newSubdatasets},
		{"configuration", newConfiguration},
		{"foreach-dataset", newForeach},
		{"clean", newClean},
		{"check-dates", newCheckDates},
		{"addurls", newAddurls},
		{"run", newRun},
		{"rerun", newRerun},
		{"run-procedure", newRunProcedure},
		{"containers-add", newContainersAdd},
		{"containers-list", newContainersList},
		{"containers-remove", newContainersRemove},
		{"containers-run", newContainersRun},
		{"schedule slurm-schedule", newSchedule},
		{"finish slurm-finish", newFinish},
		{"reschedule slurm-reschedule", newReschedule},
		{"jobs", newJobs},
		{"stage", newStage},
		{"wtf", newWTF},
		{"shell-completion", newShellCompletion},
		{"tutorial", newTutorial},
		{"docs", newDocs},
		{"create-sibling-gitea", hosted("gitea", "Gitea")},
		{"create-sibling-gogs", hosted("gogs", "GOGS")},
		{"create-sibling-gin", hosted("gin", "GIN")},
		{"create-sibling-github", hosted("github", "GitHub")},
		{"create-sibling-gitlab", newCreateSiblingGitLab},
		{"version", newVersion},
		{"help", newHelp},
	}
}
