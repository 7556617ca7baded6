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
		logs[i] = d.locationEdit(k, now)
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

// locationEdit records whether the key's content is here at the moment in
// which the log is written, whatever happened since the edit was made.
func (d *Dataset) locationEdit(k annexkey.Key, now annexlog.Clock) annex.LogEdit {
	return annex.LogEdit{Path: annexlog.LocationPath(k), UUID: d.Annex.UUID, Change: func(old []byte) []byte {
		status := annexlog.StatusAbsent
		if d.Annex.Has(k) {
			status = annexlog.StatusPresent
		} else if _, known := annexlog.ParsePresence(old).Get(d.Annex.UUID); !known {
			return old
		}
		return annex.SetLocation(k, d.Annex.UUID, status, now).Change(old)
	}}
}
