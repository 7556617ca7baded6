//go:build ignore

// train learns the law of motion from simulated trajectories alone: a sparse
// regression of the time derivative on polynomials of the state and of the
// parameter rho. It then lets this surrogate run at a rho that it has never
// seen, beside the true system, and writes OUT/model.json, OUT/metrics.json and
// the picture OUT/fit.svg. The same inputs give the same bytes.
//
//	go run train.go -out model sims/rho_24 sims/rho_26 …
package main

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"strings"
)

const (
	unseenRho = 28.0
	lyapunov  = 0.9056 // largest Lyapunov exponent at rho 28, per unit of time
	ridge     = 1e-9
	threshold = 0.05 // coefficients below this are noise
)

type state [3]float64

// run is one simulated trajectory.
type run struct {
	rho, dt float64
	path    []state
}

func main() {
	log.SetFlags(0)
	out := flag.String("out", "", "folder to write to")
	flag.Parse()
	if *out == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := train(*out, flag.Args()); err != nil {
		log.Fatal("train: ", err)
	}
}

func train(out string, folders []string) error {
	var runs []run
	for _, dir := range folders {
		r, err := load(dir)
		if err != nil {
			return err
		}
		runs = append(runs, r)
	}
	model := fit(runs)
	test := compare(model, runs[0].dt)
	metrics := assess(model, runs, test)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	return firstError(
		writeJSON(filepath.Join(out, "model.json"), model.named()),
		writeJSON(filepath.Join(out, "metrics.json"), metrics),
		os.WriteFile(filepath.Join(out, "fit.svg"), []byte(picture(test, metrics)), 0o644),
	)
}

// load reads what simulate wrote.
func load(dir string) (run, error) {
	var r run
	text, err := os.ReadFile(filepath.Join(dir, "summary.txt"))
	if err != nil {
		return r, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		fmt.Sscanf(line, "rho %g", &r.rho)
		fmt.Sscanf(line, "dt %g", &r.dt)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "trajectory.bin"))
	if err != nil {
		return r, err
	}
	if r.rho == 0 || r.dt <= 0 || len(raw) < 5*24 || len(raw)%24 != 0 {
		return r, fmt.Errorf("%s is no complete trajectory", dir)
	}
	r.path = make([]state, len(raw)/24)
	for i := range r.path {
		for k := range 3 {
			r.path[i][k] = math.Float64frombits(binary.LittleEndian.Uint64(raw[24*i+8*k:]))
		}
	}
	return r, nil
}

// The candidate terms of the law of motion.
var terms = []string{"1", "x", "y", "z", "rho", "x*x", "x*y", "x*z", "y*y", "y*z", "z*z", "rho*x", "rho*y", "rho*z"}

const nTerms = 14

func features(s state, rho float64) [nTerms]float64 {
	x, y, z := s[0], s[1], s[2]
	return [nTerms]float64{1, x, y, z, rho, x * x, x * y, x * z, y * y, y * z, z * z, rho * x, rho * y, rho * z}
}

// surrogate holds one row of coefficients for each component of the derivative.
type surrogate [3][nTerms]float64

func (m *surrogate) derivative(s state, rho float64) (d state) {
	f := features(s, rho)
	for i := range d {
		for j, c := range m[i] {
			d[i] += c * f[j]
		}
	}
	return d
}

func (m *surrogate) named() map[string]map[string]float64 {
	named := map[string]map[string]float64{}
	for i, name := range []string{"dx/dt", "dy/dt", "dz/dt"} {
		named[name] = map[string]float64{}
		for j, c := range m[i] {
			if c != 0 {
				named[name][terms[j]] = math.Round(c*1e6) / 1e6
			}
		}
	}
	return named
}

// fit solves the least-squares problem, drops the small coefficients and solves
// again for the remaining ones, until nothing changes.
func fit(runs []run) *surrogate {
	gram, rhs := normalEquations(runs)
	m := new(surrogate)
	for i := range m {
		active := make([]bool, nTerms)
		for j := range active {
			active[j] = true
		}
		for changed := true; changed; {
			m[i] = solve(gram, rhs[i], active)
			changed = false
			for j, c := range m[i] {
				if active[j] && math.Abs(c) < threshold {
					active[j], changed = false, true
				}
			}
		}
	}
	return m
}

