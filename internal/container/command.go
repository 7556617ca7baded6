package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pyfmt"
)

// NameVariable tells a command the name of its container.
const NameVariable = "DATALAD_CONTAINER_NAME"

// Call is a command in a container.
type Call struct {
	Line        string   // for the shell, with the placeholders of run still in it
	ExtraInputs []string // the image and what else the container needs, relative to the working folder
	Name, Key   string   // of the container, and of its image where that is annexed
}

// Fields is what a record says of the container beside what datalad-container
// writes: the name and the key of the image.
func (c *Call) Fields() map[string]any {
	if c.Key == "" {
		return nil
	}
	return map[string]any{"container": map[string]any{"name": c.Name, "key": c.Key}}
}

// UnknownPlaceholder says that a call format has one that nobody knows.
type UnknownPlaceholder struct{ Name string }

func (e *UnknownPlaceholder) Error() string {
	return fmt.Sprintf("Unrecognized cmdexec placeholder: '%s'. See containers-add for information on known ones: img, cmd, img_dspath", e.Name)
}

// Command puts a command line into the container; pwd is the folder in which
// it will run, absolute. Braces that the call format doubles are single
// afterwards, so that run fills them in.
func (c *Container) Command(ctx context.Context, d *dataset.Dataset, line, pwd string) (*Call, error) {
	img, err := filepath.Rel(pwd, c.Image)
	if err != nil {
		return nil, err
	}
	home, err := filepath.Rel(pwd, c.Dataset)
	if err != nil {
		return nil, err
	}
	call := &Call{ExtraInputs: []string{img}, Name: c.Name, Key: c.key(ctx, d)}
	values := map[string]any{"img_dspath": home, "img_dirpath": path.Dir(img)}
	for _, spec := range c.ExtraInputs {
		p, err := fill(spec, values)
		if err != nil {
			return nil, fmt.Errorf("container %s: extra input %s: %w", c.Name, spec, err)
		}
		call.ExtraInputs = append(call.ExtraInputs, p)
	}
	if c.CmdExec == "" {
		call.Line = double.Replace(pyfmt.ShellQuote(c.Image)) + " " + line
		return call, nil
	}
	if strings.HasPrefix(c.CmdExec, "[") {
		return nil, errs.WithHint(fmt.Errorf("container %s: its call format is in an old form, a list", c.Name), "containers-add --update --call-fmt 'FORMAT' %s", c.Name)
	}
	subdir, err := filepath.Rel(d.Path(), pwd)
	if err != nil {
		return nil, err
	}
	for name, v := range map[string]string{"img": img, "img_dspath": home, "img_dirpath": path.Dir(img), "subdir": subdir, "python": "python3"} {
		values[name] = double.Replace(pyfmt.ShellQuote(v))
	}
	values["cmd"] = line
	call.Line, err = fill(c.CmdExec, values)
	return call, err
}

// double makes text stand for itself where placeholders are filled in.
var double = strings.NewReplacer("{", "{{", "}", "}}")

func fill(template string, values map[string]any) (string, error) {
	text, err := pyfmt.Format(template, pyfmt.Values(values))
	var unknown *pyfmt.KeyError
	if errors.As(err, &unknown) {
		return "", &UnknownPlaceholder{unknown.Name}
	}
	if err != nil {
		return "", errs.WithHint(fmt.Errorf("call format: %w", err), "write {{ and }} for braces")
	}
	return text, nil
}

// key is the key of the image, "" where it is not annexed.
func (c *Container) key(ctx context.Context, d *dataset.Dataset) string {
	rel, err := d.Rel(c.Image)
	if err != nil {
		return ""
	}
	if _, err := os.Lstat(c.Image); err != nil {
		return ""
	}
	mode, id := gitobj.Mode(0), gitobj.OID("")
	if index, err := d.Repo.ReadIndex(); err == nil {
		if e, ok := index.Lookup(rel); ok {
			mode, id = e.Mode, e.OID
		}
	}
	k, ok, err := d.KeyOf(ctx, rel, mode, id)
	if err != nil || !ok {
		return ""
	}
	return k.String()
}

// Wrap puts the job of an sbatch line into the container: the text of its
// --wrap option. words are those of the line.
func (c *Container) Wrap(ctx context.Context, d *dataset.Dataset, words []string, pwd string) (wrapped []string, call *Call, err error) {
	out := append([]string{}, words...)
	for i, w := range out {
		text, attached := strings.CutPrefix(w, "--wrap=")
		if !attached && (w != "--wrap" || i+1 == len(out)) {
			continue
		}
		at := i
		if !attached {
			at, text = i+1, out[i+1]
		}
		if call, err = c.Command(ctx, d, text, pwd); err != nil {
			return nil, nil, err
		}
		line := "export " + NameVariable + "=" + pyfmt.ShellQuote(c.Name) + "; " + call.Line
		if attached {
			line = "--wrap=" + line
		}
		out[at] = line
		return out, call, nil
	}
	err = errors.New("a job in a container: the sbatch line has no --wrap")
	return nil, nil, errs.WithHint(err, "write the command as one word after --wrap: sbatch --time=10 --wrap 'COMMAND'")
}
