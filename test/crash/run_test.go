package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// maker is a program of the user: it writes NAME.txt and NAME.bin, which are
// the same each time, and replaces shared.bin.
const maker = `#!/bin/sh
set -e
mkdir -p "$(dirname "$1")"
echo "text of $1" > "$1.txt"
printf '%s\000\001\377' "binary $1" > "$1.bin"
if [ "${2-}" ]; then rm -f "$2"; printf '%s\000\001\377' "shared $1" > "$2"; fi
`

// made notes what the maker leaves.
func (s *story) made(name, shared string) {
	s.want[name+".txt"] = "text of " + name + "\n"
	s.want[name+".bin"] = "binary " + name + "\x00\x01\xff"
	if shared != "" {
		s.want[shared] = "shared " + name + "\x00\x01\xff"
	}
}

// maker writes the user's program outside of the dataset.
func (s *story) maker() string {
	s.T.Helper()
	path := filepath.Join(s.Root, "maker.sh")
	if err := os.WriteFile(path, []byte(maker), 0o755); err != nil {
		s.T.Fatal(err)
	}
	return path
}

// records counts commits with the subject on all branches.
func (s *story) records(subject string) (n int) {
	s.T.Helper()
	for _, line := range strings.Split(s.Git("log", "--branches", "--format=%s"), "\n") {
		if line == subject {
			n++
		}
	}
	return n
}

func (s *story) runArgs(name string) []string {
	return []string{"run", "--explicit", "-m", "make " + name, "-o", name + ".*", "-o", name + ".txt", "-o", name + ".bin", "-o", "shared.bin",
		s.maker(), name, "shared.bin"}
}

// A run that is killed at any moment and repeated leaves one record.
func TestRunKilled(t *testing.T) {
	s := newStory(t)
	s.NeedCommand(t, "run")
	rnd := random(t)
	s.write("shared.bin", rig.Binary("shared", 100))
	s.Save()
	var total int
	var whole time.Duration
	for i := range 2 {
		name := fmt.Sprintf("first/%d", i)
		s.made(name, "shared.bin")
		start := time.Now()
		total = s.countSteps(s.runArgs(name)...)
		whole = time.Since(start)
	}
	s.verify()
	for i, n := range chosen(t, rnd, total, 8) {
		s.round++
		name := fmt.Sprintf("run%03d/out put", s.round)
		s.made(name, "shared.bin")
		who := rig.Victims(rnd.IntN(3))
		if i%3 == 2 {
			if _, err := rig.KillAfter(s.Stemma(s.runArgs(name)...), time.Duration(rnd.Float64()*float64(whole)), who); err != nil {
				t.Fatal(err)
			}
		} else {
			s.killAt(n, who, s.runArgs(name)...)
		}
		if rnd.IntN(2) == 0 {
			s.meddle()
		}
		s.repeat(s.Stemma(s.runArgs(name)...))
		s.verify()
		if n := s.records("[DATALAD RUNCMD] make " + name); n != 1 {
			t.Fatalf("round %d: %d records of one run\n%s", s.round, n, s.Git("log", "--oneline", "-8"))
		}
	}
	s.Check()
}
