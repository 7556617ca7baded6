package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
)

// maxImported bounds how many jobs are read from a foreign database.
const maxImported = 1_000_000

// ImportDataladSlurm reads the open jobs from a database of the DataLad Slurm
// extension (table open_jobs, as of version 0.2.5) in the order in which they
// were scheduled. Nothing is written to it. WorkTree, Branch and CreatedAt are
// left for the caller to fill in; Claims are the outputs in clean form, without
// those that would leave the dataset. A database without the table has no jobs.
func ImportDataladSlurm(ctx context.Context, dbPath string) ([]Job, error) {
	if _, err := os.Stat(dbPath); err != nil {
		return nil, fmt.Errorf("import jobs: %w", err)
	}
	db, err := sql.Open("sqlite", dataSource(dbPath, "mode=ro"))
	if err != nil {
		return nil, fmt.Errorf("import jobs from %s: %w", dbPath, err)
	}
	defer db.Close()
	jobs, err := readDatalad(ctx, db)
	if err != nil {
		return nil, (&Ledger{path: dbPath}).wrap("import jobs from", err)
	}
	return jobs, nil
}

// dataladColumns are those of open_jobs; older versions lack some.
var dataladColumns = []string{"slurm_job_id", "message", "chain", "cmd", "dsid", "inputs", "extra_inputs", "outputs", "slurm_outputs", "pwd", "alt_dir"}

func readDatalad(ctx context.Context, db *sql.DB) ([]Job, error) {
	have, err := tableColumns(ctx, db, "open_jobs")
	if err != nil || !have["slurm_job_id"] {
		return nil, err
	}
	list := make([]string, len(dataladColumns))
	for i, c := range dataladColumns {
		list[i] = "''"
		if have[c] {
			list[i] = "coalesce(" + c + ", '')"
		}
	}
	rows, err := db.QueryContext(ctx, "SELECT "+strings.Join(list, ", ")+" FROM open_jobs ORDER BY rowid LIMIT ?", maxImported)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var jobs []Job
	for rows.Next() {
		job, err := scanDatalad(rows)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return jobs, rows.Err()
}

func tableColumns(ctx context.Context, db *sql.DB, table string) (map[string]bool, error) {
	rows, err := db.QueryContext(ctx, "SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	have := map[string]bool{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		have[name] = true
	}
	return have, rows.Err()
}

func scanDatalad(rows *sql.Rows) (Job, error) {
	col := make([]string, len(dataladColumns))
	dest := make([]any, len(col))
	for i := range col {
		dest[i] = &col[i]
	}
	if err := rows.Scan(dest...); err != nil {
		return Job{}, err
	}
	if _, err := strconv.ParseUint(col[0], 10, 63); err != nil {
		return Job{}, fmt.Errorf("slurm_job_id %.50q is no number", col[0])
	}
	job := Job{JobID: col[0], Scheduler: "slurm", State: StateOpen, Message: col[1], Cmd: col[3], DSID: col[4], Pwd: col[9], AltDir: col[10]}
	lists := map[int]*[]string{2: &job.Chain, 5: &job.Inputs, 6: &job.ExtraInputs, 7: &job.Outputs, 8: &job.SlurmOutputs}
	for i, l := range lists {
		if err := parseList(col[i], l); err != nil {
			return Job{}, fmt.Errorf("job %s: %s: %w", col[0], dataladColumns[i], err)
		}
	}
	for _, o := range job.Outputs {
		if c := path.Clean(o); checkClaim(c) == nil && o != "" {
			job.Claims = append(job.Claims, c)
		}
	}
	return job, nil
}

// parseList reads a JSON list of strings; nothing and null are empty lists.
func parseList(s string, l *[]string) error {
	if s == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(s), l); err != nil {
		return errors.New("not a list of strings")
	}
	return nil
}
