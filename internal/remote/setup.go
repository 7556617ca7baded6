package remote

import (
	"context"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// Setup is what a remote is opened from: how it is configured, and what it may
// use of the repository that it belongs to.
type Setup struct {
	Spec
	Config   map[string]string // its line of remote.log; nil for a git remote
	Settings Settings          // git's configuration
	Env      []string          // environment for programs, KEY=VALUE
	Home     string            // the user's home folder; "" if it is not known
	WorkTree string            // top folder of the work tree
	GitDir   string            // git's common folder
	Logs     Logs              // the git-annex branch; nil where nothing can be known from it
	Trees    TreeReader        // files of git's trees; nil where there are none
	Log      *slog.Logger      // warnings and what programs tell people; nil: silence
	Told     func(text string) // takes what remotes have to tell people; nil: it is logged
	Force    bool              // a new remote may be one that loses data
}

// TreeReader visits the annexed files of a tree, which it is given the id of.
type TreeReader func(ctx context.Context, tree string, visit func(path string, k annexkey.Key) error) error

// Logs reads and changes the files of the git-annex branch that belong to keys
// and remotes. It is safe for concurrent use.
type Logs interface {
	// Read returns a file's content, nil where there is none.
	Read(ctx context.Context, path string) ([]byte, error)
	// Change replaces a file's content by what the function makes of the old
	// one. After nil it is durable in git-annex's journal or on the branch.
	Change(ctx context.Context, path string, change func(old []byte) []byte) error
	// Now is the time stamp of changes.
	Now() annexlog.Clock
}

// Setting returns git's configuration remote.NAME.annex-VARIABLE.
func (s Setup) Setting(variable string) string {
	return s.Settings.Get("remote." + s.Name + ".annex-" + variable)
}

// Option returns a field of the remote's configuration on the git-annex branch.
func (s Setup) Option(field string) string { return s.Config[field] }

// Yes reports whether a field of the configuration is switched on.
func (s Setup) Yes(field string) bool {
	switch s.Config[field] {
	case "yes", "true":
		return true
	}
	return false
}

// ConfigOf finds the remote's configuration in remote.log. A line that shares
// the content of another one (sameas) inherits how that one is encrypted.
func ConfigOf(log annexlog.Log, s Setup) map[string]string {
	main, _ := log.Get(s.UUID)
	config := annexlog.DecodeConfig(main.Value)
	id := s.Setting("config-uuid")
	if id == "" {
		return config
	}
	own, _ := log.Get(id)
	merged := annexlog.DecodeConfig(own.Value)
	for _, field := range Inherited() {
		if v, ok := config[field]; ok {
			merged[field] = v
		}
	}
	return merged
}

// Trees lists the remotes that hold a tree of files (exporttree, importtree) of
// which no older versions are kept: any export, and whoever else may write there,
// may overwrite content, so they never count as copies, whatever is said about
// trust.
func Trees(log annexlog.Log) map[string]bool {
	trees := map[string]bool{}
	for _, e := range log.Entries() {
		s := Setup{Config: annexlog.DecodeConfig(e.Value)}
		if (s.Yes("exporttree") || s.Yes("importtree")) && !s.Yes("versioning") {
			trees[e.Field] = true
			if main := s.Option("sameas-uuid"); main != "" {
				trees[main] = true // the content there is the same
			}
		}
	}
	return trees
}

// Inherited are the fields that a remote has from the one whose content it
// shares: what must be the same for both to find it.
func Inherited() []string {
	return []string{"encryption", "cipher", "cipherkeys", "pubkeys", "mac", "chunksize"}
}

// Getenv reads the environment the remote was opened with.
func (s Setup) Getenv(name string) string {
	for i := len(s.Env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(s.Env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// AnnexDir joins elem to git-annex's folder.
func (s Setup) AnnexDir(elem ...string) string {
	return filepath.Join(append([]string{s.GitDir, "annex"}, elem...)...)
}

// Temp is the folder for content that is not finished, on the annex's file
// system. It may have to be made.
func (s Setup) Temp() string { return s.AnnexDir("tmp") }

// Logger is where people are told something; it is never nil.
func (s Setup) Logger() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

// Inform tells people something about the remote that is no failure.
func (s Setup) Inform(text string) {
	if s.Told != nil {
		s.Told(text)
		return
	}
	s.Logger().Info(text, "remote", s.Name)
}

// Closer is a Remote that holds processes or connections.
type Closer interface {
	Remote
	Close() error
}

// Unwrapper is a Remote that works through another one.
type Unwrapper interface{ Unwrap() Remote }

// As finds the first remote in r's chain that is a T.
func As[T any](r Remote) (T, bool) {
	for r != nil {
		if t, ok := r.(T); ok {
			return t, true
		}
		u, ok := r.(Unwrapper)
		if !ok {
			break
		}
		r = u.Unwrap()
	}
	var none T
	return none, false
}

// AtOnce is how many requests a remote is given at once: few, unless it likes to
// have more.
func AtOnce(r Remote, few int) int {
	if g, ok := As[Gatherer](r); ok {
		return max(few, g.Together())
	}
	return few
}

type boundKey struct{}

// WithBound says that what is fetched under this context may have at most n
// bytes, for keys that do not tell their size.
func WithBound(ctx context.Context, n int64) context.Context {
	return context.WithValue(ctx, boundKey{}, n)
}

// Bound is the greatest number of bytes that the key's content may have; false
// if nothing is known.
func Bound(ctx context.Context, k annexkey.Key) (int64, bool) {
	if n, ok := ctx.Value(boundKey{}).(int64); ok {
		return n, true
	}
	if k.ChunkSize > 0 {
		return k.ChunkSize, true
	}
	return k.Size, k.Size >= 0
}

// ParseSize reads a size as git-annex's configuration has it: "1MiB", "10 mb",
// "5000". It is false for anything else, and for sizes beyond 2^62 bytes.
func ParseSize(text string) (int64, bool) {
	text = strings.TrimSpace(text)
	n := strings.IndexFunc(text, func(c rune) bool { return (c < '0' || c > '9') && c != '.' })
	if n < 0 {
		n = len(text)
	}
	value, err := strconv.ParseFloat(text[:n], 64)
	factor, ok := unit(strings.ToLower(strings.TrimSpace(text[n:])))
	if err != nil || !ok || value*factor > 1<<62 {
		return 0, false
	}
	return int64(value * factor), true
}

// shortUnit abbreviates names such as "kilobytes" and "mebibyte".
func shortUnit(name string) string {
	long := strings.TrimSuffix(name, "s")
	for _, p := range []string{"kilo", "mega", "giga", "tera", "peta", "exa"} {
		if long == p+"byte" {
			return p[:1] + "b"
		}
		if long == p[:2]+"bibyte" {
			return p[:1] + "ib"
		}
	}
	return name
}

// unit is what the name of a unit stands for, in bytes.
func unit(name string) (float64, bool) {
	const prefixes = "kmgtpe"
	name = shortUnit(name)
	switch name {
	case "", "b", "byte", "bytes":
		return 1, true
	}
	power := strings.IndexByte(prefixes, name[0]) + 1
	base := 1000.0
	switch name[1:] {
	case "ib":
		base = 1024
	case "b", "":
	default:
		return 0, false
	}
	factor := 1.0
	for range power {
		factor *= base
	}
	return factor, power > 0
}
