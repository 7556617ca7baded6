package local

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// retention is how long content stays for somebody who relied on it and was
// cut off, in seconds; git-annex's.
const retention = 600

// retainPath is where newer versions of git-annex note until when content must
// stay, in seconds of BootClock.
func retainPath(object string) string { return object + ".rtm" }

// retained reports whether the content must stay for somebody who was cut off.
// A note from before the machine was started last lies further in the future
// than any note can, or in the past.
func retained(object string) bool {
	if !exists(retainPath(object)) {
		return false
	}
	text, err := readSmall(retainPath(object))
	if err != nil {
		return exists(retainPath(object))
	}
	until, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(text), "s"), 10, 64)
	left := until - BootClock()
	return err != nil || left > 0 && left <= retention
}

// Retain ends the lock like Release, but the content stays for ten minutes:
// its holder was cut off and may still rely on it.
func (c *ContentLock) Retain() {
	frozen := thaw(filepath.Dir(c.object), c.freezer)
	text := strconv.FormatInt(BootClock()+retention, 10)
	_ = os.WriteFile(retainPath(c.object), []byte(text), 0o644)
	frozen()
	c.Release()
}
