package sched

import (
	"bytes"
	"regexp"
	"sync"
)

// maxSubmission bounds how much of a submission's output is looked at.
const maxSubmission = 1 << 20

var (
	sentence = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`Submitted batch job ([0-9]{1,19})\b(?: on cluster ([A-Za-z0-9_.-]+))?`)
	})
	parsable = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^([0-9]{1,19})(?:;([A-Za-z0-9_.-]+))?$`)
	})
)

// ParseSubmission finds the one job id in what an sbatch command, or a
// wrapper around it, wrote to standard output: sbatch's sentence anywhere, or
// a line of its own as --parsable gives. ok is false for none or several.
func ParseSubmission(output []byte) (id, cluster string, ok bool) {
	if len(output) > maxSubmission {
		output = output[:maxSubmission]
	}
	found := sentence().FindAllSubmatch(output, -1)
	if len(found) == 0 {
		found = parsableLines(output)
	}
	for _, m := range found {
		if id != "" && (id != string(m[1]) || cluster != string(m[2])) {
			return "", "", false
		}
		id, cluster = string(m[1]), string(m[2])
	}
	return id, cluster, id != ""
}

func parsableLines(output []byte) (found [][][]byte) {
	for line := range bytes.Lines(output) {
		if m := parsable().FindSubmatch(bytes.TrimSpace(line)); m != nil {
			found = append(found, m)
		}
	}
	return found
}
