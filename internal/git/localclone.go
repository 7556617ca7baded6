package git

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// errOnlyGit says that a clone is left to git.
var errOnlyGit = errors.New("a clone that only git can make")

// CloneLocal makes the git folder of a clone as `git clone` does of a
// repository on the same file system, with its objects as hard links, but
// without a process. The work tree and the index are left to CheckOut. It is
// false, and nothing is changed, where git's rules are not certain to be kept:
// that one is to be asked then, and finds the words for errors, too. Until it is
// complete, the git folder has a name for which IsUnfinished is true; begin is
// called with its path when it is made.
func CloneLocal(ctx context.Context, opt CloneOptions, begin func(gitDir string) error) bool {
	c, err := newLocalClone(ctx, opt)
	if c != nil && c.source != nil {
		defer c.source.Close()
	}
	if err != nil {
		return false
	}
	if err := c.run(ctx, begin); err != nil {
		c.wipe()
		return false
	}
	return true
}

// unfinishedPrefix begins the names of git folders that are being made.
const unfinishedPrefix = fsx.TempPrefix + "clone-"

// IsUnfinished reports the name of a git folder that CloneLocal is making, or
// was killed over.
func IsUnfinished(name string) bool { return strings.HasPrefix(name, unfinishedPrefix) }

// localClone is one clone of a repository by its path.
type localClone struct {
	opt    CloneOptions
	source *Repo
	user   *Config
	env    []string
	gitDir string // while it is being made
	made   string // the outermost folder that did not exist; "": opt.Dir did
	refs   *sourceRefs
}

func newLocalClone(ctx context.Context, opt CloneOptions) (*localClone, error) {
	if len(opt.Args) > 0 || !filepath.IsAbs(opt.URL) || CheckURL(opt.URL) != nil || !plainEnvironment(opt.Env) {
		return nil, errOnlyGit
	}
	c := &localClone{opt: opt, env: cleanEnv(opt.Env), gitDir: filepath.Join(opt.Dir, unfinishedPrefix+strings.ToLower(rand.Text()[:16]))}
	outer, ok := readOuter(c.env)
	if !ok {
		return nil, errOnlyGit
	}
	c.user = NewConfig(append(slices.Clone(outer.weak), outer.strong...)...)
	if slices.ContainsFunc(c.user.Keys(""), func(key string) bool { return !unrelatedToClones(key) }) {
		return nil, errOnlyGit
	}
	var err error
	if c.source, err = OpenAt(ctx, opt.URL, Options{Env: opt.Env}); err != nil {
		return c, err
	}
	return c, c.checkSource()
}

// plainEnvironment reports that no variable may tell git to clone otherwise.
func plainEnvironment(env []string) bool {
	harmless := []string{"GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG_", "GIT_CEILING_DIRECTORIES", "GIT_EDITOR", "GIT_SEQUENCE_EDITOR",
		"GIT_PAGER", "GIT_ASKPASS", "GIT_SSH", "GIT_SSL_", "GIT_HTTP_", "GIT_TERMINAL_PROMPT", "GIT_OPTIONAL_LOCKS", "GIT_ATTR_NOSYSTEM"}
	for _, kv := range env {
		if strings.HasPrefix(kv, "GIT_") && !slices.ContainsFunc(harmless, func(p string) bool { return strings.HasPrefix(kv, p) }) {
			return false
		}
	}
	return true
}

// Settings of the user that change nothing about a clone by path: whole
// sections, and keys of others.
var (
	unrelatedSections = strings.Fields(`advice alias annex author blame color column commit committer credential datalad diff
		difftool format gc gpg gui help http interactive lfs log maintenance merge mergetool pager pull push rebase rerere
		safe sendemail status stemma tag user`)
	unrelatedKeys = strings.Fields(`core.abbrev core.askpass core.attributesfile core.commentchar core.editor
		core.excludesfile core.pager core.quotepath core.sshcommand core.whitespace init.defaultbranch
		filter.lfs.clean filter.lfs.smudge filter.lfs.process filter.lfs.required`)
)

func unrelatedToClones(key string) bool {
	section, _, _ := strings.Cut(key, ".")
	return slices.Contains(unrelatedSections, section) || slices.Contains(unrelatedKeys, key)
}

// checkSource refuses sources whose objects or refs are more than plain files.
func (c *localClone) checkSource() error {
	s := c.source
	if s.CommonDir != s.GitDir || s.Format != gitobj.SHA1 || !s.NativeRefs() {
		return errOnlyGit
	}
	for _, prefix := range []string{"extensions.", "transfer.", "uploadpack.", "receive.", "core.alternaterefs", "remote."} {
		for _, key := range s.Config.Keys(prefix) {
			if prefix != "remote." || strings.HasSuffix(key, ".promisor") || strings.HasSuffix(key, ".partialclonefilter") {
				return errOnlyGit
			}
		}
	}
	for _, name := range []string{"shallow", "info/grafts", "objects/info/alternates", "objects/info/http-alternates"} {
		if _, err := os.Lstat(filepath.Join(s.GitDir, filepath.FromSlash(name))); !errors.Is(err, fs.ErrNotExist) {
			return errOnlyGit
		}
	}
	return nil
}

