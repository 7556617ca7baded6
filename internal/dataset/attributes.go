package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitattr"
	"github.com/stemma-data/stemma/internal/magic"
	"github.com/stemma-data/stemma/internal/matchexpr"
)

// attributes answers what git attributes and configuration say of a path. It
// holds for one operation: a command may change .gitattributes.
type attributes struct {
	match *gitattr.Matcher
	exprs map[string]matchexpr.Expr
	log   *annexlog.Log // config.log of the git-annex branch, once read
	head  *git.Head     // once read
}

const systemAttributes = "/etc/gitattributes"

// forgetAttributes makes the next question read the files again.
func (d *Dataset) forgetAttributes() {
	d.attrs.Lock()
	defer d.attrs.Unlock()
	d.attr = attributes{}
}

func (d *Dataset) matcher() *gitattr.Matcher {
	d.attrs.Lock()
	defer d.attrs.Unlock()
	if d.attr.match == nil {
		d.attr.match = d.newMatcher(func(dir string) ([]byte, error) {
			return readOptional(d.Repo.Path(filepath.FromSlash(dir), ".gitattributes"))
		})
	}
	return d.attr.match
}

// newMatcher reads what stands outside the work tree; source gives the
// .gitattributes of a folder.
func (d *Dataset) newMatcher(source gitattr.Source) *gitattr.Matcher {
	var system []byte
	if d.env("GIT_ATTR_NOSYSTEM") == "" {
		system, _ = readOptional(systemAttributes)
	}
	global, _ := readOptional(d.globalAttributes())
	info, _ := readOptional(filepath.Join(d.Repo.CommonDir, "info", "attributes"))
	return gitattr.New(source, system, global, info, d.Repo.Config.Bool("core.ignorecase", false))
}

// Converter returns a function that reports whether git would convert a file's
// content between repository and work tree, by the .gitattributes that source
// gives for a folder.
func (d *Dataset) Converter(source gitattr.Source) func(rel string) (bool, error) {
	match := d.newMatcher(source)
	return func(rel string) (bool, error) { return d.converts(match, rel) }
}

// readOptional reads a regular file; a link is refused, as git refuses it for
// .gitattributes.
func readOptional(path string) ([]byte, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	return os.ReadFile(path)
}

func (d *Dataset) globalAttributes() string {
	path := d.Repo.Config.Get("core.attributesfile")
	home := d.env("HOME")
	switch {
	case strings.HasPrefix(path, "~/"):
		return filepath.Join(home, path[2:])
	case path != "":
		return path
	case d.env("XDG_CONFIG_HOME") != "":
		return filepath.Join(d.env("XDG_CONFIG_HOME"), "git", "attributes")
	}
	return filepath.Join(home, ".config", "git", "attributes")
}

