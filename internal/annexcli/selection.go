package annexcli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
)

// matching are the options that limit a command to some files. Their order
// makes an expression.
type matching struct{ tokens []string }

// token is an option that adds to the expression.
type token struct {
	m      *matching
	prefix string // "in=" for an option with a value, "and" for a word
	word   bool
	// convert, if not nil, makes a term's value of what was given.
	convert func(string) (string, error)
}

func (t *token) String() string { return "" }

// Type names the value in the help text.
func (t *token) Type() string {
	if t.word {
		return "bool"
	}
	return "VALUE"
}

// Set adds to the expression.
func (t *token) Set(v string) error {
	if t.word {
		t.m.tokens = append(t.m.tokens, t.prefix)
		return nil
	}
	if t.convert != nil {
		var err error
		if v, err = t.convert(v); err != nil {
			return err
		}
	}
	t.m.tokens = append(t.m.tokens, t.prefix+v)
	return nil
}

// value declares an option that adds a term with its value.
func (m *matching) value(f *pflag.FlagSet, name, letter, help string) {
	if f.ShorthandLookup(letter) != nil {
		letter = ""
	}
	f.VarP(&token{m: m, prefix: name + "="}, name, letter, help)
}

// word declares an option that adds a word.
func (m *matching) word(f *pflag.FlagSet, name, letter, term string) {
	f.VarPF(&token{m: m, prefix: term, word: true}, name, letter, "matching: "+term).NoOptDefVal = "true"
}

// fileFlags declares what can be asked about any file.
func (m *matching) fileFlags(f *pflag.FlagSet) {
	m.value(f, "include", "I", "name matches the glob")
	m.value(f, "exclude", "x", "name does not match the glob")
	m.value(f, "largerthan", "", "larger than the size")
	m.value(f, "smallerthan", "", "smaller than the size")
	m.word(f, "not", "!", "not")
	m.word(f, "and", "", "and")
	m.word(f, "or", "", "or")
	m.word(f, "open-parenthesis", "(", "(")
	m.word(f, "close-parenthesis", ")", ")")
}

// flags declares what can be asked about annexed files.
func (m *matching) flags(f *pflag.FlagSet) {
	m.value(f, "in", "i", "content is in the repository")
	m.value(f, "copies", "C", "has that many copies")
	m.value(f, "lackingcopies", "", "needs that many more copies")
	m.value(f, "approxlackingcopies", "", "needs about that many more copies")
	m.value(f, "metadata", "", "has FIELD=GLOB")
	m.value(f, "inbackend", "", "key is of the backend")
	m.value(f, "mimetype", "", "content is of the type")
	m.value(f, "mimeencoding", "", "content has the encoding")
	m.value(f, "inallgroup", "", "all repositories of the group have it")
	m.value(f, "onlyingroup", "", "only repositories of the group have it")
	m.value(f, "includesamecontent", "", "another file with the same content has a name that matches the glob")
	m.value(f, "excludesamecontent", "", "no other file with the same content has such a name")
	m.value(f, "want-get-by", "", "the repository's preferred content has it")
	m.value(f, "want-drop-by", "", "the repository's preferred content does not have it")
	f.Var(&token{m: m, prefix: "accessedwithin=", convert: seconds}, "accessedwithin", "content was read here within the time, such as 1d")
	for _, w := range []string{"want-get", "want-drop", "securehash", "locked", "unlocked", "anything", "nothing"} {
		m.word(f, w, "", w)
	}
	m.fileFlags(f)
}

// seconds is a duration as their number.
func seconds(text string) (string, error) {
	d, ok := parseDuration(text)
	if !ok {
		return "", fmt.Errorf("failed to parse duration %q (expected eg \"5m\" or \"1h5m\")", text)
	}
	return strconv.FormatInt(int64(d/time.Second), 10), nil
}

// selection says which files or keys a command is about.
type selection struct {
	matching
	all, unused, failed bool
	branch              string
	keys                []string
	given               *pflag.FlagSet // nil: a command with options of its own
	// needs, if not nil, is asked before limits count a file.
	needs func(annexcmd.File) bool
}

func (o *selection) flags(f *pflag.FlagSet) {
	o.matching.flags(f)
	o.given = f
	f.BoolVarP(&o.all, "all", "A", false, "all known keys")
	f.BoolVarP(&o.unused, "unused", "U", false, "the keys that `unused` has found")
	f.BoolVar(&o.failed, "failed", false, "not supported")
	f.StringVar(&o.branch, "branch", "", "the files of the branch or tree `REF`")
	f.StringArrayVar(&o.keys, "key", nil, "the `KEY`")
	f.Lookup("failed").Hidden = true
}

// errFailed is the answer to --failed: it would silently leave out what failed
// here.
var errFailed = errs.WithHint(errors.New("--failed is not supported: transfers that failed are not recorded"), "give the same command without it; what has arrived is not transferred again")

// byKey reports whether no work tree files are meant.
func (o *selection) byKey() bool {
	return o.all || o.unused || o.branch != "" || len(o.keys) > 0
}

// contradiction names the second of several options that each say what is meant.
func (o *selection) contradiction() (err error) {
	if o.given == nil {
		return nil
	}
	first := ""
	o.given.Visit(func(f *pflag.Flag) {
		switch {
		case !slices.Contains([]string{"all", "unused", "failed", "branch", "key"}, f.Name):
		case first == "":
			first = f.Name
		case err == nil:
			err = misuse{fmt.Errorf("Invalid option `--%s'", f.Name)}
		}
	})
	return err
}

// each visits what is selected and matches, as far as limits allow it.
func (o *selection) each(c *call, s *annexcmd.Session, paths []string, visit func(annexcmd.File) error) error {
	if err := o.walk(c, s, paths, visit); !errors.Is(err, errLimit) {
		return err
	}
	return nil
}

func (o *selection) walk(c *call, s *annexcmd.Session, paths []string, visit func(annexcmd.File) error) error {
	if err := o.contradiction(); err != nil {
		return err
	}
	m, err := s.NewMatcher(c.ctx, o.tokens)
	if err != nil {
		return err
	}
	take := func(f annexcmd.File) error {
		if ok, err := m.Match(f); err != nil || !ok {
			return err
		}
		if o.needs != nil && !o.needs(f) {
			return nil
		}
		if ok, err := c.passes(f.Key); err != nil || !ok {
			return err
		}
		return visit(f)
	}
	key := func(k annexkey.Key) error { return take(annexcmd.KeyFile(k)) }
	switch {
	case o.failed:
		return errFailed
	case c.common.auto && o.byKey():
		return errors.New("Cannot use --auto with --all or --branch or --unused or --key or --incomplete")
	case o.byKey() && len(paths) > 0 && o.branch == "":
		return errors.New("Can only specify one of file names, --all, --branch, --unused, --failed, --key, or --incomplete")
	case len(o.keys) > 0:
		for _, text := range o.keys {
			k, err := parseKey(text)
			if err != nil {
				return err
			}
			if err := key(k); err != nil {
				return err
			}
		}
		return nil
	case o.unused:
		return s.UnusedKeys(key)
	case o.branch != "":
		return s.TreeFiles(c.ctx, o.branch, func(f annexcmd.File) error {
			f.OfTree = strings.TrimSpace(o.branch)
			f.Input = []string{}
			return take(f)
		})
	case o.all:
		return s.LoggedKeys(c.ctx, func(k annexkey.Key) error {
			if dead, err := s.IsDead(c.ctx, k); err != nil || dead {
				return err
			}
			return key(k)
		})
	}
	return s.Files(c.ctx, paths, take)
}
