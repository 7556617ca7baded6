package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/fsx"
)

// newDocs writes the documentation of the command line; `make docs` calls it.
func newDocs(a *app) *cobra.Command {
	var man, reference string
	cmd := &cobra.Command{
		Use:     "docs [--man FOLDER] [--reference FILE]",
		Short:   "Write man pages and the command reference",
		Example: "  stemma docs --man man --reference commands.md",
		Hidden:  true,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pages := documented(cmd.Root())
			if man != "" {
				if err := writeMan(a.abs(man), pages); err != nil {
					return err
				}
			}
			if reference == "" {
				return nil
			}
			return fsx.WriteFile(a.abs(reference), []byte(referenceText(pages)), 0o644)
		},
	}
	cmd.Flags().StringVar(&man, "man", "", "write man pages to `FOLDER`")
	cmd.Flags().StringVar(&reference, "reference", "", "write the reference to `FILE`, in Markdown")
	return cmd
}

// documented lists the commands that have a page, the program itself first.
func documented(root *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{root}
	var add func(*cobra.Command)
	add = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if !sub.Hidden && sub.Name() != "help" {
				list = append(list, sub)
				add(sub)
			}
		}
	}
	add(root)
	return list
}

// options are the options of a command that have a help text.
func options(cmd *cobra.Command) []*pflag.Flag {
	var list []*pflag.Flag
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			list = append(list, f)
		}
	})
	return list
}

// spelled is an option with its short form and the word it takes.
func spelled(f *pflag.Flag) (text, usage string) {
	word, usage := pflag.UnquoteUsage(f)
	text = "--" + f.Name
	if f.Shorthand != "" {
		text = "-" + f.Shorthand + ", " + text
	}
	switch {
	case f.NoOptDefVal == "true" || word == "":
	case f.NoOptDefVal != "":
		text += "[=" + word + "]"
	default:
		text += " " + word
	}
	return text, usage
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func description(cmd *cobra.Command) string {
	if cmd.Long != "" {
		return cmd.Long
	}
	return cmd.Short + "."
}

// referenceText is one Markdown document about all commands.
func referenceText(pages []*cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Commands\n\nMade by `make docs`; the same text is in `stemma help COMMAND` and in the man pages.\n")
	for _, cmd := range pages {
		fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n    %s\n\n%s\n", cmd.CommandPath(), cmd.Short, cmd.UseLine(), description(cmd))
		if list := options(cmd); len(list) > 0 {
			b.WriteString("\n| option | meaning |\n|---|---|\n")
			for _, f := range list {
				text, usage := spelled(f)
				fmt.Fprintf(&b, "| `%s` | %s |\n", text, strings.ReplaceAll(usage, "|", `\|`))
			}
		}
		if cmd.Example != "" {
			b.WriteString("\nExamples:\n\n")
			for _, line := range strings.Split(strings.TrimRight(cmd.Example, "\n"), "\n") {
				b.WriteString("    " + strings.TrimPrefix(line, "  ") + "\n")
			}
		}
	}
	return b.String()
}

// writeMan writes a page for each command.
func writeMan(dir string, pages []*cobra.Command) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for _, cmd := range pages {
		if err := fsx.WriteFile(filepath.Join(dir, pageName(cmd)+".1"), []byte(manText(cmd, pages)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// manText is a page in the man macros of roff (man(7)).
func manText(cmd *cobra.Command, pages []*cobra.Command) string {
	var b strings.Builder
	name := pageName(cmd)
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"Stemma\" \"Stemma\"\n.SH NAME\n%s \\- %s\n", strings.ToUpper(roff(name)), roff(name), roff(lowerFirst(cmd.Short)))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n.SH DESCRIPTION\n%s\n", roff(cmd.UseLine()), paragraphs(description(cmd)))
	if list := options(cmd); len(list) > 0 {
		b.WriteString(".SH OPTIONS\n")
		for _, f := range list {
			text, usage := spelled(f)
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(text), roff(usage))
		}
	}
	if cmd.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(strings.TrimRight(cmd.Example, "\n")))
	}
	b.WriteString(".SH SEE ALSO\n")
	var others []string
	for _, p := range pages {
		if p != cmd && (p.GroupID == cmd.GroupID || !cmd.HasParent() || !p.HasParent()) {
			others = append(others, ".BR "+roff(pageName(p))+" (1)")
		}
	}
	b.WriteString(strings.Join(others, ",\n") + "\n")
	return b.String()
}

// roff escapes text for roff, also where it begins a line.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

func paragraphs(s string) string { return strings.ReplaceAll(roff(s), "\n\n", "\n.PP\n") }

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