func normalEquations(runs []run) (gram [nTerms][nTerms]float64, rhs [3][nTerms]float64) {
	for _, r := range runs {
		for t := 2; t < len(r.path)-2; t++ {
			f := features(r.path[t], r.rho)
			d := r.slope(t)
			for j := range f {
				for k := 0; k <= j; k++ {
					gram[j][k] += f[j] * f[k]
				}
				for i := range d {
					rhs[i][j] += f[j] * d[i]
				}
			}
		}
	}
	for j := range gram {
		for k := range j {
			gram[k][j] = gram[j][k]
		}
	}
	return gram, rhs
}

// slope is the time derivative at sample t, by differences of fourth order.
func (r *run) slope(t int) (d state) {
	p := r.path
	for i := range d {
		d[i] = (p[t-2][i] - 8*p[t-1][i] + 8*p[t+1][i] - p[t+2][i]) / (12 * r.dt)
	}
	return d
}

// solve returns the ridge solution in the active terms, by Gauss elimination
// with scaling and pivoting; the other coefficients are 0.
func solve(gram [nTerms][nTerms]float64, rhs [nTerms]float64, active []bool) (x [nTerms]float64) {
	var idx []int
	for j, on := range active {
		if on {
			idx = append(idx, j)
		}
	}
	n := len(idx)
	a := make([][]float64, n)
	for r, j := range idx {
		a[r] = make([]float64, n+1)
		sj := math.Sqrt(gram[j][j])
		for c, k := range idx {
			a[r][c] = gram[j][k] / (sj * math.Sqrt(gram[k][k]))
		}
		a[r][r] += ridge
		a[r][n] = rhs[j] / sj
	}
	eliminate(a)
	for r, j := range idx {
		x[j] = a[r][n] / math.Sqrt(gram[j][j])
	}
	return x
}

// eliminate turns the augmented matrix a into the identity and the solution.
func eliminate(a [][]float64) {
	n := len(a)
	for c := range n {
		p := c
		for r := c; r < n; r++ {
			if math.Abs(a[r][c]) > math.Abs(a[p][c]) {
				p = r
			}
		}
		a[c], a[p] = a[p], a[c]
		for k := n; k >= c; k-- {
			a[c][k] /= a[c][c]
		}
		for r := range n {
			if r == c {
				continue
			}
			for k := n; k >= c; k-- {
				a[r][k] -= a[r][c] * a[c][k]
			}
		}
	}
}

// trial is the surrogate beside the true system, at the unseen rho.
type trial struct {
	dt          float64
	truth, ours []state
}

func compare(m *surrogate, dt float64) trial {
	const n, substeps = 4000, 5
	t := trial{dt: dt}
	law := func(s state) state {
		return state{10 * (s[1] - s[0]), s[0]*(unseenRho-s[2]) - s[1], s[0]*s[1] - 8.0/3*s[2]}
	}
	learned := func(s state) state { return m.derivative(s, unseenRho) }
	a := state{-8, 7, 27}
	b := a
	for range n {
		t.truth, t.ours = append(t.truth, a), append(t.ours, b)
		for range substeps {
			a, b = step(law, a, dt/substeps), step(learned, b, dt/substeps)
		}
	}
	return t
}

func step(f func(state) state, s state, h float64) state {
	k1 := f(s)
	k2 := f(along(s, k1, h/2))
	k3 := f(along(s, k2, h/2))
	k4 := f(along(s, k3, h))
	for i := range s {
		s[i] += h / 6 * (k1[i] + 2*k2[i] + 2*k3[i] + k4[i])
	}
	return s
}

func along(s, k state, h float64) state {
	for i := range s {
		s[i] += h * k[i]
	}
	return s
}

// metrics is what metrics.json holds.
type metrics struct {
	Trajectories   int     `json:"trajectories"`
	Samples        int     `json:"samples"`
	Terms          int     `json:"terms_kept"`
	RelativeError  float64 `json:"relative_error_of_derivative"`
	UnseenRho      float64 `json:"unseen_rho"`
	ValidTime      float64 `json:"valid_time"`
	LyapunovTimes  float64 `json:"valid_lyapunov_times"`
	MeanZTruth     float64 `json:"mean_z_truth"`
	MeanZSurrogate float64 `json:"mean_z_surrogate"`
}

