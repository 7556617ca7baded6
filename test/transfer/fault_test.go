package transfer

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// faultVar makes the test binary an ssh that fails: "KIND DIRECTION BYTES".
// It acts once that many bytes have passed in the direction: "down" is from the
// host, "up" to it. "none" only counts.
const faultVar = "STEMMA_TEST_SSH_FAULT"

// configVar and countVar are ssh's configuration, and the file to which the
// numbers of bytes are appended that passed.
const (
	configVar = "STEMMA_TEST_SSH_CONFIG"
	countVar  = "STEMMA_TEST_SSH_COUNT"
)

// faultySSH runs ssh between two pumps.
func faultySSH(args []string) int {
	kind, direction, at := "none", "", int64(0)
	if f := strings.Fields(os.Getenv(faultVar)); len(f) == 3 {
		kind, direction = f[0], f[1]
		at, _ = strconv.ParseInt(f[2], 10, 64)
	}
	cmd := exec.Command("ssh", append([]string{"-F", os.Getenv(configVar)}, args...)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return 255
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 255
	}
	if err := cmd.Start(); err != nil {
		return 255
	}
	down, up := &fault{kind: kind, at: at, ssh: cmd}, &fault{kind: "none"}
	if direction == "up" {
		down, up = up, down
	}
	go func() {
		up.pump(in, os.Stdin)
		in.Close()
	}()
	down.pump(os.Stdout, out)
	os.Stdout.Close()
	err = cmd.Wait()
	if name := os.Getenv(countVar); name != "" {
		if f, ferr := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644); ferr == nil {
			fmt.Fprintln(f, down.passed, up.passed)
			f.Close()
		}
	}
	if err != nil {
		return 255
	}
	return 0
}

// fault is what happens to one direction.
type fault struct {
	kind   string
	at     int64
	passed int64
	ssh    *exec.Cmd
}

func (f *fault) pump(to io.Writer, from io.Reader) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if f.kind != "none" && f.passed+int64(n) > f.at {
				f.strike(to, buf[:n])
			}
			f.passed += int64(n)
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// strike lets the fault happen; it may change the block.
func (f *fault) strike(to io.Writer, block []byte) {
	switch f.kind {
	case "kill": // the program under test
		to.Write(block[:len(block)/2])
		time.Sleep(20 * time.Millisecond) // it takes that in
		_ = syscall.Kill(os.Getppid(), syscall.SIGKILL)
		_ = f.ssh.Process.Kill()
		os.Exit(255)
	case "cut": // the connection
		to.Write(block[:len(block)/2])
		_ = f.ssh.Process.Kill()
		os.Exit(255)
	case "stall":
		time.Sleep(time.Hour)
	case "flip":
		block[len(block)/2] ^= 0x10
		f.kind = "none"
	}
}
