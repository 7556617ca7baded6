package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Edits of one file wait for each other, and none is lost.
func TestConfigEditsAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := EditConfigFile(path, dir, Set(fmt.Sprintf("a.key%d", i), "x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	text, err := os.ReadFile(path)
	if err != nil || strings.Count(string(text), "key") != 20 {
		t.Errorf("%v:\n%s", err, text)
	}
	expectOnly(t, dir, "config")
}

// What a killed process has left in an edit is taken over; a lock that git holds
// is not.
func TestConfigLockTakenOver(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	if err := os.WriteFile(path, []byte("[a]\n\told = 1\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	guard := "stemma-edit-" + guardName(path)
	for _, left := range []string{guard, guard + ".new"} {
		if err := os.WriteFile(filepath.Join(dir, left), []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(filepath.Join(dir, guard), path+".lock"); err != nil {
		t.Fatal(err)
	}
	if err := EditConfigFile(path, dir, Set("a.new", "2")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "old = 1") || !strings.Contains(string(text), "new = 2") {
		t.Errorf("%v:\n%s", err, text)
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o640 {
		t.Errorf("mode: %v %v", fi.Mode(), err)
	}
	expectOnly(t, dir, "config")

	if err := os.WriteFile(path+".lock", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := EditConfigFile(path, dir, Set("a.new", "3")); err == nil {
		t.Error("git's lock was ignored")
	}
	if _, err := os.Stat(path + ".lock"); err != nil {
		t.Errorf("git's lock is gone: %v", err)
	}
	expectOnly(t, dir, "config", "config.lock")
}

func expectOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("in the folder: %v", got)
	}
}
