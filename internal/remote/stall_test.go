package remote

import (
	"context"
	"errors"
	"strings"
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

type oneSetting struct{ key, value string }

func (o oneSetting) Get(key string) string {
	if key == o.key {
		return o.value
	}
	return ""
}
func (oneSetting) Bool(_ string, def bool) bool { return def }
func (oneSetting) Keys(string) []string         { return nil }
func (oneSetting) All(string) []string          { return nil }

func TestPatience(t *testing.T) {
	for setting, want := range map[oneSetting]time.Duration{
		{}: DefaultPatience, {"annex.stalldetection", "1KB/7s"}: 7 * time.Second, {"remote.r.annex-stalldetection", "1KB/9s"}: 9 * time.Second,
		{"annex.stalldetection", "nonsense"}: DefaultPatience,
	} {
		ctx, cancel := Setup{Spec: Spec{Name: "r"}, Settings: setting}.Patient(t.Context())
		until, ok := ctx.Deadline()
		if left := time.Until(until); !ok || left > want || left < want-time.Minute {
			t.Errorf("%v: %s, want %s", setting, left, want)
		}
		cancel()
	}
	ctx, cancel := Setup{Spec: Spec{Name: "r"}, Settings: oneSetting{"annex.stalldetection", "1KB/1ns"}}.Patient(t.Context())
	defer cancel()
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, ErrStalled) || !strings.Contains(err.Error(), "remote r") {
		t.Error(err)
	}
}
