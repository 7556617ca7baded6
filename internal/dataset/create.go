package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// CreateOptions says what a new dataset is like.
type CreateOptions struct {
	Path        string // absolute
	Super       string // dataset that the user named, absolute; "" for none
	Description string // of this annex; "" for user@host:path
	NoAnnex     bool
	Force       bool     // also in a folder that is not empty
	GitInit     []string // further arguments for git init
	Procedures  []string // names for -c, without "cfg_"
	Message     string   // "" for DataLad's
	Backend     string   // hash backend; "" for MD5E
	// Config is written into the new repository's own configuration.
	Config [][2]string
	User   string // login name, for the description
	Host   string
	Home   string
	// RunProcedure runs one of Procedures; nil: only those built in are known.
	RunProcedure func(ctx context.Context, d *Dataset, name string, sink result.Sink) error
}

// notEmptyMessage is DataLad's.
const notEmptyMessage = "will not create a dataset in a non-empty directory, use `--force` option to ignore"

// Create makes a dataset, or an existing repository into one. It reports a
// record for each procedure and one for the dataset.
func Create(ctx context.Context, opt CreateOptions, env Env, sink result.Sink) (*Dataset, error) {
	record := result.New("create", result.Error, opt.Path, result.Dataset).With("refds", nil)
	if opt.Super != "" {
		record = record.Ref(opt.Super)
	}
	super, err := opt.openSuper(ctx, env)
	if err != nil {
		return nil, err
	}
	why, err := opt.refused(ctx, super, env)
	if err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	if why != nil {
		return nil, sink.Emit(record.With("message", why))
	}
	if opt.Backend == "" {
		opt.Backend = "MD5E"
	}
	if _, err := annexkey.LookupBackend(opt.Backend); err != nil {
		return nil, err
	}
	if err := knownIdentity(ctx, opt.Path, env); err != nil {
		return nil, err
	}
	repo, err := initRepo(ctx, opt, env)
	if err != nil {
		return nil, err
	}
	d, err := setUp(ctx, repo, opt, env)
	if err != nil {
		return nil, err
	}
	for _, p := range opt.Procedures {
		runProcedure := d.Procedure
		if opt.RunProcedure != nil {
			runProcedure = func(ctx context.Context, name string, sink result.Sink) error {
				return opt.RunProcedure(ctx, d, name, sink)
			}
		}
		if err := runProcedure(ctx, p, sink); err != nil {
			return nil, err
		}
	}
	if super != nil {
		if err := super.register(ctx, opt, sink); err != nil {
			return nil, err
		}
	}
	return d, sink.Emit(record.As(result.OK))
}

// refused says why nothing is made, as the message of a record, or nil.
func (opt CreateOptions) refused(ctx context.Context, super *Dataset, env Env) (any, error) {
	if why, err := opt.misplaced(ctx, super, env); why != nil || err != nil {
		return why, err
	}
	empty, err := emptyOrMissing(opt.Path)
	if err != nil || empty || opt.Force {
		return nil, err
	}
	return notEmptyMessage, nil
}

func emptyOrMissing(path string) (bool, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return len(entries) == 0, nil
}

// knownIdentity asks git who will commit, before anything is made.
func knownIdentity(ctx context.Context, path string, env Env) error {
	for ; ; path = filepath.Dir(path) {
		if fi, err := os.Stat(path); err == nil && fi.IsDir() || path == filepath.Dir(path) {
			break
		}
	}
	cmd := exec.CommandContext(ctx, "git", "var", "GIT_COMMITTER_IDENT")
	cmd.Dir, cmd.Env = path, env.Vars
	if out, err := cmd.CombinedOutput(); err != nil {
		return errs.WithHint(fmt.Errorf("create: git does not know who you are: %s", firstLine(out)),
			"git config --global user.name NAME; git config --global user.email ADDRESS")
	}
	return nil
}

// firstLine is the first line of git's complaint that says something.
func firstLine(out []byte) string {
	for _, l := range strings.Split(string(out), "\n") {
		if strings.HasPrefix(l, "fatal:") || strings.HasPrefix(l, "error:") {
			return l
		}
	}
	return strings.TrimSpace(string(out))
}

// initRepo runs git init, unless the folder is a repository already.
func initRepo(ctx context.Context, opt CreateOptions, env Env) (*git.Repo, error) {
	if _, err := os.Lstat(filepath.Join(opt.Path, ".git")); err == nil {
		return git.Open(ctx, opt.Path, git.Options{Env: env.Vars})
	}
	if err := os.MkdirAll(opt.Path, 0o777); err != nil {
		return nil, fmt.Errorf("create: %w", err)
	}
	args := append([]string{"init", "-q"}, opt.GitInit...)
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = opt.Path, append(slices.Clone(env.Vars), git.PlainTemplate(ctx, env.Vars, opt.GitInit)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("git init: %s", strings.TrimSpace(string(out)))
	}
	repo, err := git.Open(ctx, opt.Path, git.Options{Env: env.Vars})
	if err != nil {
		return nil, err
	}
	return repo, repo.TemplateFolders()
}

