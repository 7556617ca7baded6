package transfer

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestTheLastCopyIsNeverLost lets repositories that all have a file drop it at
// the same time, each counting on the others.
func TestTheLastCopyIsNeverLost(t *testing.T) {
	w := newWorld(t)
	files := map[string][]byte{}
	for i := range 3 {
		files[fmt.Sprint("file", i)] = random(2000, byte(i))
	}
	for _, c := range []struct {
		name   string
		url    func(string) string
		names  []string
		rounds int // in an ordinary run
	}{
		{"path-2", path, []string{"a2", "b2"}, 7},
		{"path-3", path, []string{"a3", "b3", "c3"}, 7},
		{"ssh-2", w.server.URL, []string{"d2", "e2"}, 3},
		{"ssh-3", w.server.URL, []string{"d3", "e3", "f3"}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			dirs := w.datasets(files, c.url, c.names...)
			r := &race{world: w, dirs: dirs, files: files, rng: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))}
			for _, name := range c.names[1:] {
				w.run(dirs[name], program, "get", "-s", c.names[0], ".")
			}
			for range soak(c.rounds, 125) {
				r.round()
			}
		})
	}
}

type race struct {
	*world
	dirs  map[string]string
	files map[string][]byte
	rng   *rand.Rand
}

// droppers are the programs that drop; in ordinary runs git-annex, which takes
// its time, is a rare guest.
func (r *race) dropper() []string {
	if r.rng.IntN(4) == 0 {
		return []string{"git", "annex", "drop", "-q"}
	}
	return []string{program, "drop"}
}

func (r *race) round() {
	r.t.Helper()
	var wg sync.WaitGroup
	for _, dir := range r.dirs {
		args := r.dropper()
		for f := range r.files {
			args = append(args, f)
		}
		pause := time.Duration(r.rng.IntN(20)) * time.Millisecond
		cmd := r.command(dir, nil, args...)
		wg.Go(func() {
			time.Sleep(pause)
			_, _ = cmd.CombinedOutput() // it may well be refused
		})
	}
	wg.Wait()
	for f := range r.files {
		r.survives(f)
	}
	r.restore()
}

// survives fails the test if nobody has the file any more.
func (r *race) survives(file string) {
	r.t.Helper()
	copies := 0
	for _, dir := range r.dirs {
		if r.intact(dir, file) {
			copies++
		}
	}
	if copies == 0 {
		r.t.Fatalf("%s is lost", file)
	}
}

// restore gives every repository every file again.
func (r *race) restore() {
	r.t.Helper()
	for _, dir := range r.dirs {
		r.forgive(dir)
	}
	for name, dir := range r.dirs {
		out, err := r.command(dir, nil, program, "get", ".").CombinedOutput()
		if err != nil {
			r.t.Fatalf("get in %s: %v\n%s", name, err, out)
		}
	}
}

// forgive removes what is kept for clients that vanished: a test cannot wait
// for ten minutes.
func (r *race) forgive(dir string) {
	promises, _ := filepath.Glob(filepath.Join(dir, ".git", "annex", "objects", "*", "*", "*", "*.rtm"))
	if len(promises) > 0 {
		r.t.Errorf("a client vanished: %v", promises)
	}
}
