package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// RefMove is one ref of a transaction. Old is the zero id for a new ref.
type RefMove struct {
	Name     string `json:"name"`
	Old, New gitobj.OID
}

// IndexLock identifies the index.lock that we made, so that recovery never
// touches somebody else's.
type IndexLock struct {
	Path  string `json:"path"`
	Dev   uint64 `json:"dev"`
	Ino   uint64 `json:"ino"`
	Nonce string `json:"nonce"`
}

// Intent is written before refs move and cleared after the index has followed.
// One that is found later tells recovery what to complete or to undo.
type Intent struct {
	ID        string    `json:"-"` // a nonce
	WorkTree  string    `json:"worktree"`
	Refs      []RefMove `json:"refs"`
	IndexLock IndexLock `json:"index_lock"`
	Paths     []string  `json:"paths"` // that the new index changes
	JobIDs    []int64   `json:"jobs"`  // row ids of the jobs that the commit closes
	CreatedAt time.Time `json:"created_at"`
}

func (in *Intent) mapStrings(f func(string) string) {
	in.WorkTree, in.IndexLock.Path = f(in.WorkTree), f(in.IndexLock.Path)
	in.Paths = mapList(in.Paths, f)
	refs := append([]RefMove(nil), in.Refs...)
	for i := range refs {
		refs[i].Name = f(refs[i].Name)
	}
	in.Refs = refs
}

// PutIntent stores an intent, or replaces the one with the same ID (refs were
// rebuilt on a new tip).
func (l *Ledger) PutIntent(ctx context.Context, in Intent) error {
	return l.Update(ctx, func(tx *Tx) error { return tx.PutIntent(in) })
}

// PutIntent is Ledger.PutIntent inside a transaction.
func (tx *Tx) PutIntent(in Intent) error {
	if in.ID == "" {
		return errors.New("put intent: it has no id")
	}
	if in.CreatedAt.IsZero() {
		in.CreatedAt = time.Now().UTC()
	}
	in.mapStrings(quoteBytes)
	b, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("put intent: %w", err)
	}
	return tx.exec("INSERT OR REPLACE INTO intents VALUES (?, ?)", in.ID, string(b))
}

// Intents returns what commits under way, or interrupted ones, have left.
func (l *Ledger) Intents(ctx context.Context) (list []Intent, err error) {
	err = l.view(ctx, func(tx *Tx) error {
		return tx.each(func(rows *sql.Rows) error {
			var in Intent
			var record string
			if err := rows.Scan(&in.ID, &record); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(record), &in); err != nil {
				return &DamagedError{l.path, fmt.Errorf("intent %s: %w", in.ID, err)}
			}
			in.mapStrings(unquoteBytes)
			list = append(list, in)
			return nil
		}, "SELECT id, record FROM intents")
	})
	return list, err
}

// ClearIntent removes an intent; one that is not there is fine.
func (l *Ledger) ClearIntent(ctx context.Context, id string) error {
	return l.Update(ctx, func(tx *Tx) error { return tx.ClearIntent(id) })
}

// ClearIntent is Ledger.ClearIntent inside a transaction.
func (tx *Tx) ClearIntent(id string) error {
	return tx.exec("DELETE FROM intents WHERE id = ?", id)
}
