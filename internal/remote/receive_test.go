package remote

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// A stream that ends early may be a connection that broke: only who knows that
// there is no more may say so.
func TestShortStreamProvesNothing(t *testing.T) {
	k, err := annexkey.Parse("WORM-s10-m1--x")
	if err != nil {
		t.Fatal(err)
	}
	receive := func(n int) error {
		return Receive(t.Context(), k, filepath.Join(t.TempDir(), "x"), 0, nil, bytes.NewReader(make([]byte, n)))
	}
	if size, ok := errors.AsType[*SizeError](receive(4)); !ok || size.Wrong() {
		t.Errorf("a short stream: %+v", size)
	}
	if size, ok := errors.AsType[*SizeError](AllThere(receive(4))); !ok || !size.Wrong() {
		t.Errorf("all of a remote's content: %+v", size)
	}
	if size, ok := errors.AsType[*SizeError](receive(11)); !ok || !size.Wrong() {
		t.Errorf("a long stream: %+v", size)
	}
}
