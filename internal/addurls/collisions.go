package addurls

import (
	"fmt"
	"maps"

	"github.com/stemma-data/stemma/internal/result"
)

// What happens where several rows give the same file name.
const (
	CollisionError       = "error"
	CollisionIfDifferent = "error-if-different"
	CollisionTakeFirst   = "take-first"
	CollisionTakeLast    = "take-last"
)

// settle leaves one entry for each file name, or says as a record's message
// why there are several.
func (p *plan) settle(how string) result.Tuple {
	byName := map[string][]*entry{}
	for _, e := range p.entries {
		byName[e.file] = append(byName[e.file], e)
	}
	wrong := 0
	for _, list := range byName {
		switch {
		case len(list) == 1:
			continue
		case how == CollisionError, how == CollisionIfDifferent && differ(list):
			wrong++
		case how == CollisionTakeFirst:
			ignore(list[1:])
		default:
			ignore(list[:len(list)-1])
		}
	}
	if wrong == 0 {
		return nil
	}
	count := "1 file name"
	if wrong > 1 {
		count = fmt.Sprintf("%d file names", wrong)
	}
	return result.Tuple{"%s collided across rows; troubleshoot by logging at debug level or consider using {_repindex}", count}
}

func ignore(list []*entry) {
	for _, e := range list {
		e.ignore = true
	}
}

func differ(list []*entry) bool {
	for _, e := range list[1:] {
		if e.url != list[0].url || !maps.Equal(e.meta, list[0].meta) {
			return true
		}
	}
	return false
}
