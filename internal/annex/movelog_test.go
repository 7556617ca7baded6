package annex

import (
	"fmt"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
)

func TestMovesAreKnownUntilTheyEnd(t *testing.T) {
	a := &Annex{dir: t.TempDir()}
	move := func(i int) Moving {
		return Moving{From: "u1", To: "u2", Key: annexkey.New("WORM", fmt.Sprint("n", i))}
	}
	check := func(i int, want bool) {
		t.Helper()
		moves, err := a.Moves()
		if err != nil || moves.Begun(move(i)) != want {
			t.Errorf("move %d: %v, %v; want %v", i, moves.Begun(move(i)), err, want)
		}
	}
	check(1, false)
	ours, err := a.Moves()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := ours.Begin(t.Context(), []Moving{move(i), move(i)}); err != nil {
			t.Fatal(err)
		}
	}
	check(1, true)
	if err := ours.End(t.Context(), []Moving{move(1)}); err != nil {
		t.Fatal(err)
	}
	check(1, false)
	check(2, true)
	for range 2 {
		var many []Moving
		for i := range movesKept {
			many = append(many, move(10+i))
		}
		if err := ours.Begin(t.Context(), many); err != nil {
			t.Fatal(err)
		}
	}
	check(2, false)
	check(movesKept, true)
}
