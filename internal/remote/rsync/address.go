package rsync

import (
	"fmt"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/ssh"
)

// acceptable refuses hosts that ssh would take for an option, also in rsync's
// brackets, and paths with which an rsync before 3.2.4 would run a command in
// the host's shell: the address may come from the git-annex branch.
func acceptable(url string) bool {
	host := strings.TrimPrefix(url[strings.Index(strings.SplitN(url, ":", 2)[0], "@")+1:], "[")
	return !strings.HasPrefix(url, "-") && !strings.HasPrefix(host, "-") && !strings.ContainsAny(url, "\x00\r\n$`;|&<>()")
}

// IsLocal follows rsync: a colon before the first slash names a host.
func IsLocal(url string) bool {
	before, _, _ := strings.Cut(url, "/")
	return !strings.Contains(before, ":")
}

// shell is rsync's -e, "" for none: annex-rsync-transport, or ssh. All
// calls of ssh share one connection.
func shell(s remote.Setup, url string) string {
	words := strings.Fields(s.Setting("rsync-transport"))
	if len(words) > 0 && words[0] != "ssh" || strings.Contains(url, "::") || strings.HasPrefix(url, "rsync://") {
		return strings.Join(words, " ")
	}
	if len(words) == 0 {
		words = append([]string{"ssh"}, append(strings.Fields(s.Settings.Get("annex.ssh-options")), strings.Fields(s.Setting("ssh-options"))...)...)
	}
	host, _, _ := strings.Cut(url, ":")
	if strings.HasPrefix(url, "[") || strings.Contains(url, "@[") {
		return strings.Join(words, " ") // rsync's own brackets
	}
	return strings.Join(append(words, ssh.Sharing(s, host, words[1:])...), " ")
}

// timeout lets rsync give up where nothing moves.
func timeout(d time.Duration) []string {
	const most = 24 * time.Hour
	if d > most {
		return nil // it is switched off
	}
	return []string{fmt.Sprintf("--timeout=%d", max(1, int(d.Seconds())))}
}
