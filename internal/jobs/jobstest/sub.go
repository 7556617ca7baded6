package jobstest

import (
	"path"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/result"
)

// Sub makes a subdataset with a job script and an input; its parent is a
// dataset of the bench.
func (b *Bench) Sub(parent, name string) {
	b.t.Helper()
	super := filepath.Join(b.Dir, filepath.FromSlash(parent))
	d, err := dataset.Create(b.t.Context(), dataset.CreateOptions{
		Path: filepath.Join(super, name), Super: super, User: "ada", Host: "h", Procedures: []string{"text2git"},
	}, b.D.Env, result.Discard)
	Must(b.t, err)
	b.t.Cleanup(d.Repo.Close)
	b.Write(path.Join(parent, name, "job.sh"), "#!/bin/sh\n")
	b.Write(path.Join(parent, name, "in.txt"), "input\n")
	b.SaveAll()
}

// SaveAll commits everything, in subdatasets, too.
func (b *Bench) SaveAll() {
	b.t.Helper()
	_, err := b.D.Save(b.t.Context(), dataset.SaveOptions{Levels: dataset.AllLevels}, result.Discard)
	Must(b.t, err)
}
