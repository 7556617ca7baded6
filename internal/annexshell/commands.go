package annexshell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/p2p"
	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// open opens the repository that a request names, and checks its identity.
func (s *shell) open(ctx context.Context, r request) (*local.Repository, error) {
	dir := s.absolute(r.dir)
	repo, err := local.OpenRepository(ctx, dir, local.RepositoryOptions{
		Env: s.Env, Auto: s.access() == p2p.ReadWrite, Description: s.describe(dir), Own: true,
	})
	if errors.Is(err, remote.ErrNoAnnex) && r.uuid != "" {
		return nil, fmt.Errorf("expected repository UUID %s but found no annex", r.uuid)
	}
	if err != nil {
		return nil, err
	}
	if r.uuid != "" && r.uuid != repo.Annex.UUID {
		repo.Close()
		return nil, fmt.Errorf("expected repository UUID %s but found UUID %s", r.uuid, repo.Annex.UUID)
	}
	return repo, nil
}

// describe is git-annex's default description.
func (s *shell) describe(dir string) string {
	user := s.getenv("USER")
	if user == "" {
		user = s.getenv("LOGNAME")
	}
	return user + "@" + s.Host + ":" + dir
}

// configList prints what a client needs to know of the repository. A new
// repository gets an annex if the client asks for that.
func (s *shell) configList(ctx context.Context, r request) error {
	dir := s.absolute(r.dir)
	repo, err := local.OpenRepository(ctx, dir, local.RepositoryOptions{
		Env: s.Env, Auto: s.access() == p2p.ReadWrite, Description: s.describe(dir),
		Init: r.fields["autoinit"] == "1" && s.access() == p2p.ReadWrite,
	})
	if errors.Is(err, remote.ErrNoAnnex) {
		return s.printConfig("", "")
	}
	if err != nil {
		return err
	}
	defer repo.Close()
	return s.printConfig(repo.Annex.UUID, repo.Git.Config.Get("core.gcrypt-id"))
}

func (s *shell) printConfig(uuid, gcrypt string) error {
	_, err := fmt.Fprintf(s.Stdout, "annex.uuid=%s\ncore.gcrypt-id=%s\n", uuid, gcrypt)
	return err
}

// codes of inannex.
const exitUnknown exit = 100

// inAnnex tells by its exit code whether the content of all keys is here.
func (s *shell) inAnnex(ctx context.Context, r request) error {
	repo, err := s.open(ctx, r)
	if err != nil {
		return err
	}
	defer repo.Close()
	for _, word := range r.params {
		k, err := annexkey.Parse(word)
		if err != nil {
			return err
		}
		switch ok, err := repo.Present(k); {
		case err != nil:
			return exitUnknown
		case !ok:
			return exit(exitFailure)
		}
	}
	return nil
}

// dropKey deletes content without any proof of other copies: the client has
// seen to that.
func (s *shell) dropKey(ctx context.Context, r request) error {
	if !r.force {
		return errors.New("dropkey can cause data loss; use --force if you're sure you want to do this")
	}
	repo, err := s.open(ctx, r)
	if err != nil {
		return err
	}
	defer repo.Close()
	for _, word := range r.params {
		k, err := annexkey.Parse(word)
		if err == nil {
			err = repo.Delete(ctx, k, ctx.Err)
		}
		if err != nil {
			return err
		}
	}
	return repo.Flush(ctx)
}

// p2pStdio serves one client over stdin and stdout, until it goes away.
func (s *shell) p2pStdio(ctx context.Context, r request) error {
	if len(r.params) != 1 {
		return errUsage
	}
	repo, err := s.open(ctx, r)
	if err != nil {
		return err
	}
	server := &p2p.Server{
		UUID: repo.Annex.UUID, Repo: local.Served{Repository: repo, Client: r.params[0]},
		Access: s.access(), Clock: local.BootClock, Service: s.service(repo.Git),
		Watch: func(ctx context.Context) (string, error) { return waitForRefs(ctx, repo.Git) },
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, s.Stdin, s.Stdout) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err() // the read on stdin cannot be interrupted
	}
	return errors.Join(err, repo.Close())
}

// service runs git's side of a fetch or push inside the protocol.
func (s *shell) service(repo *git.Repo) func(context.Context, string, io.Reader, io.Writer) (int, error) {
	return func(ctx context.Context, name string, in io.Reader, out io.Writer) (int, error) {
		res, err := proc.Run(ctx, proc.Cmd{
			Name: name, Args: []string{repo.WorkTree}, Env: s.Env, Stdin: in, Stdout: out, Stderr: s.Stderr,
		})
		var failed *proc.ExitError
		if errors.As(err, &failed) {
			err = nil
		}
		return res.Exit, err
	}
}

// notifyChanges tells the client, until it goes away, which refs have changed.
func (s *shell) notifyChanges(ctx context.Context, r request) error {
	repo, err := s.open(ctx, r)
	if err != nil {
		return err
	}
	defer repo.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		io.Copy(io.Discard, s.Stdin)
		cancel()
	}()
	if _, err := io.WriteString(s.Stdout, "READY\n"); err != nil {
		return err
	}
	for {
		refs, err := waitForRefs(ctx, repo.Git)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(s.Stdout, "CHANGED %s\n", refs); err != nil {
			return err
		}
	}
}

// watchEvery is how often refs are looked at for a client that wants to know
// of changes.
const watchEvery = 5 * time.Second
