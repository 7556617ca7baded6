package annexlog

import (
	"path"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// Files at the top of the git-annex branch.
const (
	UUIDFile                  = "uuid.log"                    // UUID log: description
	RemoteFile                = "remote.log"                  // UUID log: see EncodeConfig
	TrustFile                 = "trust.log"                   // UUID log: see Trust
	GroupFile                 = "group.log"                   // UUID log: see FormatGroups
	PreferredContentFile      = "preferred-content.log"       // UUID log: expression
	RequiredContentFile       = "required-content.log"        // UUID log: expression
	ScheduleFile              = "schedule.log"                // UUID log: events, "; " between
	ActivityFile              = "activity.log"                // UUID log: "Fsck"
	DifferenceFile            = "difference.log"              // UUID log: tuning of the repository
	ConfigFile                = "config.log"                  // map log: setting, "" is unset
	ExportFile                = "export.log"                  // map log: EXPORTER:REMOTE to trees
	GroupPreferredContentFile = "group-preferred-content.log" // map log: group to expression
	NumCopiesFile             = "numcopies.log"               // single value: see ParseCopies
	MinCopiesFile             = "mincopies.log"               // single value: see ParseCopies
	TransitionsFile           = "transitions.log"             // see ParseTransitions
)

// Suffix is what a log about a key has after the key's file name.
type Suffix string

// The logs about one key.
const (
	LocationSuffix       Suffix = ".log"      // presence: UUIDs
	URLSuffix            Suffix = ".log.web"  // presence: URLs, see Presence.SetURL
	StateSuffix          Suffix = ".log.rmt"  // map log: UUID to its remote's state
	MetaDataSuffix       Suffix = ".log.met"  // see MetaData
	RemoteMetaDataSuffix Suffix = ".log.rmet" // see MetaData, fields UUID:FIELD
	ChunkSuffix          Suffix = ".log.cnk"  // chunk log: UUID:CHUNKSIZE to count
	ContentIDSuffix      Suffix = ".log.cid"  // map log: UUID to content identifiers
	EquivalentSuffix     Suffix = ".log.ek"   // presence: equivalent keys
)

func suffixes() []Suffix {
	return []Suffix{
		LocationSuffix, URLSuffix, StateSuffix, MetaDataSuffix,
		RemoteMetaDataSuffix, ChunkSuffix, ContentIDSuffix, EquivalentSuffix,
	}
}

// LocationPath returns the path of the key's location log on the branch,
// HASHLOWER/KEYFILE.log.
func LocationPath(k annexkey.Key) string { return KeyPath(k, LocationSuffix) }

// KeyPath returns the path of a log about the key on the branch.
func KeyPath(k annexkey.Key, s Suffix) string {
	return k.HashLower() + "/" + k.File() + string(s)
}

// ParseKeyPath is the inverse of KeyPath. It also accepts a single hash directory
// (annex.tune.branchhash1), and is false for every other path.
func ParseKeyPath(p string) (annexkey.Key, Suffix, bool) {
	dir, base := path.Split(p)
	for _, s := range suffixes() {
		file, ok := strings.CutSuffix(base, string(s))
		if !ok {
			continue
		}
		k, err := annexkey.FromFile(file)
		if err != nil || k.File() != file {
			return annexkey.Key{}, "", false
		}
		lower := k.HashLower() + "/"
		return k, s, dir == lower || dir == lower[:len("abc/")]
	}
	return annexkey.Key{}, "", false
}

// JournalName returns the name of the journal file that holds a path of the
// branch: '/' becomes '_' and '_' is doubled.
func JournalName(branchPath string) string {
	return strings.NewReplacer("_", "__", "/", "_").Replace(branchPath)
}

// FromJournalName is the inverse of JournalName for clean paths without a component
// that begins with '_'; those are lost in git-annex's own encoding, too. A name from
// outside may decode to any path.
func FromJournalName(name string) string {
	return strings.NewReplacer("__", "_", "_", "/").Replace(name)
}
