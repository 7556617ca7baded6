package cli

import (
	"os"
	"runtime"
	"runtime/debug"
)

// latePercent delays the first collection of garbage until there are 32 MB.
const latePercent = 800

// lateGC lets commands that are over soon leave their garbage where it is.
// Once there was a collection all goes on as usual.
func lateGC() {
	if os.Getenv("GOGC") != "" {
		return
	}
	usual := debug.SetGCPercent(latePercent)
	runtime.SetFinalizer(&struct{ _ *byte }{new(byte)}, func(any) { debug.SetGCPercent(usual) })
}
