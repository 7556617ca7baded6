package clone

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Rewriter is a configuration with all values of its keys.
type Rewriter interface {
	Settings
	All(key string) []string
}

// rules are the ways in which configuration changes addresses.
type rules struct {
	top      string      // for "///"
	instead  [][2]string // prefix to what stands for it
	serieses [][]substitution
}

// substitution is one rule of datalad.clone.url-substitute.
type substitution struct {
	match *regexp.Regexp
	with  string
}

const substitutePrefix = "datalad.clone.url-substitute."

// builtin are the series that DataLad has without configuration.
var builtin = map[string][]string{
	substitutePrefix + "github": {
		`,https?://github.com/([^/]+)/(.*)$,\1###\2`,
		`,[/\\]+,-`,
		`,\s+|(%2520)+|(%20)+,_`,
		`,([^#]+)###(.*),https://github.com/\1/\2`,
	},
	substitutePrefix + "osf": {`,^https://osf.io/([^/]+)[/]*$,osf://\1`},
}

// readRules takes the rules from configuration. top is the base of addresses
// that begin with "///"; "" for DataLad's.
func readRules(cfg Rewriter, top string) (*rules, error) {
	r := &rules{top: top}
	if top == "" {
		r.top = defaultTop
	}
	for _, key := range cfg.ConfigKeys("url.") {
		base, ok := strings.CutSuffix(strings.TrimPrefix(key, "url."), ".insteadof")
		if !ok {
			continue
		}
		for _, from := range cfg.All(key) {
			r.instead = append(r.instead, [2]string{from, base})
		}
	}
	keys := cfg.ConfigKeys(substitutePrefix)
	for _, key := range []string{substitutePrefix + "github", substitutePrefix + "osf"} {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		texts := cfg.All(key)
		if len(texts) == 0 {
			texts = builtin[key]
		}
		series, err := parseSeries(texts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		r.serieses = append(r.serieses, series)
	}
	return r, nil
}

func parseSeries(texts []string) ([]substitution, error) {
	var series []substitution
	for _, text := range texts {
		if len(text) < 2 {
			return nil, fmt.Errorf("%q is no substitution of the form ,PATTERN,REPLACEMENT", text)
		}
		parts := strings.Split(text[1:], text[:1])
		if len(parts) != 2 {
			return nil, fmt.Errorf("%q is no substitution of the form ,PATTERN,REPLACEMENT", text)
		}
		re, err := regexp.Compile(parts[0])
		if err != nil {
			return nil, fmt.Errorf("substitution %q: %w", text, err)
		}
		series = append(series, substitution{re, replacement(parts[1])})
	}
	return series, nil
}

// replacement translates Python's \1 into Go's ${1}.
func replacement(s string) string {
	reference := regexp.MustCompile(`\\(\d)`)
	return reference.ReplaceAllString(strings.ReplaceAll(s, "$", "$$"), "$${$1}")
}

// substitute returns what an address may be replaced by, in order; the address
// itself where no series applies.
func (r *rules) substitute(address string) []string {
	var list []string
	for _, series := range r.serieses {
		out := address
		for i, s := range series {
			at := s.match.FindStringIndex(out)
			if i == 0 && (at == nil || at[0] != 0) {
				break
			}
			out = s.match.ReplaceAllString(out, s.with)
		}
		if out != address {
			list = append(list, out)
		}
	}
	if len(list) == 0 {
		return []string{address}
	}
	return list
}

// rewrite applies url.X.insteadOf: the longest prefix wins.
func (r *rules) rewrite(address string) string {
	best := [2]string{}
	for _, rule := range r.instead {
		if strings.HasPrefix(address, rule[0]) && len(rule[0]) > len(best[0]) {
			best = rule
		}
	}
	if best[0] == "" {
		return address
	}
	return best[1] + strings.TrimPrefix(address, best[0])
}
