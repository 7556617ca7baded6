package enable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
)

// choices are the words that git-annex takes for parameters that have a choice.
// It reads a branch that has others with an error, or as something else.
func choices(kind string) map[string][]string {
	yesNo, trueFalse := []string{"yes", "no"}, []string{"true", "false"}
	list := map[string][]string{
		"autoenable": trueFalse, "highRandomQuality": trueFalse,
		"exporttree": yesNo, "importtree": yesNo, "embedcreds": yesNo, "onlyencryptcreds": yesNo,
	}
	switch kind {
	case "directory":
		list["ignoreinodes"] = yesNo
	case "rsync":
		list["shellescape"] = yesNo
	case "S3":
		list["public"], list["versioning"], list["restore"] = yesNo, yesNo, yesNo
		list["protocol"], list["requeststyle"] = []string{"http", "https"}, []string{"path"}
		list["signature"] = []string{"v2", "v4", "anonymous"}
	}
	return list
}

// checkValues refuses values of parameters that the user has given.
func checkValues(kind string, params map[string]string) error {
	choices := choices(kind)
	for _, field := range slices.Sorted(maps.Keys(params)) {
		v := params[field]
		if words, ok := choices[field]; ok && !slices.Contains(words, v) {
			return fmt.Errorf("Bad value for %s (expected %s)", field, strings.Join(words, " or "))
		}
		if field == "cost" {
			if _, err := strconv.ParseFloat(v, 64); err != nil {
				return fmt.Errorf("Bad value for %s (expected a number)", field)
			}
		}
	}
	if params["onlyencryptcreds"] == "yes" && params["encryption"] == "none" {
		return errs.WithHint(errors.New("onlyencryptcreds=yes needs encryption"), "leave it out, or choose another encryption=")
	}
	return nil
}

// checkListed refuses parameters that the remote's program does not have, where it
// tells. s has what the program is found by.
func (k kind) checkListed(ctx context.Context, s remote.Setup, params map[string]string) error {
	if k.listed == nil {
		return nil
	}
	list, ok, err := k.listed(ctx, s)
	if err != nil || !ok {
		return err
	}
	known := kind{fields: slices.Clone(k.fields)}
	for _, p := range list {
		known.fields = append(known.fields, p.Name)
	}
	return known.knows(params)
}
