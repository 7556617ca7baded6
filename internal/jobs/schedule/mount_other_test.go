//go:build !linux

package schedule_test

import (
	"testing"
)

func mounted(*testing.T, string) string { return "" }
