package fsx

import (
	"fmt"
	"os"
	"sync"
)

// Owner identifies one process on one machine since one boot, so that others
// can tell whether it still lives. It is stored in leases and in the ledger.
type Owner struct {
	Host   string `json:"host"`    // for people; it decides nothing
	BootID string `json:"boot_id"` // "" where the system has none
	PIDNS  string `json:"pid_ns"`  // pid name space; "" if unknown or if /proc shows another one
	PID    int    `json:"pid"`
	Start  string `json:"start"` // start time in the system's own unit; "" if unknown
}

// Self describes the calling process.
func Self() Owner { return self() }

// self is read once: a process keeps its identity.
var self = sync.OnceValue(func() Owner {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	o := Owner{Host: host, BootID: bootID(), PIDNS: pidNamespace(), PID: os.Getpid()}
	if o.PIDNS != "" {
		o.Start, _ = processStart(o.PID)
	}
	return o
})

// Fate is what one process can know of another.
type Fate int

// The fates. Unknown is no proof of anything: the process is on another node,
// in another pid name space, or belongs to a system that tells nothing.
const (
	Unknown Fate = iota
	Alive
	Dead
)

// Fate tells whether the process o still lives, as seen from here. After a
// reboot of the same host it is Unknown, because host names are not unique.
func (o Owner) Fate() Fate {
	if o.PID <= 0 || o.BootID == "" || o.PIDNS == "" || o.Start == "" {
		return Unknown
	}
	if o.BootID != bootID() || o.PIDNS != pidNamespace() {
		return Unknown
	}
	start, alive := processStart(o.PID)
	switch {
	case !alive || start != "" && start != o.Start:
		return Dead
	case start == "":
		return Unknown
	}
	return Alive
}

// String names the process for people: "process 4711 on node3".
func (o Owner) String() string {
	if o.PID == 0 {
		return "an unknown process"
	}
	return fmt.Sprintf("process %d on %s", o.PID, o.Host)
}
