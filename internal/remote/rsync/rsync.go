// Package rsync is git-annex's special remote of type rsync: a folder on
// another host that the system's rsync reaches, by ssh or as a daemon. Names
// of keys never stand on a command line. A folder of this machine is used
// without the program.
package rsync

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/directory"
)

// Remote is a folder that rsync reaches.
type Remote struct {
	setup  remote.Setup
	url    string // as rsync takes it, without a slash at its end
	shell  string // rsync's -e; "" for its own choice
	common []string
	up     []string
	down   []string
	env    []string
	temp   string

	asks    batcher[*question]
	fetches batcher[arrival]
	stores  batcher[departure]
}

// Open reads the configuration. A path of this machine becomes a folder that
// is worked on directly.
func Open(s remote.Setup) (remote.Keeper, error) {
	url := s.Setting("rsyncurl") // as it was enabled here; the git-annex branch may say another one
	if url == "" {
		return nil, errs.WithHint(fmt.Errorf("remote %s has no rsyncurl", s.Name), "stemma annex enableremote %s rsyncurl=HOST:PATH", s.Name)
	}
	if IsLocal(url) {
		if !filepath.IsAbs(url) {
			url = filepath.Join(s.WorkTree, url)
		}
		return directory.Loose(s, url, "rsync"), nil
	}
	return open(s, url)
}

// OpenTree is Open for a remote that holds exported trees.
func OpenTree(s remote.Setup) (remote.Exporter, error) {
	k, err := Open(s)
	if err != nil {
		return nil, err
	}
	if r, ok := k.(*Remote); ok {
		return &Tree{r}, nil
	}
	url := s.Setting("rsyncurl")
	if !filepath.IsAbs(url) {
		url = filepath.Join(s.WorkTree, url)
	}
	return directory.LooseTree(s, url, "rsync"), nil
}

func open(s remote.Setup, url string) (*Remote, error) {
	if !acceptable(url) {
		return nil, fmt.Errorf("remote %s: rsyncurl %q is not accepted", s.Name, url)
	}
	r := &Remote{setup: s, url: strings.TrimRight(url, "/"), env: append(append([]string{}, s.Env...), "LC_ALL=C"), temp: s.Temp()}
	r.common = strings.Fields(s.Setting("rsync-options"))
	r.up = strings.Fields(s.Setting("rsync-upload-options"))
	r.down = strings.Fields(s.Setting("rsync-download-options"))
	r.shell = shell(s, url)
	r.asks.run, r.fetches.run, r.stores.run = r.ask, r.bring, r.send
	if !slices.ContainsFunc(r.common, func(o string) bool { return strings.HasPrefix(o, "--timeout") || o == "--no-timeout" }) {
		r.common = append(timeout(s.Stall()), r.common...)
	}
	return r, nil
}

// Timed implements remote.Timed: rsync looks at the clock.
func (r *Remote) Timed() {}

// Together implements remote.Gatherer.
func (r *Remote) Together() int { return together }

// together is how many requests one rsync may well serve.
const together = 64

// Name returns the remote's name in our configuration.
func (r *Remote) Name() string { return r.setup.Name }

// UUID returns the remote's identity.
func (r *Remote) UUID() string { return r.setup.UUID }

// Describe implements remote.Describer.
func (r *Remote) Describe() [][2]string { return [][2]string{{"type", "rsync"}, {"url", r.url}} }

// run calls rsync. Names go in through stdin. Missing reports that the only
// trouble was that files are not there.
func (r *Remote) run(ctx context.Context, stdin string, out io.Writer, args ...string) (missing bool, err error) {
	args = append(append([]string{}, r.common...), args...)
	if r.shell != "" {
		args = append([]string{"-e", r.shell}, args...)
	}
	// The terminal stays within reach: ssh may ask for a password there.
	_, err = proc.Run(ctx, proc.Cmd{Name: "rsync", Args: args, Env: r.env, Stdin: strings.NewReader(stdin), Stdout: out, Terminal: true})
	if errors.Is(err, exec.ErrNotFound) {
		return false, errs.WithHint(errors.New("rsync is not installed, which this remote needs"), "install rsync")
	}
	var exit *proc.ExitError
	if errors.As(err, &exit) {
		if onlyMissing(exit.Stderr) {
			return true, nil
		}
		return false, fmt.Errorf("rsync failed (exit code %d): %s", exit.Exit, lastLine(exit.Stderr))
	}
	return false, err
}

// onlyMissing reads rsync's messages: files, or the whole folder, are not
// there, and what else is said follows from that.
func onlyMissing(stderr string) bool {
	missing := false
	for line := range strings.SplitSeq(stderr, "\n") {
		if !strings.HasPrefix(line, "rsync: ") {
			continue
		}
		looked := strings.Contains(line, "link_stat") || strings.Contains(line, "change_dir")
		switch {
		case looked && strings.Contains(line, "No such file or directory"):
			missing = true
		case !strings.Contains(line, "Broken pipe") && !strings.Contains(line, "connection unexpectedly closed"):
			return false
		}
	}
	return missing
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, l := range lines {
		if !strings.HasPrefix(l, "rsync error:") && l != "" {
			return l
		}
	}
	return lines[len(lines)-1]
}

