package finish

import (
	"strings"

	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/runrec"
)

// jobMessage is the commit message of a finished job. finishText is the text
// given to finish.
func jobMessage(o *over, rec *runrec.Record, finishText string) string {
	title := o.title()
	for _, part := range []string{o.sentence, finishText, o.job.Message} {
		if part != "" {
			title += "\n\n" + part
		}
	}
	return runrec.Cleanup(runrec.Message(runrec.SlurmKind, title, rec))
}

// capitalize is Python's str.capitalize for the words of schedulers.
func capitalize(s string) string {
	head, _ := pyfmt.Cut(s, 1)
	return strings.ToUpper(head) + strings.ToLower(s[len(head):])
}
