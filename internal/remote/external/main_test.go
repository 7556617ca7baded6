package external

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestMain lets the test binary play the programs, by the name it is called.
func TestMain(m *testing.M) {
	kind, ok := strings.CutPrefix(filepath.Base(os.Args[0]), "git-annex-remote-")
	if !ok {
		os.Exit(m.Run())
	}
	play(kind)
}

// play is a program that keeps content in a folder.
func play(kind string) {
	p := &player{in: bufio.NewReader(os.Stdin), kind: kind, answers: map[string]chan string{}}
	switch kind {
	case "silent":
		fmt.Fprintln(os.Stderr, "cannot find my library")
		os.Exit(3)
	case "nonsense":
		fmt.Println("Usage: nonsense [OPTIONS]")
		io.Copy(io.Discard, os.Stdin)
		return
	case "mute":
		io.Copy(io.Discard, os.Stdin)
		return
	case "long":
		fmt.Print(strings.Repeat("x", 2*maxLine))
		io.Copy(io.Discard, os.Stdin)
		return
	}
	fmt.Println("VERSION 1")
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\n")
		switch job, rest, async := p.cutJob(line); {
		case strings.HasPrefix(line, "EXTENSIONS"):
			if kind == "async" {
				p.say("", "EXTENSIONS ASYNC")
			} else {
				p.say("", "EXTENSIONS INFO")
			}
		case async && isReply(rest):
			p.answer(job) <- rest
		case async:
			go p.request(job, rest)
		default:
			if word, _, _ := strings.Cut(line, " "); kind == "pensive" && slices.Contains([]string{"CHECKPRESENT", "CLAIMURL", "CHECKURL", "WHEREIS"}, word) {
				continue
			}
			p.request("", line)
		}
	}
}

func isReply(line string) bool {
	return strings.HasPrefix(line, "VALUE") || strings.HasPrefix(line, "CREDS")
}

type player struct {
	in      *bufio.Reader
	kind    string
	mu      sync.Mutex
	answers map[string]chan string
	dir     string
}

func (p *player) cutJob(line string) (job, rest string, async bool) {
	rest, ok := strings.CutPrefix(line, "J ")
	if !ok {
		return "", line, false
	}
	job, rest, _ = strings.Cut(rest, " ")
	return job, rest, true
}

func (p *player) answer(job string) chan string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.answers[job] == nil {
		p.answers[job] = make(chan string, 8)
	}
	return p.answers[job]
}

func (p *player) say(job, line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if job != "" {
		line = "J " + job + " " + line
	}
	fmt.Println(line)
}

func (p *player) ask(job, line string) string {
	p.say(job, line)
	reply := ""
	if job != "" {
		reply = <-p.answer(job)
	} else {
		reply, _ = p.in.ReadString('\n')
	}
	return strings.TrimPrefix(strings.TrimSuffix(reply, "\n"), "VALUE ")
}

func (p *player) request(job, line string) {
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "INITREMOTE":
		p.say(job, "SETCONFIG seen "+p.ask(job, "GETCONFIG directory"))
		p.say(job, "SETCREDS login me very secret")
		p.say(job, "INITREMOTE-SUCCESS")
	case "PREPARE":
		p.dir = p.ask(job, "GETCONFIG directory")
		if p.kind == "unready" {
			p.say(job, "PREPARE-FAILURE no disk")
			return
		}
		p.say(job, "PREPARE-SUCCESS")
	case "CHECKPRESENT":
		p.present(job, rest)
	case "REMOVE":
		os.Remove(p.path(job, rest))
		p.say(job, "REMOVE-SUCCESS "+rest)
	case "TRANSFER":
		direction, rest, _ := strings.Cut(rest, " ")
		key, file, _ := strings.Cut(rest, " ")
		p.transfer(job, direction, key, file)
	default:
		p.say(job, "UNSUPPORTED-REQUEST")
	}
}

func (p *player) path(job, key string) string {
	return filepath.Join(p.dir, strings.ReplaceAll(p.ask(job, "DIRHASH-LOWER "+key)+key, "/", "_"))
}

func (p *player) present(job, key string) {
	if p.kind == "unknown" {
		p.say(job, "CHECKPRESENT-UNKNOWN "+key+" the network is down")
		return
	}
	if p.kind == "other" {
		p.say(job, "CHECKPRESENT-SUCCESS "+key+"x")
		return
	}
	if _, err := os.Stat(p.path(job, key)); err != nil {
		p.say(job, "CHECKPRESENT-FAILURE "+key)
		return
	}
	p.say(job, "CHECKPRESENT-SUCCESS "+key)
}

func (p *player) transfer(job, direction, key, file string) {
	from, to := file, p.path(job, key)
	if direction == "RETRIEVE" {
		from, to = to, from
	}
	switch p.kind {
	case "dies":
		os.Exit(9)
	case "link":
		os.Symlink("/etc/passwd", file)
		p.say(job, "TRANSFER-SUCCESS "+direction+" "+key)
		return
	case "liar":
		p.say(job, "TRANSFER-SUCCESS "+direction+" "+key)
		return
	case "grumbles":
		p.say(job, "ERROR out of paper")
		return
	}
	data, err := os.ReadFile(from)
	if err == nil {
		p.say(job, fmt.Sprintf("PROGRESS %d", len(data)))
		err = os.WriteFile(to+".tmp"+job+fmt.Sprint(os.Getpid()), data, 0o600)
	}
	if err == nil {
		err = os.Rename(to+".tmp"+job+fmt.Sprint(os.Getpid()), to)
	}
	if err != nil {
		p.say(job, "TRANSFER-FAILURE "+direction+" "+key+" "+err.Error())
		return
	}
	p.say(job, "TRANSFER-SUCCESS "+direction+" "+key)
}