// names lists where the key may lie, for --files-from with --from0.
func names(k annexkey.Key) string { return k.ObjectPathLower() + "\x00" + k.ObjectPath() + "\x00" }

// Present implements remote.Remote.
func (r *Remote) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	if err := k.Safe(); err != nil {
		return false, err
	}
	ctx, cancel := r.setup.Patient(ctx)
	defer cancel()
	q := &question{key: k}
	err := r.asks.do(ctx, q)
	return err == nil && q.present, err
}

// Fetch implements remote.Remote.
func (r *Remote) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	if err := k.Safe(); err != nil {
		return err
	}
	if err := r.fetches.do(ctx, arrival{ctx, k, dst}); err != nil {
		return err
	}
	switch _, err := os.Lstat(dst); {
	case errors.Is(err, os.ErrNotExist):
		most, _ := remote.Bound(ctx, k)
		return r.whyNot(ctx, k, most)
	case err != nil:
		return err
	}
	if err := r.check(ctx, k, dst, true); err != nil {
		return err
	}
	return remote.HashFetched(ctx, dst, h)
}

// FetchFrom implements remote.Resumer.
func (r *Remote) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	if err := k.Safe(); err != nil {
		return err
	}
	if err := r.pull(ctx, k, dst, offset); err != nil {
		return err
	}
	f, err := os.Open(dst)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil || h == nil {
		return err
	}
	_, err = io.Copy(h, f)
	return err
}

// pull brings the content to dst, which holds its first offset bytes.
func (r *Remote) pull(ctx context.Context, k annexkey.Key, dst string, offset int64) error {
	dir, err := r.scratchFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args := append([]string{"--from0", "--files-from=-", "--no-relative", "--no-perms", "--no-links"}, r.down...)
	most, bounded := remote.Bound(ctx, k)
	if bounded {
		args = append(args, fmt.Sprintf("--max-size=%d", most))
	}
	here := filepath.Join(dir, k.File())
	if offset > 0 {
		if err := os.Rename(dst, here); err != nil {
			return err
		}
		defer os.Rename(here, dst)
		args = append(args, "--append")
	}
	if _, err := r.run(ctx, names(k), nil, append(args, "--", r.url+"/", dir+"/")...); err != nil {
		return err
	}
	if offset == 0 {
		if err := os.Rename(here, dst); errors.Is(err, os.ErrNotExist) {
			return r.whyNot(ctx, k, most)
		} else if err != nil {
			return err
		}
		return r.check(ctx, k, dst, true)
	}
	if err := r.check(ctx, k, here, false); err != nil {
		return err
	}
	if fi, err := os.Stat(here); err != nil || fi.Size() > offset || k.Size == offset {
		return err
	}
	return r.whyNot(ctx, k, most)
}

// whyNot is called where rsync brought nothing.
func (r *Remote) whyNot(ctx context.Context, k annexkey.Key, most int64) error {
	ok, err := r.Present(ctx, k)
	switch {
	case err != nil:
		return err
	case ok:
		return &remote.SizeError{Key: k, Have: most + 1, Want: most}
	}
	return remote.ErrAbsent
}

// check looks at what has arrived; rsync keeps no link, but size is to be seen.
func (r *Remote) check(ctx context.Context, k annexkey.Key, path string, remove bool) error {
	fi, err := os.Lstat(path)
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("it is no regular file there")
	}
	if most, ok := remote.Bound(ctx, k); err == nil && ok && fi.Size() > most {
		err = &remote.SizeError{Key: k, Have: fi.Size(), Want: most}
	}
	if err != nil && remove {
		os.Remove(path)
	}
	return err
}

// scratchFolder is a fresh folder on the annex's file system.
func (r *Remote) scratchFolder() (string, error) {
	dir := filepath.Join(r.temp, fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
	return dir, os.MkdirAll(dir, 0o700)
}

// Store implements remote.Keeper. rsync writes under a name of its own and
// renames.
func (r *Remote) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	if ok, err := r.Present(ctx, k); ok || err != nil {
		return err
	}
	if fi, err := os.Stat(c.Path); err != nil || fi.Size() != c.Size {
		return errors.Join(err, fsx.ErrChanged)
	}
	err := r.stores.do(ctx, departure{k, c.Path})
	if err == nil {
		c.Report(c.Size)
	}
	return err
}

// Remove implements remote.Keeper: an empty folder is brought there, with
// filters that let rsync see nothing but the key's folder.
func (r *Remote) Remove(ctx context.Context, k annexkey.Key) error {
	if err := k.Safe(); err != nil {
		return err
	}
	dir, err := r.scratchFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := r.setup.Patient(ctx)
	defer cancel()
	var filters strings.Builder
	for _, hashes := range []string{k.HashLower(), k.HashMixed()} {
		first, _, _ := strings.Cut(hashes, "/")
		for _, pattern := range []string{"/" + first + "/", "/" + hashes + "/", "/" + hashes + "/" + escape(k.File()) + "/***"} {
			filters.WriteString(pattern + "\x00")
		}
	}
	_, err = r.run(ctx, filters.String(), nil, "--recursive", "--delete", "--from0", "--include-from=-", "--exclude=*", "--", dir+"/", r.url+"/")
	return err
}

// escape makes a name a pattern that matches nothing else. A backslash only
// escapes in patterns that have a wildcard; ours do.
func escape(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}
