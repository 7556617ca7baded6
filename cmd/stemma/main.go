// Command stemma keeps research data, and how it was made, under version
// control. Called as datalad, sbatch, squeue, scancel or git-annex it plays
// that program.
package main

import (
	"os"

	"github.com/stemma-data/stemma/internal/cli"
)

var version = "development" // set by the linker

func main() {
	os.Exit(cli.Main(version, os.Args, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
