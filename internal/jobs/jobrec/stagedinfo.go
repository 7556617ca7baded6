package jobrec

import "github.com/stemma-data/stemma/internal/ledger"

// Staged is what a record says of an isolated job's folder.
type Staged struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// fields is what the record holds of it; p may be nil.
func (p *Staged) fields(j *ledger.Job, anonymous bool) map[string]any {
	m := map[string]any{}
	if p != nil {
		m["files"], m["bytes"] = p.Files, p.Bytes
	}
	if !anonymous {
		m["folder"] = j.AltDir
	}
	return m
}
