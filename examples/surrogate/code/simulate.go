//go:build ignore

// simulate integrates the Lorenz system with a fixed-step Runge-Kutta method and
// writes OUT/trajectory.bin (x, y, z of every sample as little-endian float64)
// and OUT/summary.txt. The same flags give the same bytes.
//
//	go run simulate.go -rho 28 -out sims/rho_28
package main

import (
	"bufio"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
)

const (
	sigma    = 10.0
	beta     = 8.0 / 3.0
	sampleDt = 0.01
	substeps = 5
)

type state [3]float64

func main() {
	log.SetFlags(0)
	rho := flag.Float64("rho", 28, "Rayleigh number")
	samples := flag.Int("samples", 150_000, "number of samples to write")
	skip := flag.Int("skip", 2_000, "samples to leave out at the start")
	out := flag.String("out", "", "folder to write to")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 || *samples < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := simulate(*rho, *samples, *skip, *out); err != nil {
		log.Fatal("simulate: ", err)
	}
}

func simulate(rho float64, samples, skip int, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	s := state{1, 1, rho - 1}
	for range skip {
		s = sample(s, rho)
	}
	m, err := trajectory(filepath.Join(out, "trajectory.bin"), s, rho, samples)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("system lorenz\nsigma %g\nbeta %.17g\nrho %g\ndt %g\nsamples %d\n", sigma, beta, rho, sampleDt, samples)
	for i, name := range []string{"x", "y", "z"} {
		mean := m.sum[i] / float64(samples)
		text += fmt.Sprintf("%s mean %.6f sd %.6f\n", name, mean, math.Sqrt(m.squares[i]/float64(samples)-mean*mean))
	}
	fmt.Print(text)
	return os.WriteFile(filepath.Join(out, "summary.txt"), []byte(text), 0o644)
}

// moments are running sums over a trajectory.
type moments struct{ sum, squares state }

// trajectory writes samples states, beginning with s.
func trajectory(path string, s state, rho float64, samples int) (m moments, err error) {
	f, err := os.Create(path)
	if err != nil {
		return m, err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for range samples {
		for i, v := range s {
			m.sum[i] += v
			m.squares[i] += v * v
		}
		if err = binary.Write(w, binary.LittleEndian, s[:]); err != nil {
			break
		}
		s = sample(s, rho)
	}
	if err == nil {
		err = w.Flush()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return m, err
}

// sample advances s by one sampling interval.
func sample(s state, rho float64) state {
	for range substeps {
		s = step(s, rho, sampleDt/substeps)
	}
	return s
}

func step(s state, rho, h float64) state {
	k1 := lorenz(s, rho)
	k2 := lorenz(along(s, k1, h/2), rho)
	k3 := lorenz(along(s, k2, h/2), rho)
	k4 := lorenz(along(s, k3, h), rho)
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

func lorenz(s state, rho float64) state {
	return state{sigma * (s[1] - s[0]), s[0]*(rho-s[2]) - s[1], s[0]*s[1] - beta*s[2]}
}
