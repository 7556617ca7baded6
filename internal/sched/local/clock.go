package local

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// parseLimit reads sbatch's --time: "minutes", "minutes:seconds",
// "hours:minutes:seconds", "days-hours[:minutes[:seconds]]". It returns
// seconds; 0 means no limit.
func parseLimit(text string) (int64, error) {
	bad := refusal(fmt.Sprintf("Invalid --time specification %q", text))
	switch strings.ToUpper(text) {
	case "UNLIMITED", "INFINITE", "0":
		return 0, nil
	}
	days, clock, hasDays := strings.Cut(text, "-")
	if !hasDays {
		days, clock = "0", text
	}
	numbers := []int64{}
	for _, part := range append([]string{days}, strings.Split(clock, ":")...) {
		n, err := strconv.ParseInt(part, 10, 32)
		if err != nil || n < 0 {
			return 0, bad
		}
		numbers = append(numbers, n)
	}
	units := map[int][]int64{2: {60}, 3: {60, 1}, 4: {3600, 60, 1}}[len(numbers)]
	if hasDays {
		units = map[int][]int64{2: {3600}, 3: {3600, 60}, 4: {3600, 60, 1}}[len(numbers)]
	}
	if units == nil {
		return 0, bad
	}
	total := numbers[0] * 86400
	for i, unit := range units {
		total += numbers[i+1] * unit
	}
	return total, nil
}

// parseBegin reads the commoner forms of sbatch's --begin: "now",
// "now+COUNT[seconds|minutes|hours|days|weeks]", "YYYY-MM-DD[THH:MM[:SS]]",
// "HH:MM[:SS]" (the next time it is that late).
func parseBegin(text string, now time.Time) (time.Time, error) {
	if rest, ok := strings.CutPrefix(text, "now"); ok {
		return parseDelay(rest, now)
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			at := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.Local)
			if at.Before(now) {
				at = at.AddDate(0, 0, 1)
			}
			return at, nil
		}
	}
	return time.Time{}, refusal(fmt.Sprintf("Invalid --begin specification %q", text))
}

func parseDelay(rest string, now time.Time) (time.Time, error) {
	if rest == "" {
		return now, nil
	}
	count := strings.TrimPrefix(rest, "+")
	unit := strings.TrimLeft(count, "0123456789")
	n, err := strconv.ParseInt(strings.TrimSuffix(count, unit), 10, 32)
	units := map[string]time.Duration{"": time.Second, "second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour, "week": 7 * 24 * time.Hour}
	d, ok := units[strings.TrimSuffix(strings.TrimSpace(unit), "s")]
	if err != nil || !ok || !strings.HasPrefix(rest, "+") {
		return time.Time{}, refusal(fmt.Sprintf("Invalid --begin specification \"now%s\"", rest))
	}
	return now.Add(time.Duration(n) * d), nil
}
