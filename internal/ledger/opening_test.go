package ledger

import (
	"os"
	"path/filepath"
	"testing"
)

// What was begun before the lease was held ends with the file that is there then.
func TestOpening(t *testing.T) {
	dir := t.TempDir()
	jobs := func(o *Opening) (n int) {
		t.Helper()
		l, err := o.Finish(t.Context())
		must(t, err)
		defer l.Close()
		for _, err := range l.Jobs(t.Context(), Filter{All: true}) {
			must(t, err)
			n++
		}
		return n
	}
	early := Begin(dir)
	l, err := Open(t.Context(), dir)
	must(t, err)
	_, err = l.Claim(t.Context(), newJob("a"), false)
	must(t, err)
	must(t, l.Close())
	if n := jobs(early); n != 1 {
		t.Errorf("a ledger made meanwhile has %d jobs", n)
	}
	if n := jobs(Begin(dir)); n != 1 {
		t.Errorf("an old one has %d jobs", n)
	}
	replaced := Begin(dir)
	<-replaced.done
	must(t, os.Rename(filepath.Join(dir, FileName), filepath.Join(dir, "aside")))
	if n := jobs(replaced); n != 0 {
		t.Errorf("the file that was put aside was read: %d jobs", n)
	}
	Begin(dir).Drop()
	Begin(t.TempDir()).Drop()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