func (d *Dataset) env(name string) string {
	for i := len(d.Env.Vars) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(d.Env.Vars[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// needsGit reports whether git would convert the file's content on its way
// into the repository (line ends, encodings, ident, a foreign filter).
func (d *Dataset) needsGit(rel string) (bool, error) { return d.converts(d.matcher(), rel) }

func (d *Dataset) converts(match *gitattr.Matcher, rel string) (bool, error) {
	v, err := match.Get(rel, "text", "crlf", "eol", "ident", "filter", "working-tree-encoding")
	if err != nil {
		return false, fmt.Errorf("attributes of %s: %w", rel, err)
	}
	if v["ident"].State == gitattr.Set || v["working-tree-encoding"].State == gitattr.Valued {
		return true, nil
	}
	if f := v["filter"]; f.State == gitattr.Valued && f.Text != "annex" {
		return true, nil
	}
	if v["text"].State == gitattr.Unset || v["text"].State == gitattr.Unspecified && v["crlf"].State == gitattr.Unset {
		return false, nil
	}
	if v["text"].State != gitattr.Unspecified || v["crlf"].State != gitattr.Unspecified || v["eol"].State == gitattr.Valued {
		return true, nil
	}
	auto := strings.ToLower(d.Repo.Config.Get("core.autocrlf"))
	b, _ := strconv.ParseBool(auto)
	return b || auto == "input" || auto == "yes" || auto == "on", nil
}

// backend returns the hash backend for a path: attribute, configuration, or
// git-annex's default.
func (d *Dataset) backend(rel string) (annexkey.Backend, error) {
	v, err := d.matcher().Get(rel, "annex.backend")
	if err != nil {
		return annexkey.Backend{}, fmt.Errorf("attributes of %s: %w", rel, err)
	}
	name := ""
	if a := v["annex.backend"]; a.State == gitattr.Valued {
		name = a.Text
	}
	for _, key := range []string{"annex.backend", "annex.backends"} {
		if words := strings.Fields(d.Repo.Config.Get(key)); name == "" && len(words) > 0 {
			name = words[0]
		}
	}
	if name == "" {
		name = "SHA256E"
	}
	b, err := annexkey.LookupBackend(name)
	if err == nil && b.New() == nil {
		err = fmt.Errorf("backend %s cannot make keys for files here", name)
	}
	return b, err
}

func (d *Dataset) extRule() annexkey.ExtRule {
	r := annexkey.DefaultExtRule()
	for key, field := range map[string]*int{"annex.maxextensionlength": &r.MaxLen, "annex.maxextensions": &r.MaxCount} {
		if n, err := strconv.Atoi(d.Repo.Config.Get(key)); err == nil && n >= 0 {
			*field = n
		}
	}
	return r
}

// large decides whether a file's content belongs into the annex.
func (d *Dataset) large(ctx context.Context, rel string, c *content) (bool, error) {
	text, err := d.largefiles(ctx, rel)
	if err != nil {
		return false, err
	}
	if text == "" {
		return true, nil
	}
	expr, err := d.expression(text)
	if err != nil {
		return false, fmt.Errorf("annex.largefiles of %s: %w", rel, err)
	}
	return expr.Match(&candidate{rel, c})
}

// largefiles returns the expression for a path: git configuration, then
// attributes, then the repository-wide setting in the git-annex branch.
func (d *Dataset) largefiles(ctx context.Context, rel string) (string, error) {
	if v, ok := d.Repo.Config.Lookup("annex.largefiles"); ok {
		return v, nil
	}
	v, err := d.matcher().Get(rel, "annex.largefiles")
	if err != nil {
		return "", fmt.Errorf("attributes of %s: %w", rel, err)
	}
	if a := v["annex.largefiles"]; a.State == gitattr.Valued {
		return a.Text, nil
	}
	return d.branchSetting(ctx, "annex.largefiles")
}

// branchSetting reads config.log of the git-annex branch, once.
func (d *Dataset) branchSetting(ctx context.Context, key string) (string, error) {
	d.attrs.Lock()
	defer d.attrs.Unlock()
	if d.attr.log == nil {
		text, err := d.branchFile(ctx, "config.log")
		if err != nil {
			return "", err
		}
		log := annexlog.ParseMapLog(text)
		d.attr.log = &log
	}
	e, _ := d.attr.log.Get(key)
	return e.Value, nil
}

// branchFile reads a file of the git-annex branch, or of its journal, without a
// process where it can. It is nil where there is none.
func (d *Dataset) branchFile(ctx context.Context, path string) ([]byte, error) {
	if d.Annex != nil {
		if data, ok, err := d.Annex.JournalFile(path); ok || err != nil {
			return data, err
		}
	}
	tip, err := d.Repo.Ref(ctx, annex.BranchRef)
	if err != nil || tip == "" {
		return nil, err
	}
	view := d.Repo.View(tip)
	data, _, err := view.Blob(ctx, path)
	return data, err
}

// adjustment is that of the branch which is checked out, if it is adjusted.
func (d *Dataset) adjustment(ctx context.Context) (a annex.Adjustment, err error) {
	d.attrs.Lock()
	defer d.attrs.Unlock()
	if d.attr.head == nil {
		head, err := d.Repo.Head(ctx)
		if err != nil {
			return a, err
		}
		d.attr.head = &head
	}
	_, a, _ = annex.ParseAdjusted(d.attr.head.Branch())
	return a, nil
}

func (d *Dataset) expression(text string) (matchexpr.Expr, error) {
	d.attrs.Lock()
	defer d.attrs.Unlock()
	if e, ok := d.attr.exprs[text]; ok {
		return e, nil
	}
	if d.attr.exprs == nil {
		d.attr.exprs = map[string]matchexpr.Expr{}
	}
	e, err := matchexpr.Parse(text)
	if err == nil {
		d.attr.exprs[text] = e
	}
	return e, err
}

// candidate is a file as an expression sees it; it is read only if the
// expression asks for its type.
type candidate struct {
	rel string
	*content
}

func (c *candidate) Path() string         { return c.rel }
func (c *candidate) Size() (int64, error) { return c.fi.Size(), nil }

func (c *candidate) MIME() (typ, enc string, err error) {
	head, err := c.head()
	if err != nil {
		return "", "", err
	}
	return magic.Type(head), magic.Encoding(head), nil
}
