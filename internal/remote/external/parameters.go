package external

import (
	"context"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/remote"
)

// maxParameters bounds what a program may list.
const maxParameters = 10_000

// Parameter is one that a program has.
type Parameter struct{ Name, About string }

// Parameters asks the program which parameters it has (LISTCONFIGS); false where
// it does not tell.
func Parameters(ctx context.Context, s remote.Setup) (list []Parameter, ok bool, err error) {
	r, err := Open(ctx, s)
	if err != nil {
		return nil, false, err
	}
	p, err := start(ctx, ctx, s, r.path)
	if err != nil {
		return nil, false, err
	}
	defer p.kill()
	c := &conversation{ctx: ctx, p: p, ch: p, setup: s, config: map[string]string{}}
	if p.async != nil {
		go p.async.run()
		j, err := p.async.begin()
		if err != nil {
			return nil, false, err
		}
		defer j.end()
		c.ch = j
	}
	finals := []string{"CONFIG", "CONFIGEND", "UNSUPPORTED-REQUEST"}
	word, rest, err := c.ask("LISTCONFIGS", finals...)
	for err == nil && word == "CONFIG" {
		if len(list) == maxParameters {
			return nil, false, fmt.Errorf("%s lists parameters without an end", p.name)
		}
		name, about, _ := strings.Cut(rest, " ")
		list = append(list, Parameter{name, about})
		word, rest, err = c.await(finals...)
	}
	return list, err == nil && word == "CONFIGEND", err
}
