package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/errs"
)

// step is one command of the tutorial, and what there is to say before it.
type step struct {
	text, command string
}

// tutorial is what the user types along. Every command works where the one
// before left off.
var tutorial = []step{
	{"A dataset is a folder whose history is kept: a git repository, with a store for large\nfiles beside it. \"-c text2git\" sends text to git and everything else to the store.",
		"stemma create -c text2git project && ls -a project"},
	{"Let us put some data there: a small table and a larger binary file.",
		"cd project && printf 'name,mass\\nash,3\\noak,5\\n' > trees.csv && head -c 200000 /dev/urandom > scan.bin"},
	{"What is new?", "stemma status"},
	{"Keep it, with a message.", "stemma save -m 'First data'"},
	{"The table is an ordinary file. The scan is a link into the store: git keeps only its\nname and checksum, so that the repository stays small.", "ls -l"},
	{"Now results. \"run\" executes a command and records it: what it read, what it wrote,\nand how it was called.",
		"stemma run -i trees.csv -o sorted.txt -m 'Masses in order' 'tail -n +2 trees.csv | cut -d, -f2 | sort -n > sorted.txt'"},
	{"The record is in the commit that has the result.", "git log -1"},
	{"The data changes …", "echo 'elm,4' >> trees.csv && stemma save -m 'One more tree'"},
	{"… and the command is repeated from its commit alone. HEAD~1 is the one before last.", "stemma rerun HEAD~1 && cat sorted.txt"},
	{"A longer computation is a batch job. Here a scheduler for this machine takes it; without\n\"--scheduler local\" the same line goes to Slurm on a cluster. The dataset is not blocked\nmeanwhile.",
		"stemma schedule --scheduler local -o squares.txt -m 'Squares' sbatch --wrap 'sleep 2; seq 5 | while read n; do echo $((n*n)); done > squares.txt'"},
	{"How is it doing?", "stemma jobs"},
	{"\"finish\" commits the results of jobs that are complete. Wait a moment before you go on.", "sleep 3; stemma finish && cat squares.txt"},
	{"What differs from the first version of the data?", "stemma diff --from HEAD~4"},
	{"The store can be emptied where another copy exists. Make one: a clone has the history\nat once, and content when it is asked for.", "cd .. && stemma clone project copy && cd copy && ls -lL scan.bin; stemma get scan.bin && ls -lL scan.bin"},
	{"It can go again, because the first copy is still there. Nothing is dropped without proof.", "stemma drop scan.bin"},
}

func newTutorial(a *app) *cobra.Command {
	var auto bool
	cmd := &cobra.Command{
		Use:   "tutorial [--auto] [FOLDER]",
		Short: "Learn the main commands by typing along, in ten minutes",
		Long: "Explains the main commands one after another and runs what you type, in a new\n" +
			"folder (default: stemma-tutorial). Press Enter to run the command that is\n" +
			"suggested, or type one of your own; \"q\" ends.",
		Example: "  stemma tutorial --auto",
		GroupID: groupData,
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			folder := "stemma-tutorial"
			if len(args) > 0 {
				folder = args[0]
			}
			return a.tutorial(cmd.Context(), a.abs(folder), auto)
		},
	}
	cmd.Flags().BoolVar(&auto, "auto", false, "run all suggested commands without waiting")
	return cmd
}

func (a *app) tutorial(ctx context.Context, folder string, auto bool) error {
	if err := os.Mkdir(folder, 0o777); err != nil {
		return errs.WithHint(fmt.Errorf("tutorial: %w", err), "choose another folder: stemma tutorial FOLDER")
	}
	bin, err := a.ownPath()
	if err != nil {
		return err
	}
	defer os.RemoveAll(bin)
	t := &lesson{app: a, dir: folder, bin: bin, auto: auto, in: bufio.NewReader(a.stdin)}
	fmt.Fprintf(a.stdout, "%d steps in %s. Enter runs the command that is shown; q ends.\n", len(tutorial), folder)
	for i, s := range tutorial {
		fmt.Fprintf(a.stdout, "\n[%d/%d] %s\n", i+1, len(tutorial), s.text)
		err := t.step(ctx, s)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(a.stdout, "\nThat was it. Everything is in %s; delete it when you like. More: %s help\n", folder, a.name)
	return nil
}

// ownPath makes a folder in which this program is called stemma.
func (a *app) ownPath() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("tutorial: %w", err)
	}
	bin, err := os.MkdirTemp("", "stemma-tutorial-")
	if err != nil {
		return "", err
	}
	return bin, os.Symlink(self, filepath.Join(bin, "stemma"))
}

// lesson is a tutorial under way.
type lesson struct {
	app      *app
	dir, bin string
	auto     bool
	in       *bufio.Reader
}

// step runs commands until the suggested one has been run; io.EOF ends.
func (t *lesson) step(ctx context.Context, s step) error {
	fmt.Fprintf(t.app.stdout, "\n  $ %s\n", s.command)
	for !t.auto {
		fmt.Fprint(t.app.stdout, "> ")
		typed, err := t.in.ReadString('\n')
		line := strings.TrimSpace(typed)
		switch {
		case line == "q" || err != nil && line == "":
			return io.EOF
		case line == "" || line == s.command:
			return t.suggested(ctx, s)
		}
		if err := t.run(ctx, line); err != nil {
			fmt.Fprintf(t.app.stdout, "(%v)\n", err)
		}
	}
	return t.suggested(ctx, s)
}

func (t *lesson) suggested(ctx context.Context, s step) error {
	if err := t.run(ctx, s.command); err != nil {
		return fmt.Errorf("tutorial: %s: %w", s.command, err)
	}
	return ctx.Err()
}

// run executes a line in the shell, and notes the folder that it ends in.
func (t *lesson) run(ctx context.Context, line string) error {
	note := filepath.Join(t.bin, "pwd")
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line+"\ncode=$?; pwd > \"$STEMMA_TUTORIAL\"; exit $code")
	cmd.Dir = t.dir
	cmd.Env = append(append([]string{}, t.app.env...), "PATH="+t.bin+":"+t.app.getenv("PATH"), "PWD="+t.dir, "STEMMA_TUTORIAL="+note, "GIT_PAGER=cat")
	cmd.Stdout, cmd.Stderr = t.app.stdout, t.app.stderr
	err := cmd.Run()
	if text, rerr := os.ReadFile(note); rerr == nil {
		t.dir = strings.TrimSuffix(string(text), "\n")
	}
	return err
}
