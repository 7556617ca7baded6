// Package s3server runs a real S3 server (versitygw) for the time of a test.
package s3server

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The account that may do all.
const (
	Access = "stemmatest"
	Secret = "stemmasecret"
)

// Server is one that runs.
type Server struct {
	Host, Port string
	Dir        string // where it keeps buckets, as folders
}

// program builds the server if that has not been done, or skips.
func program(t *testing.T) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	cmd := exec.Command(filepath.Join(filepath.Dir(here), "..", "..", "scripts", "s3-server"))
	if os.Getenv("CI") == "" {
		cmd.Args = append(cmd.Args, "--no-build")
	}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("build the S3 server: %v", err)
		}
		t.Skip("the S3 server is not built: scripts/s3-server")
	}
	return strings.TrimSpace(string(out))
}

// attributes tells whether files in the folder can have extended attributes.
// Without them this server forgets that an object is no longer deleted.
func attributes(dir string) bool { return unix.Setxattr(dir, "user.stemma", []byte("x"), 0) == nil }

// Start runs a server until the test is over. Options come before those that
// it has anyway.
func Start(t *testing.T, options ...string) Server {
	t.Helper()
	name := program(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	s := Server{"127.0.0.1", port, t.TempDir()}
	args := append(options, "--access", Access, "--secret", Secret, "--port", "127.0.0.1:"+port, "--quiet", "posix", "--versioning-dir", t.TempDir())
	if !attributes(s.Dir) {
		args = append(args, "--sidecar", t.TempDir())
	}
	cmd := exec.Command(name, append(args, s.Dir)...)
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
	})
	for range 200 {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%s/", port))
		if err == nil {
			resp.Body.Close()
			return s
		}
		time.Sleep(50 * time.Millisecond)
	}
	text, _ := os.ReadFile(log.Name())
	t.Fatalf("the S3 server does not answer: %s", text)
	return s
}
