package enable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/external"
	"github.com/stemma-data/stemma/internal/remote/ora"
	"github.com/stemma-data/stemma/internal/remote/s3"
)

// kind is a type of special remote.
type kind struct {
	fields   []string // beside those that every type has
	prefixes []string // of fields that the user may make up
	any      bool     // a program knows which fields there are
	plain    bool     // keeps nothing, so that there is nothing to encrypt or split
	// variables are what git's configuration gets, so that the remote is known
	// again. They come from the configuration alone: nothing is asked.
	variables func(s remote.Setup) ([][2]string, error)
	// cost, if not nil, tells what using the remote costs and where it is
	// available, as git-annex's configuration has it.
	cost func(s remote.Setup) [][2]string
	// prepare makes the storage ready and returns the configuration as it is to
	// be stored; nil where there is nothing to do.
	prepare func(ctx context.Context, s remote.Setup) (map[string]string, error)
	// listed, if not nil, asks which parameters there are; false: any.
	listed func(ctx context.Context, s remote.Setup) ([]external.Parameter, bool, error)
}

func kinds() map[string]kind {
	return map[string]kind{
		"directory": {fields: []string{"directory", "ignoreinodes"}, variables: directoryVariables, prepare: prepareDirectory},
		"rsync":     {fields: []string{"rsyncurl", "shellescape"}, variables: rsyncVariables},
		"httpalso":  {fields: []string{"url"}, variables: httpAlsoVariables},
		"web":       {fields: []string{"urlinclude", "urlexclude"}, plain: true, variables: marked("annex-web")},
		"external":  {fields: []string{"externaltype"}, any: true, variables: externalVariables, cost: externalCost, prepare: prepareExternal, listed: externalParameters},
		"S3": {
			fields: []string{
				"bucket", "datacenter", "host", "port", "protocol", "requeststyle", "signature", "region", "storageclass", "fileprefix",
				"public", "publicurl", "partsize", "versioning", "s3creds", "restore",
			},
			prefixes:  []string{"x-amz-meta-", "x-archive-meta-"},
			variables: marked("annex-s3"), prepare: s3.Create,
		},
	}
}

// CheckGit checks the parameters of a git remote that the branch tells of
// (type=git).
func CheckGit(params map[string]string) error {
	k := kind{fields: []string{"location"}, plain: true}
	if err := k.knows(params); err != nil {
		return err
	}
	return checkValues("git", params)
}

func types() []string { return slices.Sorted(maps.Keys(kinds())) }

// marked are the variables of a type that git's configuration only tells the name
// of.
func marked(variable string) func(remote.Setup) ([][2]string, error) {
	return func(remote.Setup) ([][2]string, error) { return [][2]string{{variable, "true"}}, nil }
}

func directoryVariables(s remote.Setup) ([][2]string, error) {
	dir := s.Option("directory")
	if dir == "" {
		return nil, errs.WithHint(errors.New("Specify directory="), "directory=PATH, a folder that exists")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(s.WorkTree, dir)
	}
	return [][2]string{{"annex-directory", filepath.Clean(dir)}}, nil
}

func prepareDirectory(_ context.Context, s remote.Setup) (map[string]string, error) {
	variables, err := directoryVariables(s)
	if err != nil {
		return nil, err
	}
	if fi, err := os.Stat(variables[0][1]); err != nil || !fi.IsDir() {
		return nil, errs.WithHint(fmt.Errorf("Directory does not exist: %s", variables[0][1]), "create it first")
	}
	config := maps.Clone(s.Config)
	delete(config, "directory") // the path is this machine's business
	return config, nil
}

func rsyncVariables(s remote.Setup) ([][2]string, error) {
	url := s.Option("rsyncurl")
	if url == "" {
		return nil, errs.WithHint(errors.New("Specify rsyncurl="), "rsyncurl=HOST:PATH")
	}
	return [][2]string{{"annex-rsyncurl", url}}, nil
}

func httpAlsoVariables(s remote.Setup) ([][2]string, error) {
	if s.Option("url") == "" {
		return nil, errs.WithHint(errors.New("Specify url="), "url=URL, where the other remote's content is served")
	}
	return [][2]string{{"annex-httpalso", "true"}}, nil
}

// externalVariables needs the program, unless Stemma is that itself.
func externalVariables(s remote.Setup) ([][2]string, error) {
	kind := s.Option("externaltype")
	variables := [][2]string{{"annex-externaltype", kind}}
	switch {
	case kind == "":
		return nil, errs.WithHint(errors.New("Specify externaltype="), "externaltype=NAME for the program git-annex-remote-NAME")
	case s.Yes("readonly"):
		return append(variables, [2]string{"annex-readonly", "true"}), nil
	case kind == "ora":
		return variables, nil
	}
	return variables, external.Installed(s, kind)
}

// externalCost is what DataLad's program answers for RIA stores; others are
// asked when they are used.
func externalCost(s remote.Setup) [][2]string {
	if s.Option("externaltype") != "ora" || s.Yes("readonly") {
		return nil
	}
	cost := "200.0"
	if strings.HasPrefix(s.Option("url"), "ria+file:") {
		cost = "100.0"
	}
	return [][2]string{{"annex-cost", cost}, {"annex-availability", "GloballyAvailable"}}
}

// externalParameters asks the program, unless it is not needed here.
func externalParameters(ctx context.Context, s remote.Setup) ([]external.Parameter, bool, error) {
	if s.Yes("readonly") || s.Option("externaltype") == "ora" {
		return nil, false, nil
	}
	return external.Parameters(ctx, s)
}

func prepareExternal(ctx context.Context, s remote.Setup) (map[string]string, error) {
	switch {
	case s.Yes("readonly"):
		config := maps.Clone(s.Config)
		delete(config, "readonly")
		return config, nil
	case s.Option("externaltype") == "ora":
		return ora.Initialise(ctx, s, datasetID(s.WorkTree))
	}
	return external.Initialise(ctx, s)
}

// datasetID is DataLad's id of the dataset; "" if it has none.
func datasetID(workTree string) string {
	text, err := os.ReadFile(filepath.Join(workTree, ".datalad", "config"))
	if err != nil {
		return ""
	}
	cfg, err := git.ParseConfigFile(string(text))
	if err != nil {
		return ""
	}
	return cfg.Get("datalad.dataset.id")
}
