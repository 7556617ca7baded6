//go:build linux && amd64

package rig

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// steps are the system calls that change what others see.
var steps = []uint64{
	unix.SYS_OPENAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_SYMLINKAT,
	unix.SYS_UNLINKAT, unix.SYS_MKDIRAT, unix.SYS_FCHMODAT, unix.SYS_FSYNC, unix.SYS_FDATASYNC,
	unix.SYS_RENAME, unix.SYS_LINK, unix.SYS_SYMLINK, unix.SYS_UNLINK, unix.SYS_MKDIR, unix.SYS_RMDIR, unix.SYS_CHMOD,
}

// KillAt runs the command under a tracer and kills the victims right before
// the n-th changing system call of all its processes together; n = 0 only
// counts. It returns how many such calls were seen, and whether the command
// ended by itself. Opening a file for reading is no change.
func KillAt(cmd *exec.Cmd, n int, who Victims) (seen int, ended bool, err error) {
	return KillWhen(cmd, func(seen int) bool { return seen == n }, who)
}

// KillWhen is KillAt at the first step at which now, which is told the number
// of the step, returns true. All processes that are about to make a changing
// call stand still while it looks.
func KillWhen(cmd *exec.Cmd, now func(step int) bool, who Victims) (seen int, ended bool, err error) {
	runtime.LockOSThread() // all requests of a tracer must come from one thread
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return 0, false, err
	}
	tr := &tracer{main: cmd.Process.Pid, now: now, who: who, known: map[int]bool{cmd.Process.Pid: true}}
	err = tr.follow()
	_ = cmd.Process.Release()
	return tr.seen, tr.ended && !tr.killed, err
}

const traceOptions = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK |
	unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL

type tracer struct {
	main, seen    int
	now           func(step int) bool
	who           Victims
	known         map[int]bool
	ended, killed bool
	exit          syscall.WaitStatus
}

// follow serves all traced processes until the last one is gone.
func (tr *tracer) follow() error {
	var st syscall.WaitStatus
	if _, err := syscall.Wait4(tr.main, &st, 0, nil); err != nil {
		return fmt.Errorf("wait for the first stop: %w", err)
	}
	if err := syscall.PtraceSetOptions(tr.main, traceOptions); err != nil {
		return fmt.Errorf("set trace options: %w", err)
	}
	tr.resume(tr.main, 0)
	for len(tr.known) > 0 {
		// Only children of this thread's tracer: other tests have theirs.
		pid, err := syscall.Wait4(-1, &st, syscall.WALL|unix.WNOTHREAD, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if errors.Is(err, syscall.ECHILD) {
			return nil
		}
		if err != nil {
			return err
		}
		tr.stopped(pid, st)
	}
	return nil
}

func (tr *tracer) stopped(pid int, st syscall.WaitStatus) {
	if st.Exited() || st.Signaled() {
		delete(tr.known, pid)
		if pid == tr.main {
			tr.ended, tr.exit = true, st
		}
		return
	}
	tr.known[pid] = true
	sig := st.StopSignal()
	switch {
	case sig == syscall.SIGTRAP|0x80:
		if tr.atStep(pid) {
			tr.seen++
			if !tr.killed && tr.now(tr.seen) {
				tr.kill()
			}
		}
		sig = 0
	case sig == syscall.SIGTRAP, sig == syscall.SIGSTOP:
		sig = 0 // events, and the first stop of a new process
	}
	tr.resume(pid, int(sig))
}

func (tr *tracer) resume(pid, sig int) { _ = syscall.PtraceSyscall(pid, sig) }

// kill ends the victims. Threads that are stopped die as well.
func (tr *tracer) kill() {
	tr.killed = true
	switch tr.who {
	case Main:
		_ = syscall.Kill(tr.main, syscall.SIGKILL)
	case Group:
		_ = syscall.Kill(-tr.main, syscall.SIGKILL)
	case All:
		for pid := range tr.known {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// atStep reports whether the process is about to make a changing call.
func (tr *tracer) atStep(pid int) bool {
	nr, args, ok := entering(pid)
	if !ok || !slices.Contains(steps, nr) {
		return false
	}
	if nr == unix.SYS_OPENAT {
		return args[2]&uint64(os.O_WRONLY|os.O_RDWR|os.O_CREATE) != 0
	}
	return true
}

// entering returns the system call at whose entry the process stands.
func entering(pid int) (nr uint64, args [6]uint64, ok bool) {
	var regs syscall.PtraceRegs
	if syscall.PtraceGetRegs(pid, &regs) != nil {
		return 0, args, false
	}
	const enosys = ^uint64(0) - 37 // what the kernel puts there at the entry
	return regs.Orig_rax, [6]uint64{regs.Rdi, regs.Rsi, regs.Rdx, regs.R10, regs.R8, regs.R9}, regs.Rax == enosys
}
