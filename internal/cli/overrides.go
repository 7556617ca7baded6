package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/screen"
)

// overrides are settings that win over configuration files: from -c, from
// DATALAD_X_Y variables, and from DATALAD_CONFIG_OVERRIDES_JSON, in this order
// of weight.
type overrides struct {
	values map[string]string
	typed  [][2]string // those of -c, in order
}

func (o overrides) get(key string) string { return o.values[canonical(key)] }

// canonical writes section and variable in lower case, as git does; what is
// between them counts as it is.
func canonical(key string) string {
	first, last := strings.IndexByte(key, '.'), strings.LastIndexByte(key, '.')
	if first < 0 {
		return strings.ToLower(key)
	}
	return strings.ToLower(key[:first]) + key[first:last] + strings.ToLower(key[last:])
}

// settingName is what git takes for a configuration key.
var settingName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9-]+(\..*)?\.[A-Za-z][A-Za-z0-9-]*$`)
})

// overridesJSON is the variable that holds a JSON object of settings.
const overridesJSON = "DATALAD_CONFIG_OVERRIDES_JSON"

// readOverrides collects them and hands them to child processes in git's own
// way, so that git and everything below reads them as configuration.
func (a *app) readOverrides(typed []string) error {
	o := overrides{values: map[string]string{}}
	if err := o.fromJSON(a.getenv(overridesJSON)); err != nil {
		return err
	}
	for _, kv := range a.env {
		name, value, _ := strings.Cut(kv, "=")
		if rest, ok := strings.CutPrefix(name, "DATALAD_"); ok && name != overridesJSON {
			o.values[variableKey(rest)] = value
		}
	}
	for _, t := range typed {
		if err := o.fromOption(t); err != nil {
			return err
		}
	}
	if s := a.getenv("STEMMA_SCHEDULER"); s != "" && o.get("stemma.scheduler") == "" {
		o.values["stemma.scheduler"] = s
	}
	maps.DeleteFunc(o.values, func(k, _ string) bool { return !settingName().MatchString(k) })
	a.overrides = o
	a.exportOverrides()
	return nil
}

// variableKey is the setting that DATALAD_name stands for.
func variableKey(name string) string {
	const dash = "\x00"
	name = strings.ReplaceAll(strings.ToLower(name), "__", dash)
	name = strings.ReplaceAll(name, "_", ".")
	return "datalad." + strings.ReplaceAll(name, dash, "-")
}

func (o *overrides) fromJSON(text string) error {
	if text == "" {
		return nil
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return fmt.Errorf("read %s: %w", overridesJSON, err)
	}
	for k, v := range m {
		o.values[canonical(k)] = fmt.Sprint(v)
	}
	return nil
}

var errOverride = errors.New("configuration override without section.variable, value assignment or unset marker")

// fromOption takes one argument of -c: name=value, or :name to forget it.
func (o *overrides) fromOption(text string) error {
	if name, ok := strings.CutPrefix(text, ":"); ok && settingName().MatchString(name) {
		delete(o.values, canonical(name))
		o.typed = slices.DeleteFunc(o.typed, func(kv [2]string) bool { return canonical(kv[0]) == canonical(name) })
		return nil
	}
	name, value, ok := strings.Cut(text, "=")
	if !ok || !settingName().MatchString(name) {
		err := fmt.Errorf("%w: '%s'", errOverride, text)
		return errs.WithExit(errs.WithHint(err, "write -c section.variable=value, or -c :section.variable"), errs.ExitFailure)
	}
	o.values[canonical(name)] = value
	o.typed = append(o.typed, [2]string{name, value})
	return nil
}

// exportOverrides appends to the settings that git takes from the environment.
func (a *app) exportOverrides() {
	if len(a.overrides.values) == 0 {
		return
	}
	n, err := strconv.Atoi(a.getenv("GIT_CONFIG_COUNT"))
	if err != nil || n < 0 {
		n = 0
	}
	for _, key := range slices.Sorted(maps.Keys(a.overrides.values)) {
		a.setenv("GIT_CONFIG_KEY_"+strconv.Itoa(n), key)
		a.setenv("GIT_CONFIG_VALUE_"+strconv.Itoa(n), a.overrides.values[key])
		n++
	}
	a.setenv("GIT_CONFIG_COUNT", strconv.Itoa(n))
}

// setting reads an override, or the dataset's configuration once it is open.
func (a *app) setting(key string) string {
	if v := a.overrides.get(key); v != "" || a.data == nil {
		return v
	}
	return a.data.Config(key)
}

// color says whether output to w is coloured.
func (a *app) color(w io.Writer) bool {
	switch a.setting("datalad.ui.color") {
	case "on":
		return true
	case "off":
		return false
	}
	return screen.IsTerminal(w) && a.getenv("NO_COLOR") == ""
}

// similarThreshold is when similar results are held back; 0 for never.
func (a *app) similarThreshold() int {
	switch a.setting("datalad.ui.suppress-similar-results") {
	case "off", "false", "no", "0":
		return 0
	}
	if n, err := strconv.Atoi(a.setting("datalad.ui.suppress-similar-results-threshold")); err == nil && n >= 0 {
		return n
	}
	return 10
}
