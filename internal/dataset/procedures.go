package dataset

import (
	"context"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/result"
)

// text2gitExpr sends text to git, as DataLad's text2git does.
const text2gitExpr = "((mimeencoding=binary)and(largerthan=0))"

// Procedure runs one of the built-in configuration procedures by its name
// without "cfg_": text2git or yoda. It reports a run record.
func (d *Dataset) Procedure(ctx context.Context, name string, sink result.Sink) error {
	var err error
	switch strings.TrimPrefix(name, "cfg_") {
	case "text2git":
		err = d.text2git(ctx)
	case "yoda":
		err = d.yoda(ctx)
	default:
		err = errs.WithHint(fmt.Errorf("Cannot find procedure with name '%s'", name), "known procedures: text2git, yoda")
	}
	if err != nil {
		return err
	}
	return sink.Emit(result.New("run", result.OK, d.Path(), result.Dataset).
		Msg("cfg_"+strings.TrimPrefix(name, "cfg_")).With("exit_code", 0))
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
