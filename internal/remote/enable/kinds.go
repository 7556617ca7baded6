package enable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

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
	// prepare makes the storage ready. It returns the configuration as it is to
	// be stored, and what git's configuration gets.
	prepare func(ctx context.Context, s remote.Setup) (map[string]string, [][2]string, error)
}

func kinds() map[string]kind {
	return map[string]kind{
		"directory": {fields: []string{"directory"}, prepare: prepareDirectory},
		"rsync":     {fields: []string{"rsyncurl", "shellescape"}, prepare: prepareRsync},
		"httpalso":  {fields: []string{"url"}, prepare: prepareHTTPAlso},
		"external":  {fields: []string{"externaltype"}, any: true, prepare: prepareExternal},
		"S3": {
			fields: []string{
				"bucket", "datacenter", "host", "port", "protocol", "requeststyle", "signature", "region", "storageclass", "fileprefix",
				"public", "publicurl", "partsize", "versioning", "s3creds", "restore",
			},
			prefixes: []string{"x-amz-meta-", "x-archive-meta-"}, prepare: prepareS3,
		},
	}
}

func types() []string { return slices.Sorted(maps.Keys(kinds())) }

func prepareDirectory(_ context.Context, s remote.Setup) (map[string]string, [][2]string, error) {
	dir := s.Option("directory")
	if dir == "" {
		return nil, nil, errs.WithHint(errors.New("Specify directory="), "directory=PATH, a folder that exists")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(s.WorkTree, dir)
	}
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return nil, nil, errs.WithHint(fmt.Errorf("Directory does not exist: %s", dir), "create it first")
	}
	config := maps.Clone(s.Config)
	delete(config, "directory") // the path is this machine's business
	return config, [][2]string{{"annex-directory", filepath.Clean(dir)}}, nil
}

func prepareRsync(_ context.Context, s remote.Setup) (map[string]string, [][2]string, error) {
	url := s.Option("rsyncurl")
	if url == "" {
		return nil, nil, errs.WithHint(errors.New("Specify rsyncurl="), "rsyncurl=HOST:PATH")
	}
	return s.Config, [][2]string{{"annex-rsyncurl", url}}, nil
}

func prepareHTTPAlso(_ context.Context, s remote.Setup) (map[string]string, [][2]string, error) {
	if s.Option("url") == "" {
		return nil, nil, errs.WithHint(errors.New("Specify url="), "url=URL, where the other remote's content is served")
	}
	return s.Config, [][2]string{{"annex-httpalso", "true"}}, nil
}

func prepareS3(ctx context.Context, s remote.Setup) (map[string]string, [][2]string, error) {
	config, err := s3.Create(ctx, s)
	return config, [][2]string{{"annex-s3", "true"}}, err
}

func prepareExternal(ctx context.Context, s remote.Setup) (map[string]string, [][2]string, error) {
	kind := s.Option("externaltype")
	if kind == "" {
		return nil, nil, errs.WithHint(errors.New("Specify externaltype="), "externaltype=NAME for the program git-annex-remote-NAME")
	}
	variables := [][2]string{{"annex-externaltype", kind}}
	if s.Yes("readonly") {
		config := maps.Clone(s.Config)
		delete(config, "readonly")
		return config, append(variables, [2]string{"annex-readonly", "true"}), nil
	}
	if kind == "ora" {
		config, err := ora.Initialise(ctx, s, datasetID(s.WorkTree))
		return config, append(variables, [2]string{"annex-availability", "GloballyAvailable"}), err
	}
	config, err := external.Initialise(ctx, s)
	return config, variables, err
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
