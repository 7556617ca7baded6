package dataset

import (
	"context"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
)

// PublishLocations commits to the git-annex branch what is here of the keys.
func (d *Dataset) PublishLocations(ctx context.Context, keys []annexkey.Key, reason string) error {
	if len(keys) == 0 {
		return nil
	}
	now := d.LogClock()
	logs := make([]annex.LogEdit, len(keys))
	for i, k := range keys {
		logs[i] = d.Annex.RecordHere(k, now)
	}
	_, err := d.Publisher().Publish(ctx, commit.Request{Logs: logs, Reason: reason})
	return err
}

// CorrectLocations publishes those locations that the log has wrong.
func (d *Dataset) CorrectLocations(ctx context.Context, keys []annexkey.Key, reason string) error {
	var wrong []annexkey.Key
	for _, k := range keys {
		data, err := d.Annex.ReadLog(ctx, annexlog.LocationPath(k))
		if err != nil {
			return err
		}
		line, _ := annexlog.ParsePresence(data).Get(d.Annex.UUID)
		if (line.Status == annexlog.StatusPresent) != d.Annex.Has(k) {
			wrong = append(wrong, k)
		}
	}
	return d.PublishLocations(ctx, wrong, reason)
}
