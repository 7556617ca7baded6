// Package surrogate_test runs the example's programs as its job scripts do.
package surrogate_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestProgramsRepeatBitForBit(t *testing.T) {
	dir := t.TempDir()
	first := tour(t, filepath.Join(dir, "first"))
	second := tour(t, filepath.Join(dir, "second"))
	for _, name := range []string{"sims/24/trajectory.bin", "sims/24/summary.txt", "model/model.json", "model/metrics.json", "model/fit.svg"} {
		a, b := read(t, first, name), read(t, second, name)
		if !bytes.Equal(a, b) {
			t.Errorf("%s differs between two runs", name)
		}
		if len(a) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}

func TestTheSurrogateFindsTheLaw(t *testing.T) {
	dir := tour(t, t.TempDir())
	var model map[string]map[string]float64
	if err := json.Unmarshal(read(t, dir, "model/model.json"), &model); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]float64{
		"dx/dt": {"x": -10, "y": 10},
		"dy/dt": {"rho*x": 1, "x*z": -1, "y": -1},
		"dz/dt": {"x*y": 1, "z": -8.0 / 3},
	}
	for row, terms := range want {
		if len(model[row]) != len(terms) {
			t.Errorf("%s = %v, want %v", row, model[row], terms)
		}
		for term, c := range terms {
			if got := model[row][term]; got < c-0.01 || got > c+0.01 {
				t.Errorf("%s: coefficient of %s is %g, want %g", row, term, got, c)
			}
		}
	}
}

func TestTrainingRefusesATruncatedTrajectory(t *testing.T) {
	dir := t.TempDir()
	run(t, "code/simulate.go", "-rho", "24", "-samples", "100", "-out", filepath.Join(dir, "s"))
	if err := os.Truncate(filepath.Join(dir, "s", "trajectory.bin"), 1001); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", "code/train.go", "-out", dir, filepath.Join(dir, "s")).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no complete trajectory") {
		t.Errorf("err = %v, output %s", err, out)
	}
}

// tour makes three short trajectories and a model in dir, which it returns.
func tour(t *testing.T, dir string) string {
	t.Helper()
	args := []string{"-out", filepath.Join(dir, "model")}
	for _, rho := range []string{"24", "32", "40"} {
		out := filepath.Join(dir, "sims", rho)
		run(t, "code/simulate.go", "-rho", rho, "-samples", "20000", "-out", out)
		args = append(args, out)
	}
	run(t, "code/train.go", args...)
	return dir
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	out, err := exec.Command("go", append([]string{"run", program}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