// run makes the git folder. Refs are read before objects are linked, so that
// whatever they lead to is there.
func (c *localClone) run(ctx context.Context, begin func(gitDir string) error) (err error) {
	if c.refs, err = readSourceRefs(c.source); err != nil {
		return err
	}
	if err := c.makeFolders(begin); err != nil {
		return err
	}
	if err := c.writeConfig(); err != nil {
		return err
	}
	if err := linkObjects(ctx, filepath.Join(c.source.GitDir, "objects"), filepath.Join(c.gitDir, "objects")); err != nil {
		return err
	}
	if err := c.writeRefs(ctx); err != nil {
		return err
	}
	return os.Rename(c.gitDir, filepath.Join(c.opt.Dir, ".git"))
}

// makeFolders makes the clone's folder, which may be there if it is empty.
func (c *localClone) makeFolders(begin func(gitDir string) error) error {
	for d := c.opt.Dir; ; d = filepath.Dir(d) {
		if _, err := os.Lstat(d); err == nil {
			break
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		c.made = d
	}
	if err := os.MkdirAll(c.opt.Dir, 0o777); err != nil {
		return err
	}
	if names, err := os.ReadDir(c.opt.Dir); err != nil || len(names) > 0 {
		return errors.Join(err, errOnlyGit)
	}
	if err := os.Mkdir(c.gitDir, 0o777); err != nil {
		return err
	}
	if err := begin(c.gitDir); err != nil {
		return err
	}
	for _, name := range []string{"objects", "objects/info", "objects/pack", "refs", "refs/heads", "refs/tags"} {
		if err := os.Mkdir(filepath.Join(c.gitDir, filepath.FromSlash(name)), 0o777); err != nil {
			return err
		}
	}
	return nil
}

// wipe takes away what was made.
func (c *localClone) wipe() {
	os.RemoveAll(c.gitDir)
	for d := c.opt.Dir; c.made != "" && len(d) >= len(c.made); d = filepath.Dir(d) {
		os.Remove(d) // if it is empty
	}
}

// writeConfig writes what git writes on a file system that keeps modes, links
// and the case of names; any other is left to git.
func (c *localClone) writeConfig() error {
	url, merge, err := configValues(c.opt.URL, c.refs.head)
	if err != nil {
		return err
	}
	text := "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n" +
		"[remote \"origin\"]\n\turl = " + url + "\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n" +
		"[branch \"" + c.refs.branch() + "\"]\n\tremote = origin\n\tmerge = " + merge + "\n"
	path := filepath.Join(c.gitDir, "config")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		return err
	}
	return probeFileSystem(path)
}

// configValues writes values as git does, or refuses those that need quotes.
func configValues(values ...string) (a, b string, err error) {
	for _, v := range values {
		if strings.ContainsAny(v, "\"\\\n#;\t\r") || v != strings.TrimSpace(v) {
			return "", "", errOnlyGit
		}
	}
	return values[0], values[1], nil
}

// probeFileSystem looks, as `git init` does, whether the file system keeps the
// executable bit, has symbolic links, and tells upper from lower case.
func probeFileSystem(config string) error {
	fi, err := os.Lstat(config)
	if err != nil {
		return err
	}
	flipped := fi.Mode().Perm() ^ 0o100
	if err := os.Chmod(config, flipped); err != nil {
		return err
	}
	now, err := os.Lstat(config)
	if err != nil || now.Mode().Perm() != flipped {
		return errors.Join(err, errOnlyGit)
	}
	if err := os.Chmod(config, fi.Mode().Perm()); err != nil {
		return err
	}
	dir := filepath.Dir(config)
	if _, err := os.Lstat(filepath.Join(dir, "CoNfIg")); !errors.Is(err, fs.ErrNotExist) {
		return errOnlyGit
	}
	link := filepath.Join(dir, "tlink")
	if err := os.Symlink("testing", link); err != nil {
		return err
	}
	return os.Remove(link)
}

// writeRefs writes packed-refs, the branch that is checked out, and their logs.
func (c *localClone) writeRefs(ctx context.Context) error {
	packed, err := c.refs.packed(c.source.objects())
	if err != nil {
		return err
	}
	who, err := (&Repo{WorkTree: c.opt.Dir, GitDir: c.gitDir, CommonDir: c.gitDir, Config: c.user, env: c.env}).identity(ctx, "COMMITTER", time.Now())
	if err != nil {
		return err
	}
	tip := c.refs.tip
	log := fmt.Sprintf("%s %s %s\tclone: from %s\n", c.source.Format.Zero(), tip, who, c.opt.URL)
	files := []struct{ name, text string }{
		{"packed-refs", packed},
		{c.refs.head, string(tip) + "\n"},
		{"refs/remotes/origin/HEAD", "ref: refs/remotes/origin/" + c.refs.branch() + "\n"},
		{"logs/" + c.refs.head, log},
		{"logs/refs/remotes/origin/HEAD", log},
		{"logs/HEAD", log},
		{"HEAD", "ref: " + c.refs.head + "\n"},
	}
	for _, f := range files {
		path := filepath.Join(c.gitDir, filepath.FromSlash(f.name))
		if strings.Contains(f.name, "/") {
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				return err
			}
		}
		if err := os.WriteFile(path, []byte(f.text), 0o666); err != nil {
			return err
		}
	}
	return nil
}
