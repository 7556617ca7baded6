package ssh

import (
	"crypto/md5"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
)

// program is how ssh is started: as git does it.
type program struct {
	name   string
	args   []string // before the host
	shared string   // folder of the socket for shared connections; "" for none
}

// newProgram follows git: GIT_SSH_COMMAND, core.sshCommand (both for a shell),
// GIT_SSH, ssh. Only where none of them is set are connections shared.
func newProgram(s remote.Setup, a Address) program {
	var p program
	line := s.Getenv("GIT_SSH_COMMAND")
	if line == "" {
		line = s.Settings.Get("core.sshcommand")
	}
	switch simple := s.Getenv("GIT_SSH"); {
	case plainWords(line):
		words := strings.Fields(line)
		p.name, p.args = words[0], words[1:]
	case line != "":
		// git's own way: the command is shell text, its arguments are not.
		p.name, p.args = "/bin/sh", []string{"-c", line + ` "$@"`, line}
	case simple != "":
		p.name = simple
	default:
		p.name = "ssh"
	}
	options := append(strings.Fields(s.Settings.Get("annex.ssh-options")), strings.Fields(s.Setting("ssh-options"))...)
	if p.name == "ssh" && len(p.args) == 0 && s.Settings.Bool("annex.sshcaching", true) && !strings.Contains(strings.Join(options, " "), "ControlPath") {
		p.share(s, a, options)
	}
	p.args = append(p.args, options...)
	if a.Port != "" {
		p.args = append(p.args, "-p", a.Port)
	}
	p.args = append(p.args, "-T", a.Host)
	return p
}

// plainWords reports whether a shell would do no more with the line than take
// it apart at blanks. Then no shell is needed, which would stand between us and
// a process that has to be ended.
func plainWords(line string) bool {
	first, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	return first != "" && !strings.Contains(first, "=") && strings.IndexFunc(line, func(c rune) bool {
		return !strings.ContainsRune(" /._-=:@%+,", c) && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) < 0
}

// maxSocket is how long the path of a socket may be, with what ssh appends
// while it makes one.
const maxSocket = 85

// share lets all connections to the host go through one, so that people log in
// once. It stays for a minute after its last use.
func (p *program) share(s remote.Setup, a Address, options []string) {
	sum := md5.Sum([]byte(a.Host + "\x00" + a.Port + "\x00" + strings.Join(options, "\x00")))
	socket := s.AnnexDir("ssh", hex.EncodeToString(sum[:8]))
	if len(socket) > maxSocket || strings.ContainsAny(socket, "% \"") {
		return
	}
	p.shared = filepath.Dir(socket)
	p.args = append(p.args, "-S", socket, "-o", "ControlMaster=auto", "-o", "ControlPersist=60")
}

// command is a process that runs the words on the host.
func (p program) command(env []string, words ...string) proc.Cmd {
	if p.shared != "" {
		_ = os.MkdirAll(p.shared, 0o700)
	}
	return proc.Cmd{
		Name: p.name, Args: append(append([]string{}, p.args...), shellLine(words)), Env: env,
		Terminal: true, // ssh may ask for a password
	}
}

// shellLine is what the host's shell gets: every word but the first is quoted.
func shellLine(words []string) string {
	var b strings.Builder
	b.WriteString(words[0])
	for _, w := range words[1:] {
		b.WriteString(" '" + strings.ReplaceAll(w, "'", `'\''`) + "'")
	}
	return b.String()
}
