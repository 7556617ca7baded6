//go:build !linux

package slowfs

import "time"

func pause(d time.Duration) { time.Sleep(d) }
