package external

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

// setupFor makes a PATH in which the test binary is the program of that kind.
func setupFor(t *testing.T, kind string) remote.Setup {
	t.Helper()
	bin, store, work := t.TempDir(), t.TempDir(), t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "git-annex-remote-"+kind)); err != nil {
		t.Fatal(err)
	}
	return remote.Setup{
		Spec: remote.Spec{Name: "e", UUID: "u"}, Settings: git.NewConfig(), Env: []string{"PATH=" + bin}, WorkTree: work, GitDir: work,
		Config: map[string]string{"externaltype": kind, "directory": store}, Logs: remotetest.NewLogs(),
	}
}

func open(t *testing.T, kind string) *Remote {
	t.Helper()
	r, err := Open(context.Background(), setupFor(t, kind))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestConformance(t *testing.T) {
	for _, kind := range []string{"plain", "async"} {
		t.Run(kind, func(t *testing.T) {
			remotetest.Run(t, func(t *testing.T) remotetest.Case {
				r := open(t, kind)
				return remotetest.Case{Keeper: r, NoBlanks: true, Damage: func(t *testing.T, k annexkey.Key, content []byte) {
					name := strings.ReplaceAll(k.HashLower()+"/"+k.String(), "/", "_")
					if err := os.WriteFile(filepath.Join(r.setup.Option("directory"), name), content, 0o600); err != nil {
						t.Fatal(err)
					}
				}}
			})
		})
	}
}

// TestBadPrograms: each fails with an error that says what it did.
func TestBadPrograms(t *testing.T) {
	for kind, want := range map[string]string{
		"silent": "cannot find my library", "nonsense": "answers nonsense", "long": "longer than", "unready": "no disk", "dies": "ended unexpectedly",
		"liar": "there is no file", "link": "no file", "grumbles": "out of paper",
	} {
		r := open(t, kind)
		dst := filepath.Join(t.TempDir(), "got")
		err := r.Fetch(context.Background(), remotetest.KeyOf([]byte("x")), dst, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := os.Lstat(dst); err == nil {
			t.Errorf("%s: a file was left", kind)
		}
	}
	for kind, want := range map[string]string{"unknown": "network is down", "other": "answers nonsense"} {
		if ok, err := open(t, kind).Present(context.Background(), remotetest.KeyOf(nil)); ok || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v %v", kind, ok, err)
		}
	}
}

func TestSilentProgramsAreGivenUp(t *testing.T) {
	for _, kind := range []string{"mute", "pensive"} {
		s := setupFor(t, kind)
		s.Settings = git.NewConfig([2]string{"annex.stalldetection", "1KB/200ms"})
		r, err := Open(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := r.Present(t.Context(), remotetest.KeyOf(nil)); ok || !errors.Is(err, remote.ErrStalled) {
			t.Errorf("%s: %v %v", kind, ok, err)
		}
		_, err1 := r.Claims(t.Context(), "mute:1")
		_, err2 := r.CheckURL(t.Context(), "mute:1")
		_, err3 := r.Addresses(t.Context(), remotetest.KeyOf(nil))
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, remote.ErrStalled) {
				t.Errorf("%s: %v", kind, err)
			}
		}
		r.Close()
	}
}

func TestAfterADeathThereIsANewProcess(t *testing.T) {
	r := open(t, "plain")
	k := remotetest.KeyOf([]byte("x"))
	if _, err := r.Present(context.Background(), k); err != nil {
		t.Fatal(err)
	}
	r.idle[0].proc.Kill()
	time.Sleep(10 * time.Millisecond)
	r.Present(context.Background(), k) // notices
	if ok, err := r.Present(context.Background(), k); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	s := setupFor(t, "plain")
	s.Config["externaltype"] = "absent"
	if _, err := Open(context.Background(), s); err == nil || !strings.Contains(err.Error(), "git-annex-remote-absent") {
		t.Errorf("%v", err)
	}
	s.Config["externaltype"] = "../x"
	if _, err := Open(context.Background(), s); err == nil {
		t.Error("a path was accepted")
	}
}

func TestInitialise(t *testing.T) {
	for _, kind := range []string{"plain", "async"} {
		s := setupFor(t, kind)
		config, err := Initialise(context.Background(), s)
		if err != nil || config["seen"] != s.Config["directory"] {
			t.Errorf("%v %v", config, err)
		}
		data, err := os.ReadFile(filepath.Join(s.GitDir, "annex", "creds", "u-login"))
		if string(data) != "me\nvery secret\n" {
			t.Errorf("%q %v", data, err)
		}
	}
}

// script is a conversation partner that says what it is told.
type script struct {
	lines []string
	sent  []string
}

func (s *script) send(line string) error { s.sent = append(s.sent, line); return nil }

func (s *script) read() (string, error) {
	line := s.lines[0]
	s.lines = s.lines[1:]
	return line, nil
}

func TestQuestionsAreAnsweredAsByGitAnnex(t *testing.T) {
	const key = "SHA256E-s6--5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03.txt"
	s := &script{lines: []string{
		"DIRHASH " + key, "DIRHASH-LOWER " + key, "GETUUID", "GETCONFIG nothing", "SETCONFIG a b c", "GETCONFIG a", "GETGITREMOTENAME",
		"SETSTATE " + key + " some state", "GETSTATE " + key, "SETURLPRESENT " + key + " http://x/1", "SETURIPRESENT " + key + " x:2", "GETURLS " + key + " http:", "GETURLS " + key + " x:",
		"SETURLMISSING " + key + " http://x/1", "GETURLS " + key + " ", "GETCREDS c", "SETCREDS c me pass word", "GETCREDS c", "SETWANTED include=*.txt", "GETWANTED",
		"DEBUG x", "INFO y", "PROGRESS 3", "DONE",
	}}
	c := &conversation{ctx: context.Background(), p: &program{name: "p"}, ch: s, setup: setupFor(t, "plain"), config: map[string]string{}}
	if _, _, err := c.ask("GO", "DONE"); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"GO", "VALUE mK/4w/", "VALUE d91/b11/", "VALUE u", "VALUE ", "VALUE b c", "VALUE e", "VALUE some state",
		"VALUE http://x/1", "VALUE ", "VALUE x:2", "VALUE ", "VALUE x:2", "VALUE ", "CREDS  ", "CREDS me pass word", "VALUE include=*.txt",
	}
	if got := strings.Join(s.sent, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s", got)
	}
}

func FuzzConversation(f *testing.F) {
	f.Add("GETSTATE x\nSETURLPRESENT a b\nDONE")
	f.Fuzz(func(t *testing.T, text string) {
		s := &script{lines: append(strings.Split(text, "\n"), "DONE", "DONE")}
		c := &conversation{ctx: context.Background(), p: &program{name: "p"}, ch: s, config: map[string]string{},
			setup: remote.Setup{GitDir: t.TempDir(), Settings: git.NewConfig(), Logs: remotetest.NewLogs()}}
		c.ask("GO", "DONE")
	})
}
