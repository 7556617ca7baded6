package dataset

import (
	"runtime"
	"strconv"
	"time"

	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/transfer"
)

// Getter is the engine that brings content here, as git-annex's settings have
// it. Without a p the progress goes to whom the dataset's Env names.
func (d *Dataset) Getter(p transfer.Progress) *transfer.Getter {
	if p == nil {
		p = d.Env.Progress
	}
	return &transfer.Getter{
		Annex: d.Annex, SecureOnly: d.Repo.Config.Bool("annex.securehashesonly", false),
		Retry: d.number("annex.retry"), RetryDelay: d.seconds("annex.retry-delay"), Stall: d.stall(), Progress: p,
		Room: remote.NewRoom(d.Annex.Dir(), d.Repo.Config),
	}
}

// Sender is the engine that stores content elsewhere; p is as for Getter.
func (d *Dataset) Sender(p transfer.Progress) *transfer.Sender {
	if p == nil {
		p = d.Env.Progress
	}
	return &transfer.Sender{
		Annex: d.Annex, Retry: d.number("annex.retry"), RetryDelay: d.seconds("annex.retry-delay"), Stall: d.stall(), Progress: p,
	}
}

// maxRetries bounds annex.retry.
const maxRetries = 1000

func (d *Dataset) number(key string) int {
	n, err := strconv.Atoi(d.Repo.Config.Get(key))
	if err != nil {
		return 0
	}
	return min(max(n, 0), maxRetries)
}

func (d *Dataset) seconds(key string) time.Duration {
	return time.Duration(d.number(key)) * time.Second
}

// stall is for how long nothing may move; a setting that makes no sense is as
// good as none.
func (d *Dataset) stall() time.Duration {
	stall, _ := remote.ParseStall(d.Repo.Config.Get("annex.stalldetection"))
	return stall
}

// Jobs is how many files are worked on at once.
func (d *Dataset) Jobs(asked int) int {
	if asked > 0 {
		return asked
	}
	const few = 4
	return max(few, min(2*runtime.NumCPU(), 2*few))
}
