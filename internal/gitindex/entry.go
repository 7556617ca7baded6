package gitindex

import (
	"encoding/binary"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// Offsets in an entry's fixed part, and its flag bits.
const (
	offMTime = 8
	offMode  = 24
	offSize  = 36
	offOID   = 40

	flagAssumeValid = 0x8000
	flagExtended    = 0x4000
	flagStage       = 0x3000
	flagName        = 0x0fff

	extraSkipWorktree = 0x4000
	extraIntentToAdd  = 0x2000
)

// Entry is one index entry, decoded.
type Entry struct {
	Path  string // relative to the work tree's root, '/' between components
	Mode  gitobj.Mode
	OID   gitobj.OID
	Stat  Stat
	Stage int // 0 merged; 1 base, 2 ours, 3 theirs of an unmerged path

	AssumeValid, SkipWorktree, IntentToAdd bool
}

// Raw is a view of one entry inside the index's bytes.
type Raw struct {
	Path []byte // read only

	head     []byte // the fixed part: from ctime up to the path
	hash     int    // length of an object id
	flags    uint16
	extra    uint16
	off, end int
}

// Mode returns the entry's mode.
func (r *Raw) Mode() gitobj.Mode { return gitobj.Mode(binary.BigEndian.Uint32(r.head[offMode:])) }

// OID returns the binary object id; read only.
func (r *Raw) OID() []byte { return r.head[offOID : offOID+r.hash] }

// Stage returns 0 for a merged entry, else 1 to 3.
func (r *Raw) Stage() int { return int(r.flags&flagStage) >> 12 }

// Stat returns the stat data.
func (r *Raw) Stat() Stat { return decodeStat(r.head) }

// IntentToAdd reports an entry made by `git add -N`.
func (r *Raw) IntentToAdd() bool { return r.extra&extraIntentToAdd != 0 }

// SkipWorktree reports an entry that sparse checkout keeps out of the work tree.
func (r *Raw) SkipWorktree() bool { return r.extra&extraSkipWorktree != 0 }

// AssumeValid reports an entry that git takes as unchanged without looking.
func (r *Raw) AssumeValid() bool { return r.flags&flagAssumeValid != 0 }

// Entry decodes the view into a value that stays valid.
func (r *Raw) Entry() Entry {
	return Entry{
		Path: string(r.Path), Mode: r.Mode(), OID: gitobj.FromBytes(r.OID()), Stat: r.Stat(), Stage: r.Stage(),
		AssumeValid: r.AssumeValid(), SkipWorktree: r.SkipWorktree(), IntentToAdd: r.IntentToAdd(),
	}
}

// racySecond returns the mtime second if this entry can be racy at all. A
// gitlink cannot (git always looks into it), nor what is smudged already.
func (r *Raw) racySecond() uint32 {
	if binary.BigEndian.Uint32(r.head[offSize:]) == 0 || r.Mode() == gitobj.ModeGitlink {
		return 0
	}
	return binary.BigEndian.Uint32(r.head[offMTime:])
}
