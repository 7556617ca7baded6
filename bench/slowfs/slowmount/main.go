// Command slowmount shows a folder as a slow file system, until its standard
// input ends: slowmount -profile lustre BACKING MOUNT.
package main

import (
	"fmt"
	"os"

	"github.com/stemma-data/stemma/bench/slowfs"
)

func main() {
	if err := slowfs.Serve(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
