package main

import (
	"bufio"
	crand "crypto/rand"
	"io"
	"math/rand/v2"
	"os"
)

// writeRandom writes size bytes that occur nowhere else and do not compress.
func writeRandom(path string, size int64) error {
	var seed [32]byte
	if _, err := crand.Read(seed[:]); err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriterSize(file, 1<<20)
	if _, err := io.CopyN(out, rand.NewChaCha8(seed), size); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return file.Close()
}
