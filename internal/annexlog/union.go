package annexlog

import (
	"slices"
	"strings"
)

// Union merges versions of one log file: the set of all their lines, sorted by
// bytes. Where a version (the first such) has every line already it is returned as
// it is, unsorted perhaps, because git-annex then keeps that version's blob. Pass
// the own side first. The merge is textual; meaning is applied by the next write.
func Union(versions ...[]byte) []byte {
	sets := make([][]string, len(versions))
	var all []string
	for i, v := range versions {
		sets[i] = lineSet(v)
		all = append(all, sets[i]...)
	}
	all = sortedSet(all)
	for i, set := range sets {
		if len(set) == len(all) { // a subset of the same size
			return versions[i]
		}
	}
	if len(all) == 0 {
		return nil
	}
	return []byte(strings.Join(all, "\n") + "\n")
}

// lineSet takes LF alone as the end of a line, and an empty line as a line.
func lineSet(data []byte) []string {
	if len(data) == 0 {
		return nil
	}
	return sortedSet(strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"))
}

func sortedSet(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}
