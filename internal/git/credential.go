package git

import (
	"context"
	"strings"
)

// Credential asks git's credential helpers for the password for a host. Nobody
// is asked on the terminal: without an answer it is "".
func (r *Repo) Credential(ctx context.Context, protocol, host string) (string, error) {
	if strings.ContainsAny(protocol+host, "\n\x00") {
		return "", nil
	}
	in := "protocol=" + protocol + "\nhost=" + host + "\n\n"
	cmd := r.Command(ctx, "-c", "core.askPass=", "credential", "fill")
	cmd.Env = append(append([]string{}, cmd.Env...), "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=")
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		return "", ctx.Err() // no helper knows it
	}
	for line := range strings.Lines(string(out)) {
		if v, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "password="); ok {
			return v, nil
		}
	}
	return "", nil
}
