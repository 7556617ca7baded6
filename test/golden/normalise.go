package golden

import (
	"fmt"
	"os"
	"regexp"
	"sort"
	"strings"
)

// normaliser replaces what differs between any two runs: folders, host, ids,
// commits, times.
type normaliser struct {
	known map[string]string // any text to its name
	short map[string]string // abbreviated commit ids to theirs
}

var abbreviated = regexp.MustCompile(`\b[0-9a-f]{7}\b`)

func newNormaliser(w *World) *normaliser {
	n := &normaliser{known: map[string]string{w.work: "/W", w.root: "/ROOT"}, short: map[string]string{}}
	if host, err := os.Hostname(); err == nil {
		n.known["@"+host+":"] = "@HOST:"
	}
	return n
}

// learn names the ids of a repository: its annex, its dataset, its commits.
func (n *normaliser) learn(r *repository) {
	n.name(r.git("config", "annex.uuid"), "UUID", r)
	n.name(r.git("config", "-f", ".datalad/config", "datalad.dataset.id"), "DSID", r)
	for path, what := range map[string]string{".datalad/config": "CONFIG", ".gitmodules": "GITMODULES"} {
		for _, line := range strings.Split(r.git("rev-list", "--objects", "HEAD", "--", path), "\n") {
			if id, ok := strings.CutSuffix(line, " "+path); ok {
				n.name(id, what, r) // these files hold dataset ids
			}
		}
	}
	for i, id := range strings.Fields(r.git("rev-list", "--reverse", "--topo-order", "HEAD", "--exclude=git-annex", "--branches")) {
		n.known[id] = fmt.Sprintf("<%s#%d>", r.name, i+1)
		n.short[id[:7]] = fmt.Sprintf("<%s#%d short>", r.name, i+1)
	}
}

func (n *normaliser) name(id, what string, r *repository) {
	if id = strings.TrimSpace(id); id != "" {
		n.known[id] = fmt.Sprintf("<%s %s>", what, r.name)
	}
}

var volatile = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`"exception_traceback": "(?:[^"\\]|\\.)*", `), ""},
	{regexp.MustCompile(`\b\d{10,}(?:\.\d+)?s\b`), "<T>s"},
	{regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "<ID>"},
	// Where a RIA store has a dataset.
	{regexp.MustCompile(`\b[0-9a-f]{3}/[0-9a-f]{5}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "<STORED>"},
	// Commits of the git-annex branch differ from run to run.
	{regexp.MustCompile(`(git-annex) [0-9a-f]{7}\.\.[0-9a-f]{7}\b`), "$1 <OLD>..<NEW>"},
	{regexp.MustCompile(`datalad-run-[A-Za-z0-9_]+`), "datalad-run-<TMP>"},
	// A sidecar record is named by a hash over the dataset id.
	{regexp.MustCompile(`\.datalad/runinfo/[0-9a-f]{32}`), ".datalad/runinfo/<RECORD>"},
	{regexp.MustCompile(`(?m)^"[0-9a-f]{32}"$`), `"<RECORD>"`},
	// The image of a container by its key: Stemma's addition, see differences.md.
	{regexp.MustCompile(`(?m)^ "container": \{\n(?:  .*\n)* \},\n`), ""},
	{regexp.MustCompile(`"container": \{"key": "[^"]*", "name": "[^"]*"\}, `), ""},
	// What a configuration procedure calls itself; DataLad names its Python file.
	{regexp.MustCompile(`(?m)^(run\((?:ok|error)\): .* \(dataset\)) \[(?:/\S*python3 /\S*|cfg_\S.*)\]$`), "$1 [<PROCEDURE>]"},
	{regexp.MustCompile(`(?m)^\{"action": "run", .*"(?:cmd|message)": "[^"]*\bcfg_.*$`), `{"action": "run", <PROCEDURE>}`},
}

func (n *normaliser) text(s string) string {
	old := sortedKeys(n.known)
	sort.SliceStable(old, func(i, j int) bool { return len(old[i]) > len(old[j]) })
	var pairs []string
	for _, o := range old {
		pairs = append(pairs, o, n.known[o])
	}
	s = strings.NewReplacer(pairs...).Replace(s)
	s = abbreviated.ReplaceAllStringFunc(s, func(id string) string {
		if name, ok := n.short[id]; ok {
			return name
		}
		return id
	})
	for _, v := range volatile {
		s = v.pattern.ReplaceAllString(s, v.text)
	}
	return s
}
