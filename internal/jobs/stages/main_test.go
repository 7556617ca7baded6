package stages_test

import (
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/jobstest"
)

func TestMain(m *testing.M) { jobstest.Main(m) }
