// Package sshd runs a private OpenSSH server on the loopback interface for
// tests: on a port of its own, with keys and configuration in a folder of the
// test. It changes nothing on the machine but the folder in which sshd
// separates its privileges.
package sshd

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// Host is the name under which Config knows the server.
const Host = "far"

// Server is a running sshd.
type Server struct {
	Port   int
	Config string // ssh's configuration: for ssh -F
	dir    string
	cmd    *exec.Cmd
}

// Options says what users of the server find.
type Options struct {
	Env   map[string]string // the environment of what they run
	Force string            // a command that runs instead of theirs
}

// Start runs a server until the end of the test.
func Start(t testing.TB, opt Options) *Server {
	t.Helper()
	rig.Need(t, "ssh", "ssh-keygen", "/usr/sbin/sshd")
	// Paths of sockets and the like must stay short.
	dir, err := os.MkdirTemp("", "sshd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Geteuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := &Server{dir: dir, Config: filepath.Join(dir, "ssh_config")}
	s.makeKeys(t)
	for range 5 {
		if s.listen(t, opt) {
			t.Cleanup(s.stop)
			return s
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "log"))
	t.Fatalf("sshd does not start: %s", log)
	return nil
}

func (s *Server) makeKeys(t testing.TB) {
	t.Helper()
	for _, name := range []string{"host", "user"} {
		out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(s.dir, name)).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen: %v %s", err, out)
		}
	}
	pub, err := os.ReadFile(filepath.Join(s.dir, "user.pub"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "authorized", string(pub))
}

func (s *Server) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listen starts sshd on a free port; false if somebody was faster to take it.
func (s *Server) listen(t testing.TB, opt Options) bool {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	s.write(t, "sshd_config", s.serverConfig(opt))
	host, err := os.ReadFile(filepath.Join(s.dir, "host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "known", fmt.Sprintf("[127.0.0.1]:%d %s", s.Port, host))
	s.write(t, "ssh_config", s.clientConfig())
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(s.dir, "sshd_config"))
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
		if err == nil {
			c.Close()
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.stop()
	return false
}

func (s *Server) serverConfig(opt Options) string {
	var b strings.Builder
	fmt.Fprintf(&b, "ListenAddress 127.0.0.1\nPort %d\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\n", s.Port, s.dir, s.dir)
	b.WriteString("StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\nPermitRootLogin yes\nMaxStartups 100\nMaxSessions 50\nPrintMotd no\nSubsystem sftp internal-sftp\n")
	if len(opt.Env) > 0 {
		b.WriteString("SetEnv")
		for name, value := range opt.Env {
			fmt.Fprintf(&b, " %s=%q", name, value)
		}
		b.WriteByte('\n')
	}
	if opt.Force != "" {
		fmt.Fprintf(&b, "ForceCommand %s\n", opt.Force)
	}
	return b.String()
}

func (s *Server) clientConfig() string {
	return fmt.Sprintf("Host %s\n\tHostName 127.0.0.1\n\tPort %d\n\tIdentityFile %s/user\n\tIdentitiesOnly yes\n\tUserKnownHostsFile %s/known\n"+
		"\tGlobalKnownHostsFile /dev/null\n\tStrictHostKeyChecking yes\n\tBatchMode yes\n\tLogLevel ERROR\n", Host, s.Port, s.dir, s.dir)
}

func (s *Server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// Env makes git, git-annex and Stemma use the server's configuration.
func (s *Server) Env() []string {
	return []string{"GIT_SSH_COMMAND=ssh -F " + s.Config, "GIT_ANNEX_USE_GIT_SSH=1"}
}

// URL is a repository's address on the server.
func (s *Server) URL(dir string) string { return Host + ":" + dir }
