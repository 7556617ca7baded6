package schedtest

import (
	"slices"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// testMany asks for several jobs in one round.
func testMany(t *testing.T, s *suite) {
	dir := tempDir(t)
	var queries []sched.Query
	for range 8 {
		queries = append(queries, query(s.startIn(t, `sbatch --parsable --wrap true`, dir), 1))
	}
	end := time.Now().Add(patience)
	for {
		m, err := s.Query(t.Context(), queries)
		if err != nil {
			t.Fatal(err)
		}
		done := 0
		for _, st := range m {
			if st.State.Success() {
				done++
			}
		}
		if done == len(queries) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d are done", done, len(queries))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// testUnknown asks for a job nobody knows, alone and beside one that is
// known, and for ids that are none.
func testUnknown(t *testing.T, s *suite) {
	id, _ := s.start(t, `sbatch --parsable --wrap true`)
	s.until(t, query(id, 1), final)
	for _, others := range [][]string{nil, {id}} {
		queries := []sched.Query{query("99999999", 1), query("no id; rm -rf", 1), query("", 1)}
		for _, other := range others {
			queries = append(queries, query(other, 1))
		}
		m, err := s.Query(t.Context(), queries)
		if err != nil || len(m) != len(queries) {
			t.Fatalf("%+v, %v", m, err)
		}
		for _, q := range queries[:3] {
			if m[q.ID].State != sched.Unknown || m[q.ID].Note == "" {
				t.Errorf("unknown job is %+v", m[q.ID])
			}
		}
		if len(others) > 0 && !m[id].State.Success() {
			t.Errorf("known job is %+v", m[id])
		}
	}
	if _, err := s.Describe(t.Context(), "99999999"); err == nil {
		t.Error("describes a job that does not exist")
	}
}

func testCandidates(t *testing.T, s *suite) {
	since := time.Now()
	id, dir := s.start(t, `sbatch --parsable --hold --job-name='a|b c' -a 0-2 --wrap true`)
	list, err := s.Candidates(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(c sched.Candidate) bool { return c.ID == id })
	if i < 0 || list[i].Name != "a|b c" || list[i].WorkDir != dir || list[i].Submitted.Before(since.Add(-time.Second)) {
		t.Errorf("candidates %+v", list)
	}
	list, err = s.Candidates(t.Context(), since.Add(time.Hour))
	if err != nil || len(list) != 0 {
		t.Errorf("in an hour: %+v, %v", list, err)
	}
}
