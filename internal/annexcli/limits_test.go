package annexcli

import (
	"testing"
	"time"
)

var limitSteps = []string{
	`git init -q a && cd a && git annex init A -q && for n in 4 50 5 3 6; do head -c $n /dev/zero > f$n; done && git annex add -q . && git commit -qm 1 && git clone -q . ../b && cd ../b && git annex init B -q`,
	// What does not fit any more is passed over, and smaller files still come.
	`cd a && git annex find --size-limit 9b; git annex find --size-limit 8b; git annex find --size-limit 0; git annex find --size-limit 1kb`,
	`cd a && git annex whereis --size-limit 10b --json; git annex whereis --all --size-limit 50b | tail -n 1`,
	`cd b && git annex get -q f4 && git annex get --size-limit 9b --json`,
	`cd b && git annex find; git annex drop --size-limit 4b --json`,
	`cd b && printf 'f50\nf6\nf3\n' | git annex get --size-limit 9b --batch --json | grep .`,
	`cd b && git annex copy --size-limit 3b --to origin --json; git annex move --from origin --size-limit 9b --json; git annex find`,
	`cd b && git annex move --to origin --size-limit 9b --json; git annex find`,
	`cd b && for o in size-limit=x time-limit=x time-limit= time-limit=5w time-limit=h; do git annex find --$o 2>&1 | head -n 1; done`,
	`cd b && git annex find --time-limit 0s 2>&1 | grep .; git annex get --time-limit 0s f50 | grep .; git annex find --time-limit 1h30m; git annex find --time-limit 100; echo f3 | git annex find --batch --time-limit 1d`,
	`cd b && git annex get f3 --key $(git annex lookupkey f4) 2>&1; git annex get --failed --all 2>&1 | head -n 1; echo f3 | git annex get --batch --all 2>&1`,
}

func TestLimits(t *testing.T) { likeGitAnnex(t, limitSteps) }

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"5": 5 * time.Second, "1h5m": 65 * time.Minute, "2y1d": (2*365 + 1) * 24 * time.Hour, "0s": 0,
		"": -1, "x": -1, "5x": -1, "h": -1, "1h ": -1, "-5": -1, "99999999999999999999": -1, "9999999y": -1,
	} {
		got, ok := parseDuration(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