// setUp initialises the annex, writes the dataset's own files and commits.
func setUp(ctx context.Context, repo *git.Repo, opt CreateOptions, env Env) (*Dataset, error) {
	d, err := From(repo, env)
	if err != nil {
		return nil, err
	}
	var logs []annex.LogEdit
	if !opt.NoAnnex {
		if d.Annex, logs, err = annex.Init(repo, annex.InitOptions{
			UUID: NewUUID(), Description: opt.describe(repo), Now: d.LogClock(),
		}); err != nil {
			return nil, err
		}
	}
	if err := d.writeOverrides(opt.Config); err != nil {
		return nil, err
	}
	files, err := d.ownFiles(opt)
	if err != nil {
		return nil, err
	}
	message := opt.Message
	if message == "" {
		message = "[DATALAD] new dataset"
	}
	_, err = d.Publisher().Publish(ctx, commit.Request{
		Commits: []commit.Commit{{Message: message + "\n", Files: files}},
		Logs:    logs,
		Reason:  "stemma create",
	})
	if err != nil {
		return nil, err
	}
	return From(repo, env)
}

// describe is git-annex's default description.
func (opt CreateOptions) describe(repo *git.Repo) string {
	if opt.Description != "" {
		return opt.Description
	}
	path := repo.WorkTree
	if rel, ok := below(opt.Home, path); ok && opt.Home != "" {
		path = "~/" + rel
	}
	return opt.User + "@" + opt.Host + ":" + path
}

func (d *Dataset) writeOverrides(config [][2]string) error {
	var b strings.Builder
	for _, kv := range config {
		first, last := strings.IndexByte(kv[0], '.'), strings.LastIndexByte(kv[0], '.')
		if first < 0 {
			return fmt.Errorf("configuration %q: not of the form section.name", kv[0])
		}
		section := kv[0][:first]
		if first != last {
			section += ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(kv[0][first+1:last]) + `"`
		}
		fmt.Fprintf(&b, "[%s]\n\t%s = %s\n", section, kv[0][last+1:], configQuote(kv[1]))
	}
	if b.Len() == 0 {
		return nil
	}
	return d.Repo.AppendConfig(b.String())
}

// configQuote quotes a value where git would read it otherwise.
func configQuote(s string) string {
	if s != "" && !strings.ContainsAny(s, "\"\\\n\t;#") && strings.TrimSpace(s) == s {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// ownFiles writes the files that make a repository a dataset and returns them
// for the commit. Files that are there already stay.
func (d *Dataset) ownFiles(opt CreateOptions) ([]commit.File, error) {
	id := d.ID
	if id == "" {
		id = NewUUID()
	}
	list := [][2]string{{".datalad/config", "[datalad \"dataset\"]\n\tid = " + id + "\n"}}
	if opt.NoAnnex {
		list = append(list, [2]string{".noannex", ""})
	} else {
		list = append(list,
			[2]string{".datalad/.gitattributes", "config annex.largefiles=nothing\n"},
			[2]string{".gitattributes", "* annex.backend=" + opt.Backend + "\n**/.git* annex.largefiles=nothing\n"})
	}
	var files []commit.File
	for _, f := range list {
		file, err := d.ownFile(f[0], f[1])
		if err != nil {
			return nil, fmt.Errorf("create: %w", err)
		}
		files = append(files, file)
	}
	return files, nil
}

// ownFile puts text at the path, or after what is there, unless it is there
// already.
func (d *Dataset) ownFile(rel, text string) (commit.File, error) {
	path := d.Repo.Path(filepath.FromSlash(rel))
	old, err := readOptional(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return commit.File{}, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return commit.File{}, err
	}
	data := old
	if !strings.Contains(string(old), strings.TrimSpace(text)) && !(rel == ".datalad/config" && d.ID != "") {
		if n := len(data); n > 0 && data[n-1] != '\n' {
			data = append(data, '\n')
		}
		data = append(data, text...)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		return commit.File{}, err
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return commit.File{}, err
	}
	return commit.File{Path: rel, Mode: gitobj.ModeFile, Data: data, Stat: gitindex.StatOf(fi)}, nil
}

// NewUUID returns a random lower-case version 4 UUID.
func NewUUID() string { return annex.NewUUID() }
