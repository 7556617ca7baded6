package main

import (
	"bufio"
	"strings"
	"testing"
)

const trace = `10 execve("/usr/bin/git", ["git"], 0x1 /* 3 vars */) = 0
10 openat(AT_FDCWD</repo>, ".git/HEAD", O_RDONLY) = 3</repo/.git/HEAD>
10 newfstatat(3</repo/.git/HEAD>, "", {st_mode=S_IFREG|0644}, AT_EMPTY_PATH) = 0
10 newfstatat(AT_FDCWD</repo>, "/repository/x", 0x7ff, 0) = -1 ENOENT (No such file or directory)
10 openat(4</repo/.git>, "refs", O_RDONLY <unfinished ...>
11 openat(AT_FDCWD</repo>, "/etc/passwd", O_RDONLY) = 5</etc/passwd>
10 <... openat resumed>) = 5</repo/.git/refs>
10 clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0}, 88) = 12
10 clone(child_stack=NULL, flags=CLONE_VFORK|SIGCHLD <unfinished ...>
10 <... clone resumed>) = 13
13 chdir("/repo/sub") = 0
13 access("a \"b\"", F_OK) = 0
13 chdir("/elsewhere") = 0
13 lstat("x", 0x7ff) = -1 ENOENT (No such file or directory)
13 unlink("../repo/y") = 0
13 vfork() = -1 EAGAIN (Resource temporarily unavailable)
13 exit_group(0) = ?
13 +++ exited with 0 +++
`

func TestReadTrace(t *testing.T) {
	c, err := readTrace(bufio.NewScanner(strings.NewReader(trace)), "/repo", "/repo")
	if err != nil {
		t.Fatal(err)
	}
	if want := "openat 2, access 1, chdir 1, unlink 1"; c.top(9) != want {
		t.Errorf("calls inside: %s, want %s", c.top(9), want)
	}
	if c.inside != 5 || c.processes != 1 {
		t.Errorf("%d calls and %d processes, want 5 and 1", c.inside, c.processes)
	}
}
