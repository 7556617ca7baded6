package remote

import (
	"testing"
	"time"
)

func TestParseStall(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "yes": DefaultStall, "10MB/1m": time.Minute, "1KB / 3s": 3 * time.Second} {
		if d, ok := ParseStall(text); !ok || d != want {
			t.Errorf("%q: %v %v", text, d, ok)
		}
	}
	for _, text := range []string{"often", "1KB/", "1KB/-3s", "1KB/0s"} {
		if d, ok := ParseStall(text); ok {
			t.Errorf("%q: %v", text, d)
		}
	}
	if d, ok := ParseStall("false"); !ok || d < 24*365*time.Hour {
		t.Error("never is soon")
	}
}
