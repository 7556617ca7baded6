package remote

import (
	"net/http"
	"strconv"
	"time"
)

// mostPatience bounds for how long a server may ask to be left alone.
const mostPatience = time.Minute

// RetryAfter reads the header of that name: for how long a server wants to be left
// alone, seconds or a date; false where it does not say, and where it is longer
// than anybody would wait.
func RetryAfter(value string, now time.Time) (time.Duration, bool) {
	if value == "" {
		return 0, false
	}
	wait := time.Duration(-1)
	if n, err := strconv.ParseUint(value, 10, 32); err == nil {
		wait = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(value); err == nil {
		wait = max(t.Sub(now), 0)
	}
	return wait, wait >= 0 && wait <= mostPatience
}
