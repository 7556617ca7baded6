package main

import (
	"fmt"
	"strings"
)

// suite is a set of experiments that make one page.
type suite struct {
	name, title, file, by string
	sizes, quickSizes     string
	experiments           []experiment
}

var suites = []suite{
	{"main-job", "Benchmark of the main job", "docs/benchmarks/main-job.md", "make bench", "1000,50000,200000", "1000,10000", []experiment{
		{"startup", startup}, {"jobs", jobs}, {"save", bulkSave}, {"get", bulkGet},
		{"paths", paths}, {"tree", wholeTree}, {"lock", indexLock}, {"counts", counts}}},
	{"file-systems", "Jobs on parallel file systems", "docs/benchmarks/file-systems.md", "make bench-fs", "1000,100000", "1000,5000", []experiment{
		{"fs", fileSystems}, {"steady", oneByOne}, {"staging", staging}, {"storage", storage}}},
	{"scale", "Jobs at scale", "docs/benchmarks/scale.md", "make bench-scale", "1000,200000,1000000", "1000,20000", []experiment{
		{"single", scaleSingle}, {"batch", scaleBatch}, {"whole", scaleTree}, {"open", scaleOpen}}},
	{"content", "Content: get, drop, S3, clones and locations", "docs/benchmarks/content.md", "make bench-content", "1000", "1000", []experiment{
		{"get", contentGet}, {"drop", contentDrop}, {"s3", contentObjects}, {"clone", contentClone}, {"whereis", contentWhereis}}},
	{"commands", "Commands: start-up, everyday work, nested datasets", "docs/benchmarks/commands.md", "make bench-commands", "1000", "1000", []experiment{
		{"starts", everyStart}, {"everyday", everyday}, {"nested", nested}}},
}

func suiteNamed(name string) (suite, error) {
	var names []string
	for _, s := range suites {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	return suite{}, fmt.Errorf("-suite: there is no suite %q: choose one of %s", name, strings.Join(names, ", "))
}

// has reports whether the suite has an experiment of that name.
func (s suite) has(name string) bool {
	for _, e := range s.experiments {
		if e.name == name {
			return true
		}
	}
	return false
}

func experimentNames() string {
	var all []string
	for _, s := range suites {
		var names []string
		for _, e := range s.experiments {
			names = append(names, e.name)
		}
		all = append(all, s.name+": "+strings.Join(names, ", "))
	}
	return strings.Join(all, "; ")
}