func assess(m *surrogate, runs []run, t trial) metrics {
	out := metrics{Trajectories: len(runs), UnseenRho: unseenRho}
	for _, row := range m {
		for _, c := range row {
			if c != 0 {
				out.Terms++
			}
		}
	}
	var wrong, all float64
	for _, r := range runs {
		out.Samples += len(r.path)
		for k := 2; k < len(r.path)-2; k += 50 {
			want, got := r.slope(k), m.derivative(r.path[k], r.rho)
			wrong += distance(want, got)
			all += distance(want, state{})
		}
	}
	out.RelativeError = rounded(wrong / all)
	out.ValidTime = rounded(t.validTime())
	out.LyapunovTimes = rounded(t.validTime() * lyapunov)
	out.MeanZTruth, out.MeanZSurrogate = rounded(meanZ(t.truth)), rounded(meanZ(t.ours))
	return out
}

// validTime is how long the surrogate stays near the truth.
func (t trial) validTime() float64 {
	for i := range t.truth {
		if !(distance(t.truth[i], t.ours[i]) < 5) {
			return float64(i) * t.dt
		}
	}
	return float64(len(t.truth)) * t.dt
}

func meanZ(path []state) (mean float64) {
	for _, s := range path {
		mean += s[2] / float64(len(path))
	}
	return mean
}

func distance(a, b state) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

func rounded(v float64) float64 { return math.Round(v*1e8) / 1e8 }

// picture draws both attractors and the two time series.
func picture(t trial, m metrics) string {
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 760" font-family="Helvetica, Arial, sans-serif">
<rect width="1200" height="760" fill="#0e1420"/>
`)
	label(&b, 40, 46, 24, "#f2f2f2", "A surrogate learned from eight simulations, at a parameter it has never seen")
	label(&b, 40, 74, 15, "#9fb0c8", fmt.Sprintf("Lorenz system, rho = %g · %d samples · %d terms kept · relative error of the derivative %.1e · follows the truth for %.1f Lyapunov times",
		m.UnseenRho, m.Samples, m.Terms, m.RelativeError, m.LyapunovTimes))
	attractor(&b, t.truth, 40, "#e8c26a", "truth")
	attractor(&b, t.ours, 620, "#5ec8e5", "surrogate")
	series(&b, t, m)
	b.WriteString("</svg>\n")
	return b.String()
}

func label(b *strings.Builder, x, y, size int, color, text string) {
	fmt.Fprintf(b, "<text x=\"%d\" y=\"%d\" font-size=\"%d\" fill=\"%s\">%s</text>\n", x, y, size, color, text)
}

func attractor(b *strings.Builder, path []state, left float64, color, name string) {
	label(b, int(left)+10, 120, 18, color, name+"  (x, z)")
	fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="0.8" stroke-opacity="0.8" points="`, color)
	for _, s := range path {
		fmt.Fprintf(b, "%.1f,%.1f ", left+270+12*clamp(s[0], 22), 520-7.5*clamp(s[2], 54))
	}
	b.WriteString("\"/>\n")
}

// series draws x(t) of the first part of the trial.
func series(b *strings.Builder, t trial, m metrics) {
	const shown, width = 3000, 1120.0
	label(b, 50, 570, 15, "#9fb0c8", fmt.Sprintf("x(t), first %g time units; dashed: the surrogate leaves the truth", shown*t.dt))
	for _, c := range []struct {
		path  []state
		style string
	}{{t.truth, `stroke="#e8c26a" stroke-width="3" stroke-opacity="0.75"`}, {t.ours, `stroke="#5ec8e5" stroke-width="1.3"`}} {
		fmt.Fprintf(b, `<polyline fill="none" %s points="`, c.style)
		for i := 0; i < shown; i += 2 {
			fmt.Fprintf(b, "%.1f,%.1f ", 40+width*float64(i)/shown, 660-3.6*clamp(c.path[i][0], 22))
		}
		b.WriteString("\"/>\n")
	}
	if x := 40 + width*m.ValidTime/t.dt/shown; x < 40+width {
		fmt.Fprintf(b, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"585\" y2=\"740\" stroke=\"#ff7b72\" stroke-dasharray=\"5 5\"/>\n", x, x)
	}
}

func clamp(v, limit float64) float64 { return math.Max(-limit, math.Min(limit, v)) }

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
