package ora

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strconv"

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
	pool  sessions
}

func onHost(s remote.Setup, a ssh.Address) *there {
	t := &there{setup: s, host: a}
	t.pool.start = func() proc.Cmd { return t.command(server) }
	return t
}

func (t *there) close() { t.pool.close() }

func (t *there) command(script string, args ...string) proc.Cmd {
	return ssh.ShellCommand(t.setup, t.host, script, args...)
}

// talk is a conversation with the host about one file.
func (t *there) talk(ctx context.Context, talk func(s *session) error) error {
	err := t.pool.with(ctx, talk)
	if err != nil && !errors.Is(err, remote.ErrAbsent) && !errors.Is(err, fsx.ErrChanged) {
		err = fmt.Errorf("%s: %w", t.host.Host, err)
	}
	return err
}

func (t *there) size(ctx context.Context, p string) (n int64, err error) {
	ctx, cancel := t.setup.Patient(ctx)
	defer cancel()
	err = t.talk(ctx, func(s *session) error {
		n, err = number(s.ask("OK", "SIZE", p))
		return err
	})
	return n, err
}

func number(text string, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%.100q is no size", text)
	}
	return n, nil
}

func (t *there) read(ctx context.Context, p string) (data []byte, err error) {
	ctx, cancel := t.setup.Patient(ctx)
	defer cancel()
	err = t.talk(ctx, func(s *session) error {
		return s.get(p, 0, func(size int64, r io.Reader) (err error) {
			if err := tooLong(p, size); err != nil {
				return err
			}
			data, err = io.ReadAll(r)
			return err
		})
	})
	return data, err
}

// get asks for a file from the offset on. take gets its size and what is left
// of it; what take leaves behind ends the session.
func (s *session) get(p string, offset int64, take func(size int64, r io.Reader) error) error {
	n, err := number(s.ask("OK", "GET", p, strconv.FormatInt(offset, 10)))
	if err != nil {
		return err
	}
	content := &io.LimitedReader{R: s.out, N: max(n-offset, 0)}
	err = take(n, content)
	if content.N == 0 {
		err = remote.AllThere(err)
	}
	if err != nil || content.N > 0 {
		s.broken = true
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	for _, want := range []string{"", "END"} {
		if line, err := s.line(); err != nil {
			return err
		} else if line != want {
			s.broken = true
			return fsx.ErrChanged // longer than it was when it began
		}
	}
	return nil
}

func (t *there) fetch(ctx context.Context, k annexkey.Key, p, dst string, offset int64, h hash.Hash) error {
	ctx, alarm, cancel := watch(ctx, t.setup.Stall())
	defer cancel()
	return t.talk(ctx, func(s *session) error {
		return s.get(p, offset, func(size int64, r io.Reader) error {
			if most, ok := remote.Bound(ctx, k); ok && size > most {
				return &remote.SizeError{Key: k, Have: size, Want: most}
			}
			return remote.Receive(ctx, k, dst, offset, h, alarm.reader(r))
		})
	})
}

func (t *there) store(ctx context.Context, c remote.Content, tmp, p string) error {
	f, err := os.Open(c.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || fi.Size() != c.Size {
		return errors.Join(err, fsx.ErrChanged)
	}
	mode := strconv.FormatUint(uint64(fi.Mode().Perm()), 8)
	ctx, alarm, cancel := watch(ctx, t.setup.Stall())
	defer cancel()
	return t.talk(ctx, func(s *session) error {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := s.ask("SEND", "PUT", p, tmp, strconv.FormatInt(c.Size, 10), mode); err != nil {
			return err
		}
		return s.put(c, alarm.reader(f))
	})
}

// put sends the content that the host waits for.
func (s *session) put(c remote.Content, r io.Reader) error {
	n, err := io.CopyN(s.process.Stdin, c.MovedReader(r), c.Size)
	if errors.Is(err, io.EOF) && n < c.Size {
		s.broken = true
		return fsx.ErrChanged
	}
	// Where the host has given up, it says why.
	if _, aerr := s.answer("OK"); aerr != nil {
		s.broken = true
		return aerr
	}
	return err
}

func (t *there) remove(ctx context.Context, p string) error {
	ctx, cancel := t.setup.Patient(ctx)
	defer cancel()
	return t.talk(ctx, func(s *session) error {
		_, err := s.ask("OK", "REMOVE", p)
		return err
	})
}

func (t *there) sevenZip(ctx context.Context, archive string, args []string, read func(io.Reader) error) error {
	c := t.command(`test -f "$1" || exit 44; shift; exec 7z "$@"`, append([]string{archive}, args...)...)
	err := stream(ctx, c, read)
	var exit *proc.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	const absent = 44 // ssh's own code is 255
	if exit.Exit == absent {
		return remote.ErrAbsent
	}
	text := exit.Stderr
	if text == "" {
		text = fmt.Sprintf("exit code %d", exit.Exit)
	}
	return fmt.Errorf("%s: %s", t.host.Host, text)
}
