package fsx

import "os"

// earlyPiece is how much is handed to the disk at once, in bytes.
const earlyPiece = 8 << 20

// EarlyWriter writes to a file from its beginning, and lets the system
// begin at once to bring to the disk what is written, so that the Sync that
// follows finds little left to do.
type EarlyWriter struct {
	file *os.File
	off  int64 // written so far
}

// NewEarlyWriter begins at offset 0, where f must stand.
func NewEarlyWriter(f *os.File) *EarlyWriter { return &EarlyWriter{file: f} }

func (w *EarlyWriter) Write(p []byte) (written int, err error) {
	for len(p) > 0 && err == nil {
		var n int
		n, err = w.file.Write(p[:min(len(p), earlyPiece)])
		if n >= earlyPiece/2 {
			beginWriteOut(w.file, w.off, int64(n))
		}
		w.off, written, p = w.off+int64(n), written+n, p[n:]
	}
	return written, err
}
