package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

// text2gitExpr sends text to git, as DataLad's text2git does.
const text2gitExpr = "((mimeencoding=binary)and(largerthan=0))"

// builtins are the procedures that come along, by their full name.
var builtins = []struct{ name, help string }{
	{"cfg_noannex", "Makes the dataset a plain git repository, if nothing is annexed yet"},
	{"cfg_text2git", "Text files go to git, other files to the annex"},
	{"cfg_yoda", "Lays out folders and notes as the YODA principles ask"},
}

// BuiltinProcedures lists the names of the procedures that come along.
func BuiltinProcedures() []string {
	var names []string
	for _, b := range builtins {
		names = append(names, b.name)
	}
	return names
}

// BuiltinHelp says what a procedure of BuiltinProcedures does.
func BuiltinHelp(name string) string {
	for _, b := range builtins {
		if b.name == name {
			return b.help
		}
	}
	return ""
}

// Procedure runs one of the built-in configuration procedures by its name,
// with or without "cfg_". It reports a run record.
func (d *Dataset) Procedure(ctx context.Context, name string, sink result.Sink) error {
	name = "cfg_" + strings.TrimPrefix(name, "cfg_")
	r := result.New("run", result.OK, d.Path(), result.Dataset).Msg(name).With("exit_code", 0)
	var err error
	switch name {
	case "cfg_text2git":
		err = d.text2git(ctx)
	case "cfg_yoda":
		err = d.yoda(ctx)
	case "cfg_noannex":
		if err = d.withoutAnnex(ctx); errors.Is(err, annex.ErrHasContent) {
			d.Env.Log.Error(err.Error())
			return sink.Emit(r.As(result.Error).With("exit_code", 1))
		}
	default:
		err = errs.WithHint(fmt.Errorf("Cannot find procedure with name '%s'", name), "known procedures: %s", strings.Join(BuiltinProcedures(), ", "))
	}
	if err != nil {
		return err
	}
	return sink.Emit(r)
}

// withoutAnnex takes the annex away and keeps it from coming back.
func (d *Dataset) withoutAnnex(ctx context.Context) error {
	if d.Annex != nil {
		if err := d.Annex.Uninit(ctx); err != nil {
			return err
		}
		d.Annex = nil
	}
	if _, err := os.Lstat(d.Repo.Path(".noannex")); err == nil {
		return nil
	}
	f, err := d.ownFile(".noannex", "")
	if err != nil {
		return err
	}
	fresh, err := git.Open(ctx, d.Path(), git.Options{Env: d.Env.Vars})
	if err != nil {
		return err
	}
	defer fresh.Close()
	plain, err := From(fresh, d.Env)
	if err != nil {
		return err
	}
	return plain.commitFiles(ctx, "Added .noannex to prevent accidental initialization of git-annex", []commit.File{f})
}

func (d *Dataset) text2git(ctx context.Context) error {
	d.forgetAttributes()
	v, err := d.matcher().Get("x", "annex.largefiles")
	if err != nil || v["annex.largefiles"].Text == text2gitExpr {
		return err
	}
	f, err := d.ownFile(".gitattributes", "* annex.largefiles="+text2gitExpr+"\n")
	if err != nil {
		return err
	}
	return d.commitFiles(ctx, "Instruct annex to add text files to Git", []commit.File{f})
}

const (
	yodaReadme = `# Project <insert name>

## Dataset structure

- All inputs (data that this project builds on) are in ` + "`inputs/`" + `.
- All code of this project is in ` + "`code/`" + `.
- Results lie beside them; each was made by a command that is on record.
`
	yodaCodeReadme = "All custom code of this project goes into this folder. Scripts should use paths\nrelative to the top of the dataset, so that they run wherever it is cloned.\n"
)

// yoda lays the folders out as the YODA principles ask. Paths that hold other
// content already are refused.
func (d *Dataset) yoda(ctx context.Context) error {
	list := [][2]string{
		{"CHANGELOG.md", ""},
		{"README.md", yodaReadme},
		{"code/README.md", yodaCodeReadme},
		{"code/.gitattributes", "* annex.largefiles=nothing\n"},
		{".gitattributes", "CHANGELOG.md annex.largefiles=nothing\nREADME.md annex.largefiles=nothing\n"},
	}
	var paths []string
	for _, f := range list {
		paths = append(paths, f[0])
	}
	dirty, err := d.Changes(ctx, Scope{Paths: paths, AllUntracked: true})
	if err != nil {
		return err
	}
	if len(dirty) > 0 {
		return errs.WithHint(fmt.Errorf("the yoda procedure would change %s, which is not saved", dirty[0].Path), "save it first: stemma save %s", dirty[0].Path)
	}
	var files []commit.File
	for _, f := range list {
		file, err := d.ownFile(f[0], f[1])
		if err != nil {
			return fmt.Errorf("yoda: %w", err)
		}
		files = append(files, file)
	}
	return d.commitFiles(ctx, "Apply YODA dataset setup", files)
}

// commitFiles commits files that git keeps.
func (d *Dataset) commitFiles(ctx context.Context, message string, files []commit.File) error {
	_, err := d.Publisher().Publish(ctx, commit.Request{
		Commits: []commit.Commit{{Message: message + "\n", Files: files}},
		Reason:  "stemma create: " + message,
	})
	return err
}
