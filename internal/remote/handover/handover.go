// Package handover leaves remotes of kinds that Stemma does not serve to an
// installed git-annex: it moves the content between the annex and the remote,
// one process of it for all keys of a kind of request. What content is wanted
// where, and whether it may go, is not decided there.
package handover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
)

// guardVar is set for what is handed over, so that a git-annex that is Stemma
// under that name does not hand it over again.
const guardVar = "STEMMA_HANDED_OVER"

// Remote is one that git-annex serves.
type Remote struct {
	setup   remote.Setup
	kind    string
	program string // git-annex
	get     batch
	copy    batch
	drop    batch
	check   batch
}

// Open finds git-annex. The error is remote.ErrUnsupported, with a hint, where
// there is none. kind is for people.
func Open(s remote.Setup, kind string) (*Remote, error) {
	program, err := find(s)
	if err != nil {
		return nil, errs.WithHint(fmt.Errorf("remote %s is of type %s, and %w: %w", s.Name, kind, err, remote.ErrUnsupported),
			"install git-annex, which then does the transfers to and from this remote")
	}
	r := &Remote{setup: s, kind: kind, program: program}
	const json, messages = "--json", "--json-error-messages"
	r.get.cmd = r.command("get", "--from="+s.Name, "--batch-keys", json, messages)
	r.copy.cmd = r.command("copy", "--to="+s.Name, "--batch-keys", json, messages)
	r.drop.cmd = r.command("drop", "--from="+s.Name, "--force", "--batch-keys", json, messages)
	r.check.cmd = r.command("checkpresentkey", "--batch", s.Name)
	say := sync.OnceFunc(func() {
		s.Logger().Info(fmt.Sprintf("remote %s is of type %s: its content is left to git-annex", s.Name, kind))
	})
	for _, b := range []*batch{&r.get, &r.copy, &r.drop, &r.check} {
		b.say = say
	}
	return r, nil
}

// find looks for a git-annex that is not this very program.
func find(s remote.Setup) (string, error) {
	if s.Getenv(guardVar) != "" {
		return "", errors.New("what is called git-annex here is Stemma")
	}
	self, _ := os.Executable()
	own, _ := os.Stat(self)
	for _, dir := range filepath.SplitList(s.Getenv("PATH")) {
		path := filepath.Join(dir, "git-annex")
		fi, err := os.Stat(path)
		if err != nil || !filepath.IsAbs(dir) || !fi.Mode().IsRegular() || fi.Mode().Perm()&0o111 == 0 || own != nil && os.SameFile(fi, own) {
			continue
		}
		return path, nil
	}
	return "", errors.New("git-annex is not installed")
}

func (r *Remote) command(args ...string) proc.Cmd {
	return proc.Cmd{Name: r.program, Args: args, Dir: r.setup.WorkTree, Env: append(append([]string{}, r.setup.Env...), guardVar+"=1")}
}

// Name returns the remote's name in our configuration.
func (r *Remote) Name() string { return r.setup.Name }

// UUID returns the remote's identity.
func (r *Remote) UUID() string { return r.setup.UUID }

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string {
	return [][2]string{{"type", r.kind}, {"served by", "git-annex"}}
}

// Close ends the processes, which then commit what they have to record.
func (r *Remote) Close() error {
	return errors.Join(r.get.close(), r.copy.close(), r.drop.close(), r.check.close())
}

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	ctx, cancel := r.setup.Patient(ctx)
	defer cancel()
	line, err := r.check.ask(ctx, k)
	if err != nil || line == "1" {
		return err == nil, err
	}
	// "0" may also mean that it cannot tell; the exit code of a single question says which.
	_, err = proc.Run(ctx, r.command("checkpresentkey", k.String(), r.setup.Name))
	var exit *proc.ExitError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &exit) && exit.Exit == 1:
		return false, nil
	}
	return false, err
}

// Place implements remote.Placer.
func (r *Remote) Place(ctx context.Context, k annexkey.Key) error {
	return r.request(ctx, &r.get, k)
}

// Fetch implements remote.Remote: content is not handed out, see Place.
func (r *Remote) Fetch(context.Context, annexkey.Key, string, hash.Hash) error {
	return fmt.Errorf("remote %s only brings content into the annex", r.setup.Name)
}

// Store implements remote.Keeper for content of the annex.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	if !strings.HasPrefix(c.Path, r.setup.AnnexDir("objects")+string(filepath.Separator)) {
		return fmt.Errorf("remote %s takes content of the annex only", r.setup.Name)
	}
	err := r.request(ctx, &r.copy, k)
	if err == nil {
		c.Report(c.Size)
	}
	return err
}

// Remove implements remote.Keeper.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	return r.request(ctx, &r.drop, k)
}

// request has git-annex do something about a key. An empty answer says that
// there was nothing to be done.
func (r *Remote) request(ctx context.Context, b *batch, k annexkey.Key) error {
	line, err := b.ask(ctx, k)
	if err != nil || line == "" {
		return err
	}
	var answer struct {
		Success  bool     `json:"success"`
		Note     string   `json:"note"`
		Messages []string `json:"error-messages"`
	}
	if err := json.Unmarshal([]byte(line), &answer); err != nil {
		return fmt.Errorf("git-annex answers nonsense: %.100q", line)
	}
	if answer.Success {
		return nil
	}
	text := strings.TrimSpace(strings.Join(append(answer.Messages, answer.Note), " "))
	if text == "" {
		text = "it does not say why"
	}
	return fmt.Errorf("git-annex has failed: %s", text)
}
