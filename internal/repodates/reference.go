package repodates

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/errs"
)

// layouts are the forms of a date that ParseReference knows. A form without a
// zone means UTC.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006-01",
	"20060102", "2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05", "2 Jan 2006", "2 Jan, 2006", "Jan 2, 2006", "Jan 2 2006",
	"2 January 2006", "January 2, 2006", "Mon, 2 Jan 2006 15:04:05 -0700", "Mon Jan 2 15:04:05 2006 -0700", "Mon Jan 2 15:04:05 2006",
}

// ParseReference reads a date: "@" and seconds since 1970, or one of the usual
// forms.
func ParseReference(date string) (int64, error) {
	if digits, ok := strings.CutPrefix(date, "@"); ok {
		t, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil {
			return 0, badDate(date)
		}
		return t, nil
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, strings.TrimSpace(date)); err == nil {
			return t.Unix(), nil
		}
	}
	return 0, badDate(date)
}

func badDate(date string) error {
	return errs.WithHint(fmt.Errorf("could not parse '%s' as a date", date), "write 2018-01-31, 2018-01-31T12:00:00Z, or @ and seconds since 1970")
}
