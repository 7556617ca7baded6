package crypt

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/chunk"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

func setup(config map[string]string, env ...string) remote.Setup {
	return remote.Setup{Spec: remote.Spec{Name: "r"}, Config: config, Settings: git.NewConfig(), Env: append(os.Environ(), env...)}
}

// made creates a cipher as initremote does.
func made(t *testing.T, config map[string]string, env ...string) *Cipher {
	t.Helper()
	full, _, err := Create(context.Background(), setup(config, env...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := FromConfig(setup(full, env...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func damage(m *remotetest.Memory) func(*testing.T, annexkey.Key, []byte) {
	return func(t *testing.T, _ annexkey.Key, content []byte) {
		for name, sealed := range m.Objects { // the damage is done to the only object
			if len(content) < 40000 {
				m.Objects[name] = sealed[:len(sealed)/2]
				continue
			}
			sealed = bytes.Clone(sealed)
			sealed[len(sealed)/2] ^= 1
			m.Objects[name] = sealed
		}
	}
}

func TestConformanceShared(t *testing.T) {
	remotetest.Run(t, func(t *testing.T) remotetest.Case {
		m := remotetest.NewMemory()
		r := New(m, made(t, map[string]string{"encryption": "shared", "mac": "HMACSHA256"}), t.TempDir())
		return remotetest.Case{Keeper: r, Damage: damage(m), Strict: true, Big: 300000}
	})
}

func TestConformanceSharedInChunks(t *testing.T) {
	remotetest.Run(t, func(t *testing.T) remotetest.Case {
		m := remotetest.NewMemory()
		r := New(m, made(t, map[string]string{"encryption": "shared"}), t.TempDir())
		return remotetest.Case{Keeper: chunk.New(r, 10000, remotetest.NewLogs(), t.TempDir()), Big: 100000}
	})
}

// keyring makes a fresh OpenPGP key and returns the environment that has it.
func keyring(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("gpg is needed")
		}
		t.Skip("gpg is not installed")
	}
	home, err := os.MkdirTemp("", "gpg") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	env := "GNUPGHOME=" + home
	t.Cleanup(func() {
		kill := exec.Command("gpgconf", "--kill", "all")
		kill.Env = append(os.Environ(), env)
		kill.Run()
		os.RemoveAll(home)
	})
	cmd := exec.Command("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", "Test <t@example.com>", "rsa2048", "encr", "never")
	cmd.Env = append(os.Environ(), env)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd = exec.Command("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", "Test2 <u@example.com>", "rsa2048", "encr", "never")
	cmd.Env = append(os.Environ(), env)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return env
}

func TestConformanceWithKeys(t *testing.T) {
	env := keyring(t)
	for _, scheme := range []Scheme{Hybrid, PubKey, SharedPubKey} {
		t.Run(string(scheme), func(t *testing.T) {
			c := made(t, map[string]string{"encryption": string(scheme), "keyid": "t@example.com", "keyid+": "u@example.com"}, env)
			if len(c.recipients) != 2 {
				t.Errorf("recipients %v", c.recipients)
			}
			fresh := func(t *testing.T) remotetest.Case {
				m := remotetest.NewMemory()
				return remotetest.Case{Keeper: New(m, c, t.TempDir()), Damage: damage(m), Strict: true, Big: 100000}
			}
			if scheme == Hybrid || os.Getenv("STEMMA_SOAK") != "" {
				remotetest.Run(t, fresh)
				return
			}
			remotetest.RunPart(t, "StoreAndFetch", fresh)
			remotetest.RunPart(t, "Damaged", fresh)
		})
	}
}

// TestVectors are those that git-annex gave.
func TestVectors(t *testing.T) {
	armored := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("0123456789abcdef"), 32)) + "\n"
	c, err := FromConfig(setup(map[string]string{"encryption": "shared", "cipher": base64.StdEncoding.EncodeToString([]byte(armored))}))
	if err != nil {
		t.Fatal(err)
	}
	k, _ := annexkey.Parse("SHA256E-s6--5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03.txt")
	name, err := c.Name(context.Background(), k)
	if err != nil || !strings.HasPrefix(name.String(), "GPGHMACSHA1--") || len(name.Name) != 40 {
		t.Errorf("%v %v", name, err)
	}
	if got := string(c.passphrase()); got != armored[256:684] {
		t.Errorf("passphrase of %d characters", len(got))
	}
}

// TestGPGReadsOurMessagesAndWeReadGPGs compares with the program itself.
func TestGPGReadsOurMessagesAndWeReadGPGs(t *testing.T) {
	env := keyring(t)
	pass := []byte(strings.Repeat("pass", 100))
	passFile := filepath.Join(t.TempDir(), "pass")
	os.WriteFile(passFile, pass, 0o600)
	run := func(in []byte, args ...string) []byte {
		cmd := exec.Command("gpg", append([]string{"--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase-file", passFile}, args...)...)
		cmd.Env, cmd.Stdin = append(os.Environ(), env), bytes.NewReader(in)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for _, plain := range [][]byte{nil, []byte("hello\n"), remotetest.Bytes(200000, 3), bytes.Repeat([]byte{0}, 100000)} {
		var sealed bytes.Buffer
		if err := sealSymmetric(&sealed, bytes.NewReader(plain), pass); err != nil {
			t.Fatal(err)
		}
		if got := run(sealed.Bytes(), "--decrypt"); !bytes.Equal(got, plain) {
			t.Errorf("gpg read %d bytes of %d", len(got), len(plain))
		}
		if len(plain) < 1000 && len(plain) > 0 {
			continue // gpg takes a while for each message
		}
		for _, extra := range [][]string{nil, {"--compress-algo", "zip"}, {"--compress-algo", "bzip2"}, {"--compress-algo", "none"}, {"--cipher-algo", "CAST5"}} {
			theirs := run(plain, append(extra, "--symmetric", "--force-mdc", "--no-textmode")...)
			var got []byte
			err := openSymmetric(bytes.NewReader(theirs), pass, func(r io.Reader) (err error) {
				got, err = io.ReadAll(r)
				return err
			})
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("gpg %v: %d bytes of %d, %v", extra, len(got), len(plain), err)
			}
		}
	}
}

func TestBadConfigurations(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(newCipher(512))
	for _, config := range []map[string]string{
		{"encryption": "shared"}, {"encryption": "shared", "cipher": "%%"}, {"encryption": "rot13", "cipher": good},
		{"encryption": "shared", "cipher": good, "mac": "MD5"}, {"encryption": "pubkey", "cipher": good, "cipherkeys": "--output"},
		{"encryption": "pubkey", "cipher": good}, {"encryption": "sharedpubkey", "cipher": good, "pubkeys": "deadbeefdeadbeef,"},
	} {
		if _, err := FromConfig(setup(config)); err == nil {
			t.Errorf("%v was accepted", config)
		}
	}
	for _, config := range []map[string]string{{}, {"encryption": "pubkey"}, {"encryption": "x"}, {"encryption": "shared", "keyid": "a"}} {
		if _, _, err := Create(context.Background(), setup(config)); err == nil {
			t.Errorf("%v was created", config)
		}
	}
}

func FuzzOpenSymmetric(f *testing.F) {
	var sealed bytes.Buffer
	sealSymmetric(&sealed, strings.NewReader("hello"), []byte("pw"))
	f.Add(sealed.Bytes())
	f.Fuzz(func(t *testing.T, message []byte) {
		openSymmetric(bytes.NewReader(message), []byte("pw"), func(r io.Reader) error {
			_, err := io.Copy(io.Discard, io.LimitReader(r, 1<<20))
			return err
		})
	})
}
