package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/errs"
)

// choice is an option that takes one of some words.
type choice struct {
	value   string
	allowed []string
	greedy  bool // where the value is optional: the word that follows is one, allowed or not
}

func newChoice(def string, allowed ...string) choice { return choice{value: def, allowed: allowed} }

func (c *choice) String() string { return c.value }
func (c *choice) Type() string   { return "WORD" }

// Set takes one of the words.
func (c *choice) Set(s string) error {
	if err := oneOf(s, c.allowed); err != nil {
		return err
	}
	c.value = s
	return nil
}

// choices is a repeatable choice.
type choices struct {
	values  []string
	allowed []string
}

func (c *choices) String() string { return strings.Join(c.values, ",") }
func (c *choices) Type() string   { return "WORD" }

// Set adds one of the words.
func (c *choices) Set(s string) error {
	if err := oneOf(s, c.allowed); err != nil {
		return err
	}
	c.values = append(c.values, s)
	return nil
}

func oneOf(s string, allowed []string) error {
	if slices.Contains(allowed, s) {
		return nil
	}
	return fmt.Errorf("invalid choice: '%s' (choose from '%s')", s, strings.Join(allowed, "', '"))
}

// parallel is the number of -J: 0 stands for "auto".
type parallel int

func (p *parallel) String() string {
	if *p == 0 {
		return "auto"
	}
	return strconv.Itoa(int(*p))
}

func (p *parallel) Type() string { return "N" }

// Set takes a number of at least one, or auto.
func (p *parallel) Set(s string) error {
	if s == "auto" {
		*p = 0
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 10000 {
		return fmt.Errorf("'%s' is neither a number from 1 to 10000 nor 'auto'", s)
	}
	*p = parallel(n)
	return nil
}

// optionalValue marks an option whose word may be left out; then it is def.
func optionalValue(f *pflag.FlagSet, name, def string) { f.Lookup(name).NoOptDefVal = def }

// expandOptions rewrites arguments as argparse reads them into what pflag
// reads: unique prefixes of long options are completed, and a word after an
// option whose value is optional is attached to it. With rest, options end at
// the first argument that is none.
func expandOptions(f *pflag.FlagSet, args []string, rest bool) ([]string, error) {
	var out []string
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" || rest && !isOption(arg) {
			return append(out, args[i:]...), nil
		}
		if !isOption(arg) {
			out = append(out, arg)
			continue
		}
		arg, flag, complete, err := completeOption(f, arg)
		if err != nil {
			return nil, err
		}
		switch {
		case flag == nil || complete:
		case flag.NoOptDefVal == "" && i+1 < len(args):
			out = append(out, arg)
			i++
			arg = args[i]
		case i+1 < len(args) && takesWord(flag, args[i+1]):
			i++
			arg += "=" + args[i]
		}
		out = append(out, arg)
	}
	return out, nil
}

func isOption(arg string) bool { return len(arg) > 1 && arg[0] == '-' }

// completeOption finds the option that arg means; complete says that its value
// is in arg, or that it takes none. An unknown option is left for pflag.
func completeOption(f *pflag.FlagSet, arg string) (text string, flag *pflag.Flag, complete bool, err error) {
	if long, ok := strings.CutPrefix(arg, "--"); ok {
		name, _, hasValue := strings.Cut(long, "=")
		flag, err = longOption(f, name)
		if err != nil || flag == nil {
			return arg, nil, true, err
		}
		return "--" + flag.Name + long[len(name):], flag, hasValue || flag.NoOptDefVal == "true", nil
	}
	for i := 1; i < len(arg); i++ {
		flag = shortOption(f, arg[i])
		if flag == nil || flag.NoOptDefVal == "" {
			return arg, flag, i+1 < len(arg), nil
		}
	}
	return arg, flag, flag.NoOptDefVal == "true", nil
}

func shortOption(f *pflag.FlagSet, c byte) *pflag.Flag {
	if c >= 0x80 {
		return nil
	}
	return f.ShorthandLookup(string(c))
}

// longOption finds an option by its name or a prefix that fits one only.
func longOption(f *pflag.FlagSet, name string) (*pflag.Flag, error) {
	if flag := f.Lookup(name); flag != nil || name == "" {
		return flag, nil
	}
	var found []string
	f.VisitAll(func(flag *pflag.Flag) {
		if strings.HasPrefix(flag.Name, name) {
			found = append(found, "--"+flag.Name)
		}
	})
	if len(found) > 1 {
		err := fmt.Errorf("ambiguous option: --%s could match %s", name, strings.Join(found, ", "))
		return nil, errs.WithExit(err, errs.ExitUsage)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return f.Lookup(found[0][2:]), nil
}

// takesWord reports whether word is taken as the optional value of flag.
func takesWord(flag *pflag.Flag, word string) bool {
	switch v := flag.Value.(type) {
	case *choice:
		return slices.Contains(v.allowed, word) || v.greedy && !isOption(word)
	case *recklessness:
		return !isOption(word) // whatever it is, so that a typo is none of the arguments
	}
	return false
}

// usageError gives the errors of pflag DataLad's words and exit codes. inCommand
// tells options of a command from global ones.
func usageError(err error, inCommand bool) error {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
		missing *pflag.ValueRequiredError
	)
	switch {
	case errors.As(err, &unknown):
		return unknownOption(unknown, inCommand)
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		name := "--" + flag.Name
		if flag.Shorthand != "" {
			name = "-" + flag.Shorthand + "/" + name
		}
		return &misuse{errs.WithExit(fmt.Errorf("argument %s: %w", name, errors.Unwrap(invalid)), errs.ExitUsage)}
	case errors.As(err, &missing):
		return &misuse{errs.WithExit(fmt.Errorf("argument --%s: expected one argument", missing.GetFlag().Name), errs.ExitUsage)}
	}
	return &misuse{err}
}

func unknownOption(unknown *pflag.NotExistError, inCommand bool) error {
	option := "--" + unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		option = "-" + unknown.GetSpecifiedName()
	}
	err := fmt.Errorf("unknown argument: %s", option)
	switch {
	case !inCommand:
		err = errs.WithHint(err, "options of a command go after the command")
	case isGlobal(option):
		err = errs.WithHint(err, "%s is a global option: it goes before the command", option)
	}
	return &misuse{err}
}

// misuse is an error that shows the command's usage.
type misuse struct{ error }

func (m *misuse) Unwrap() error { return m.error }

// unknownArguments is the answer to arguments that a command does not take.
func unknownArguments(args []string) error {
	if len(args) == 1 {
		return &misuse{fmt.Errorf("unknown argument: %s", args[0])}
	}
	return &misuse{fmt.Errorf("unknown arguments: ['%s']", strings.Join(args, "', '"))}
}

// optionalText is an option for which blank differs from absent.
type optionalText struct{ value *string }

func (o *optionalText) String() string {
	if o.value == nil {
		return ""
	}
	return *o.value
}

func (o *optionalText) Type() string { return "TEXT" }

// Set takes any text.
func (o *optionalText) Set(s string) error {
	o.value = &s
	return nil
}
