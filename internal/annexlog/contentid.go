package annexlog

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ContentIDs is a ".log.cid": by which identifiers a key's content is known to
// remotes that name content in their own way. It is immutable; make one with
// ParseContentIDs.
type ContentIDs struct{ log Log }

// ParseContentIDs reads a ".log.cid". It never fails.
func ParseContentIDs(data []byte) ContentIDs { return ContentIDs{ParseMapLog(data)} }

// Of returns the identifiers that the remote has for the content.
func (c ContentIDs) Of(remote string) []string {
	e, ok := c.log.Get(remote)
	if !ok {
		return nil
	}
	var ids []string
	for word := range strings.SplitSeq(e.Value, ":") {
		if id, ok := decodeContentID(word); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// Add returns the log after the remote was found to have the content under the
// identifier, too; changed is false where that is known.
func (c ContentIDs) Add(remote, id string, now Clock) (out []byte, changed bool, err error) {
	ids := c.Of(remote)
	if slices.Contains(ids, id) {
		return c.log.Bytes(), false, nil
	}
	words := []string{encodeContentID(id)}
	for _, old := range ids {
		words = append(words, encodeContentID(old))
	}
	out, err = c.log.Set(remote, strings.Join(words, ":"), now)
	return out, true, err
}

// encodeContentID writes an identifier so that neither ":" nor the end of a
// line is in it.
func encodeContentID(id string) string {
	if strings.ContainsAny(id, ":\r\n") || strings.HasPrefix(id, "!") {
		return "!" + base64.StdEncoding.EncodeToString([]byte(id))
	}
	return id
}

func decodeContentID(word string) (string, bool) {
	text, ok := strings.CutPrefix(word, "!")
	if !ok {
		return word, true
	}
	id, err := base64.StdEncoding.DecodeString(text)
	return string(id), err == nil
}

// InodeCache is how a file is known without its content: inode, size in bytes
// and time of change, in git-annex's form "INODE SIZE SECONDS FRACTION".
func InodeCache(inode uint64, size int64, changed time.Time) string {
	fraction := strings.TrimRight(fmt.Sprintf("%09d", changed.Nanosecond()), "0")
	return fmt.Sprintf("%d %d %d %s", inode, size, changed.Unix(), fraction)
}
