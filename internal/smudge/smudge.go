package smudge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/pointer"
)

// maxInline is the largest content, in bytes, that is handed to git itself.
// git keeps a filter's whole answer in memory; larger files are left as
// pointers, and filled by the hook that follows a checkout.
const maxInline = 16 << 20

// Smudge returns what git shall put into the work tree for a blob: the content
// of a pointer if it is here and not too large, and otherwise the blob as it is.
func (f *Filter) Smudge(ctx context.Context, rel string, blob io.Reader) (io.ReadCloser, error) {
	head := make([]byte, pointer.MaxSize+1)
	n, err := io.ReadFull(blob, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	head = head[:n]
	k, ok := pointer.Parse(head)
	if !ok {
		return newSpool(f.d.Annex.Dir(), head, blob)
	}
	text := io.NopCloser(bytes.NewReader(head))
	object, here := f.d.Annex.Locate(k)
	if !here {
		return text, nil
	}
	fi, err := os.Stat(object)
	if err != nil {
		return text, nil // dropped this very moment
	}
	if !f.thin && fi.Size() <= maxInline && (k.Size < 0 || k.Size == fi.Size()) {
		if content, err := os.Open(object); err == nil {
			return content, nil
		}
	}
	if strings.ContainsAny(rel, "\n") {
		return text, nil
	}
	// git's hook reads the log before the stream is closed.
	f.smudged = append(f.smudged, k.String()+" "+rel+"\n")
	return text, f.logSmudged(ctx)
}
