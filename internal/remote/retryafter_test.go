package remote

import (
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"0": 0, "7": 7 * time.Second, "60": time.Minute, "61": -1, "-1": -1, "": -1, "soon": -1, "99999999999999999999": -1,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0, "Sat, 03 Jan 2026 03:04:00 GMT": -1,
	} {
		if got, ok := RetryAfter(value, now); ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %v %v", value, got, ok)
		}
	}
}
