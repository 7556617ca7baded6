package finish

import (
	"errors"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/ledger"
)

func TestMissingOutputIsTyped(t *testing.T) {
	job := ledger.Job{JobID: "101", WorkTree: t.TempDir(), Outputs: []string{"./o", "./wild/*.txt"}}
	f := &finishing{}
	var missing *MissingOutputError
	if err := f.locate(&over{job: job}); !errors.As(err, &missing) || strings.Join(missing.Paths, " ") != "o wild/*.txt" {
		t.Error(err)
	}
}
