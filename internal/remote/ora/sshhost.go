package ora

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/ssh"
)

// there is a machine that ssh reaches. It needs nothing but a shell, and 7z
// where there are archives.
type there struct {
	setup remote.Setup
	host  ssh.Address
}

// Exit codes of our scripts; ssh's own is 255.
const (
	exitAbsent  = 44
	exitChanged = 45
)

func (t there) command(script string, args ...string) proc.Cmd {
	return ssh.ShellCommand(t.setup, t.host, script, args...)
}

func (t there) run(ctx context.Context, script string, args ...string) (string, error) {
	res, err := proc.Run(ctx, t.command(script, args...))
	return string(res.Stdout), t.explain(err)
}

// explain reads the exit codes of our scripts.
func (t there) explain(err error) error {
	var exit *proc.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	switch exit.Exit {
	case exitAbsent:
		return remote.ErrAbsent
	case exitChanged:
		return fsx.ErrChanged
	}
	text := exit.Stderr
	if text == "" {
		text = fmt.Sprintf("exit code %d", exit.Exit)
	}
	return fmt.Errorf("%s: %s", t.host.Host, text)
}

func (t there) size(ctx context.Context, p string) (int64, error) {
	out, err := t.run(ctx, `test -f "$1" || exit 44; wc -c < "$1"`, p)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s answers nonsense: %.100q", t.host.Host, out)
	}
	return n, nil
}

func (t there) read(ctx context.Context, p string) ([]byte, error) {
	out, err := t.run(ctx, `test -f "$1" || exit 44; head -c 65536 < "$1"`, p)
	return []byte(out), err
}

// fetch reads one byte before the content, which says that there is some: an
// empty file must not be made for content that is absent.
func (t there) fetch(ctx context.Context, k annexkey.Key, p, dst string, offset int64, h hash.Hash) error {
	c := t.command(`test -f "$1" || exit 44; printf F; exec tail -c "+$2" < "$1"`, p, strconv.FormatInt(offset+1, 10))
	return t.explain(stream(ctx, c, func(r io.Reader) error {
		if _, err := io.ReadFull(r, make([]byte, 1)); errors.Is(err, io.EOF) {
			return nil // the exit code says why
		} else if err != nil {
			return err
		}
		return remote.Receive(ctx, k, dst, offset, h, r)
	}))
}

func (t there) store(ctx context.Context, c remote.Content, tmp, p string) error {
	f, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || fi.Size() != c.Size {
		return errors.Join(err, fsx.ErrChanged)
	}
	cmd := t.command(`mkdir -p -- "$1" "$2" || exit 1
trap 'rm -f -- "$3"' EXIT
cat > "$3" || exit 1
test "$(wc -c < "$3")" -eq "$5" || exit 45
chmod u+w -- "$2" && mv -f -- "$3" "$4"`, path.Dir(tmp), path.Dir(p), tmp, p, strconv.FormatInt(c.Size, 10))
	cmd.Stdin = c.MovedReader(f)
	_, err = proc.Run(ctx, cmd)
	return t.explain(err)
}

func (t there) remove(ctx context.Context, p string) error {
	_, err := t.run(ctx, `d=$(dirname -- "$1")
test ! -d "$d" || chmod u+w -- "$d"
rm -f -- "$1" || exit 1
rmdir -- "$d" "$(dirname -- "$d")" 2>/dev/null
exit 0`, p)
	return err
}

func (t there) sevenZip(ctx context.Context, archive string, args []string, read func(io.Reader) error) error {
	c := t.command(`test -f "$1" || exit 44; shift; exec 7z "$@"`, append([]string{archive}, args...)...)
	return t.explain(stream(ctx, c, read))
}
