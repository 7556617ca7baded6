//go:build !linux

package main

import (
	"errors"
	"time"
)

// holdsOf needs Linux's notifications.
func holdsOf(string, func() error) ([]time.Duration, error) {
	return nil, errors.New("measured on Linux only")
}
