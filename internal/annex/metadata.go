package annex

import (
	"strconv"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// InheritMetadata is the edit that adds the metadata of a file's former key, whose
// log is given, to that of its new key, with the times at which it was set. ok is
// false where the log sets nothing.
func InheritMetadata(log []byte, to annexkey.Key) (e LogEdit, ok bool) {
	if len(log) == 0 || len(annexlog.ParseMetaData(log).Fields()) == 0 {
		return e, false
	}
	return LogEdit{Path: metadataLog(to), Change: func(old []byte) []byte {
		return annexlog.Union(old, log)
	}}, true
}

// DateMetadata is the edit that sets year, month and day of a key to those of the
// time in UTC (annex.genmetadata).
func DateMetadata(k annexkey.Key, t time.Time, now annexlog.Clock) LogEdit {
	t = t.UTC()
	return LogEdit{Path: metadataLog(k), Change: func(old []byte) []byte {
		m := annexlog.ParseMetaData(old)
		out, err := m.Set(now,
			m.Replace("year", strconv.Itoa(t.Year())),
			m.Replace("month", strconv.Itoa(int(t.Month()))),
			m.Replace("day", strconv.Itoa(t.Day())))
		if err != nil {
			return old // not with these fields
		}
		return out
	}}
}

// InheritedNote is what git-annex says of a file with inherited metadata.
func InheritedNote(file string) string {
	return "  Copied metadata from old version of " + file + " to new version. " +
		"If you don't want this copied metadata, run: git annex metadata --remove-all " + file
}

func metadataLog(k annexkey.Key) string { return annexlog.KeyPath(k, annexlog.MetaDataSuffix) }
