package sweep

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
)

// cycle refuses rows that wait for each other's outputs, or for their own.
func (sw *sweep) cycle(claims, needs []claimOf) error {
	if len(needs) == 0 {
		return nil
	}
	maker := make(map[string]int, len(claims))
	for _, c := range claims {
		maker[c.path] = c.row
	}
	after := map[int]map[int]string{} // row -> rows that make its inputs
	for _, n := range needs {
		for p := n.path; p != "." && p != "/"; p = path.Dir(p) {
			if row, ok := maker[p]; ok {
				if after[n.row] == nil {
					after[n.row] = map[int]string{}
				}
				after[n.row][row] = n.path
				break
			}
		}
	}
	loop := findLoop(after)
	if loop == nil {
		return nil
	}
	var steps []string
	for i, row := range loop {
		maker := loop[(i+1)%len(loop)]
		steps = append(steps, fmt.Sprintf("row %d needs %s of row %d", row, after[row][maker], maker))
	}
	err := fmt.Errorf("the rows wait for each other: %s", strings.Join(steps[:min(len(steps), 10)], ", "))
	return errs.WithHint(sw.table.fail(loop[0], err), "one of these inputs must be there before, or be the output of no row")
}

// findLoop returns rows each of which needs the next, and the last the first,
// beginning with the least; nil: there are none.
func findLoop(after map[int]map[int]string) []int {
	const under, done = 1, 2
	state := map[int]int{}
	for _, start := range sortedKeys(after) {
		if state[start] != 0 {
			continue
		}
		way := [][]int{{start}} // of each step, what is still to be tried
		var path []int
		for len(way) > 0 {
			top := len(way) - 1
			if len(way[top]) == 0 {
				way = way[:top]
				if n := len(path); n > 0 {
					state[path[n-1]] = done
					path = path[:n-1]
				}
				continue
			}
			row := way[top][0]
			way[top] = way[top][1:]
			switch state[row] {
			case under:
				return fromLeast(path[slices.Index(path, row):])
			case done:
				continue
			}
			state[row] = under
			path, way = append(path, row), append(way, sortedKeys(after[row]))
		}
	}
	return nil
}

func fromLeast(loop []int) []int {
	i := slices.Index(loop, slices.Min(loop))
	return append(slices.Clone(loop[i:]), loop[:i]...)
}

func sortedKeys[V any](m map[int]V) []int {
	keys := make([]int, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
