package external

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// channel carries the messages of one request.
type channel interface {
	send(line string) error
	read() (string, error)
}

// router shares one process between requests: every message carries the number
// of its request.
type router struct {
	p    *program
	mu   sync.Mutex
	next int
	jobs map[int]*job
	err  error // why there is nothing more to read
}

func newRouter(p *program) *router { return &router{p: p, next: 1, jobs: map[int]*job{}} }

// run reads what comes until the end.
func (r *router) run() {
	for {
		line, err := r.p.read()
		var to *job
		if err == nil {
			to, line, err = r.route(line)
		}
		if err != nil {
			r.fail(err)
			return
		}
		if to != nil {
			to.lines <- line
		}
	}
}

// route finds the request that a message belongs to; nil for one that has
// ended.
func (r *router) route(line string) (*job, string, error) {
	rest, ok := strings.CutPrefix(line, "J ")
	if !ok {
		if msg, isError := strings.CutPrefix(line, "ERROR "); isError {
			return nil, "", fmt.Errorf("%s: %s", r.p.name, msg)
		}
		return nil, "", r.p.nonsense(line)
	}
	number, rest, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, "", r.p.nonsense(line)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.jobs[n], rest, nil
}

func (r *router) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	for _, j := range r.jobs {
		close(j.lines)
	}
	r.jobs = map[int]*job{}
}

// job is one request.
type job struct {
	r     *router
	n     int
	lines chan string
}

const jobBuffer = 64

func (r *router) begin() (*job, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	j := &job{r, r.next, make(chan string, jobBuffer)}
	r.jobs[j.n] = j
	r.next++
	return j, nil
}

func (j *job) end() {
	j.r.mu.Lock()
	delete(j.r.jobs, j.n)
	j.r.mu.Unlock()
	for { // the reader must not wait for us
		select {
		case _, ok := <-j.lines:
			if !ok {
				return
			}
		default:
			return
		}
	}
}

func (j *job) send(line string) error { return j.r.p.send(fmt.Sprintf("J %d %s", j.n, line)) }

func (j *job) read() (string, error) {
	line, ok := <-j.lines
	if !ok {
		j.r.mu.Lock()
		defer j.r.mu.Unlock()
		return "", j.r.err
	}
	return line, nil
}
