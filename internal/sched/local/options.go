package local

import (
	"fmt"
	"strings"
)

// Whether an option of sbatch takes a value.
const (
	flag     = 'f'
	value    = 'v'
	optional = 'o' // only as --name=value
)

// option is one of sbatch's options.
type option struct {
	name  string
	short byte // 0: none
	takes byte
	used  bool // it means something here; others are accepted and ignored
}

// options are those of sbatch(1) in Slurm 22.05 and newer. used ones come
// first.
var options = parseTable(`
a array v  b begin v  c cpus-per-task v  d dependency v  D chdir v  e error v  - export v  H hold f  i input v
J job-name v  - kill-on-invalid-dep v  n ntasks v  o output v  - open-mode v  - parsable f  Q quiet f  t time v
V version f  W wait f  - wrap v  h help f  v verbose f
|
A account v  - bb v  - bbf v  M clusters v  - comment v  C constraint v  - container v
- container-id v  - contiguous f  S core-spec v  - cores-per-socket v  - cpu-freq v  - cpus-per-gpu v  - deadline v
- delay-boot v  m distribution v  x exclude v  - exclusive o  - export-file v  B extra-node-info v  - extra v
- get-user-env o  - gid v  - gpu-bind v  - gpu-freq v  G gpus v  - gpus-per-node v  - gpus-per-socket v
- gpus-per-task v  - gres v  - gres-flags v  - hint v  - ignore-pbs f  k no-kill o  L licenses v  - mail-type v
- mail-user v  - mcs-label v  - mem v  - mem-bind v  - mem-per-cpu v  - mem-per-gpu v  - mincpus v  - network v
- nice o  - no-requeue f  F nodefile v  w nodelist v  N nodes v  - ntasks-per-core v  - ntasks-per-gpu v
- ntasks-per-node v  - ntasks-per-socket v  O overcommit f  s oversubscribe f  p partition v  - power v  - prefer v
- priority v  - profile v  - propagate o  q qos v  - reboot f  - requeue f  - reservation v  - signal v
- sockets-per-node v  - spread-job f  - switches v  - test-only f  - thread-spec v  - threads-per-core v
- time-min v  - tmp v  - tres-per-task v  - tres-bind v  - uid v  - usage f  - use-min-nodes f  - wckey v
- stepmgr f  - segment v  - oom-kill-step o  - resv-ports o`)

func parseTable(table string) (list []option) {
	used := true
	fields := strings.Fields(table)
	for i := 0; i < len(fields); {
		if fields[i] == "|" {
			used, i = false, i+1
			continue
		}
		o := option{name: fields[i+1], takes: fields[i+2][0], used: used}
		if fields[i] != "-" {
			o.short = fields[i][0]
		}
		list = append(list, o)
		i += 3
	}
	return list
}

// given is what a command line or script asks for.
type given struct {
	values  map[string]string
	ignored []string // names, in order
	rest    []string // script and its arguments
}

// parseArgs reads sbatch options up to the first argument that is none.
func (g *given) parseArgs(args []string) error {
	for len(args) > 0 {
		arg := args[0]
		if arg == "--" {
			g.rest = args[1:]
			return nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			g.rest = args
			return nil
		}
		var err error
		if strings.HasPrefix(arg, "--") {
			args, err = g.long(arg[2:], args[1:])
		} else {
			args, err = g.shorts(arg[1:], args[1:])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// long reads --name, --name=value or --name value; a name may be shortened
// as long as it is clear.
func (g *given) long(arg string, args []string) ([]string, error) {
	name, val, hasValue := strings.Cut(arg, "=")
	o, err := findLong(name)
	if err != nil {
		return nil, err
	}
	switch {
	case o.takes == flag && hasValue:
		return nil, fmt.Errorf("option '--%s' doesn't allow an argument", o.name)
	case o.takes == value && !hasValue && len(args) == 0:
		return nil, fmt.Errorf("option '--%s' requires an argument", o.name)
	case o.takes == value && !hasValue:
		val, args = args[0], args[1:]
	}
	g.set(o, val)
	return args, nil
}

func findLong(name string) (option, error) {
	var found []option
	for _, o := range options {
		if o.name == name {
			return o, nil
		}
		if strings.HasPrefix(o.name, name) {
			found = append(found, o)
		}
	}
	switch len(found) {
	case 0:
		return option{}, fmt.Errorf("unrecognized option '--%s'", name)
	case 1:
		return found[0], nil
	}
	return option{}, fmt.Errorf("option '--%s' is ambiguous", name)
}

// shorts reads -H, -Jname, -J name and clusters of flags.
func (g *given) shorts(letters string, args []string) ([]string, error) {
	for letters != "" {
		o, ok := findShort(letters[0])
		if !ok {
			return nil, fmt.Errorf("invalid option -- '%c'", letters[0])
		}
		letters = letters[1:]
		val := ""
		if o.takes != flag && letters != "" {
			val, letters = strings.TrimPrefix(letters, "="), ""
		} else if o.takes == value && len(args) == 0 {
			return nil, fmt.Errorf("option requires an argument -- '%c'", o.short)
		} else if o.takes == value {
			val, args = args[0], args[1:]
		}
		g.set(o, val)
	}
	return args, nil
}

func findShort(letter byte) (option, bool) {
	for _, o := range options {
		if o.short == letter {
			return o, true
		}
	}
	return option{}, false
}

func (g *given) set(o option, val string) {
	if !o.used {
		g.ignored = append(g.ignored, "--"+o.name)
		return
	}
	if g.values == nil {
		g.values = map[string]string{}
	}
	if o.takes == flag {
		val = "yes"
	}
	g.values[o.name] = val
}

func (g *given) has(name string) bool { _, ok := g.values[name]; return ok }

// under fills in what less has and g has not: the command line wins over the
// script.
func (g *given) under(less *given) {
	for name, val := range less.values {
		if !g.has(name) {
			g.set(option{name: name, used: true}, val)
		}
	}
	g.ignored = append(g.ignored, less.ignored...)
}
