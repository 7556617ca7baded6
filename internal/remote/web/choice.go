package web

import (
	"context"
	"slices"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/wildmatch"
)

// choice says which addresses a web remote serves.
type choice struct{ include, exclude string } // globs; "" where there is none

// choiceOf is what the remote's configuration says (urlinclude=, urlexclude=).
func choiceOf(config map[string]string) choice {
	return choice{config["urlinclude"], config["urlexclude"]}
}

func (c choice) everything() bool { return c == choice{} }

func (c choice) takes(u string) bool {
	return (c.include == "" || matches(c.include, u)) && (c.exclude == "" || !matches(c.exclude, u))
}

// matches compares as git-annex does: the case is no matter, and a star takes
// slashes, too.
func matches(glob, u string) bool { return wildmatch.Match(glob, u, wildmatch.FoldCase) }

// chosen leaves the addresses that this remote serves: those that its own
// configuration names; where that names none, those that no other one's does.
func (w *Web) chosen(ctx context.Context, urls []string) ([]string, error) {
	if len(urls) == 0 {
		return nil, nil
	}
	data, err := w.logs.Read(ctx, annexlog.RemoteFile)
	if err != nil {
		return nil, err
	}
	log := annexlog.ParseUUIDLog(data)
	id := w.setup.Setting("config-uuid")
	if id == "" {
		id = w.setup.UUID
	}
	own, _ := log.Get(id)
	if c := choiceOf(annexlog.DecodeConfig(own.Value)); !c.everything() {
		return slices.DeleteFunc(urls, func(u string) bool { return !c.takes(u) }), nil
	}
	var others []choice
	for _, e := range log.Entries() {
		config := annexlog.DecodeConfig(e.Value)
		if c := choiceOf(config); config["type"] == "web" && !c.everything() {
			others = append(others, c)
		}
	}
	return slices.DeleteFunc(urls, func(u string) bool {
		return slices.ContainsFunc(others, func(c choice) bool { return c.takes(u) })
	}), nil
}
