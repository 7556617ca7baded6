package crypt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
)

// gpg is the user's OpenPGP program, which holds the private keys.
type gpg struct {
	program string
	env     []string
	encOpts []string // remote.NAME.annex-gnupg-options
	decOpts []string // remote.NAME.annex-gnupg-decrypt-options
}

func newGPG(s remote.Setup) gpg {
	g := gpg{program: "gpg", env: s.Env}
	if s.Settings == nil {
		return g
	}
	if p := s.Settings.Get("gpg.program"); p != "" {
		g.program = p
	}
	g.encOpts = strings.Fields(s.Setting("gnupg-options"))
	g.decOpts = strings.Fields(s.Setting("gnupg-decrypt-options"))
	return g
}

func (g gpg) run(ctx context.Context, in io.Reader, out io.Writer, args ...string) error {
	_, err := proc.Run(ctx, proc.Cmd{
		Name: g.program, Env: g.env, Stdin: in, Stdout: out,
		Args: append([]string{"--batch", "--quiet", "--no-tty", "--trust-model", "always"}, args...),
	})
	if errors.Is(err, exec.ErrNotFound) {
		return errs.WithHint(fmt.Errorf("gpg is not installed, which this encrypted remote needs"), "install gnupg, or set gpg.program")
	}
	return err
}

func (g gpg) encrypt(ctx context.Context, w io.Writer, r io.Reader, to []string) error {
	args := append([]string{"--no-encrypt-to", "--no-default-recipient", "--force-mdc", "--no-textmode"}, g.encOpts...)
	for _, id := range to {
		args = append(args, "--recipient", id)
	}
	return g.run(ctx, r, w, append(args, "--encrypt")...)
}

// decrypt runs gpg while read reads what it writes; its verdict comes last.
func (g gpg) decrypt(ctx context.Context, r io.Reader, read func(io.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pr, pw := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := g.run(ctx, r, pw, append(g.decOpts, "--decrypt")...)
		pw.CloseWithError(err)
		done <- err
	}()
	err := read(pr)
	if err == nil {
		_, err = io.Copy(io.Discard, pr)
	}
	if err != nil {
		cancel()
	}
	pr.CloseWithError(err)
	if gerr := <-done; err == nil {
		err = gerr
	}
	return err
}

// decryptSmall decrypts a message that fits into memory.
func (g gpg) decryptSmall(ctx context.Context, message []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := g.run(ctx, bytes.NewReader(message), &out, append(g.decOpts, "--decrypt")...); err != nil {
		return nil, fmt.Errorf("decrypt the cipher: %w", err)
	}
	return out.Bytes(), nil
}

// keyIDs are the long ids of the public keys that a user's word for them
// matches.
func (g gpg) keyIDs(ctx context.Context, word string) ([]string, error) {
	var out bytes.Buffer
	err := g.run(ctx, nil, &out, "--with-colons", "--fixed-list-mode", "--list-public-keys", "--", word)
	var ids []string
	for line := range strings.SplitSeq(out.String(), "\n") {
		if f := strings.Split(line, ":"); f[0] == "pub" && len(f) > 4 {
			ids = append(ids, f[4])
		}
	}
	if err != nil || len(ids) == 0 {
		return nil, errs.WithHint(fmt.Errorf("gpg has no public key for %q", word), "see gpg --list-public-keys")
	}
	return ids, nil
}
