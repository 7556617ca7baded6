package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
)

// hook is a command that the user has put after results of some kind
// (datalad.result-hook.NAME).
type hook struct {
	name    string
	match   map[string]any
	command string
	args    string // JSON with placeholders
}

// hookRunner collects the commands that results ask for. They run when the
// command is over, so that they find everything in order. A nil one has none.
type hookRunner struct {
	hooks []hook
	due   [][]string // command lines
}

const (
	hookPrefix = "datalad.result-hook."
	// inHook keeps the results of a hook's command from starting hooks.
	inHook = "STEMMA_IN_RESULT_HOOK"
)

// withHooks watches results for those that hooks wait for. Hooks come from
// git's configuration only, never from what a dataset brings along.
func (a *app) withHooks(sink result.Sink) result.Sink {
	if a.data == nil || a.getenv(inHook) != "" {
		return sink
	}
	cfg := a.data.Repo.Config
	h := &hookRunner{}
	for _, key := range cfg.Keys(hookPrefix) {
		if at, ok := strings.CutSuffix(key, ".match-json"); ok {
			h.add(a, strings.TrimPrefix(at, hookPrefix), cfg.Get(key), cfg.Get(at+".call-json"))
		}
	}
	if len(h.hooks) == 0 {
		return sink
	}
	a.hooks = h
	return result.SinkFunc(func(r result.Record) error {
		err := sink.Emit(r)
		if err == nil || errors.Is(err, result.ErrStop) {
			h.consider(a, r)
		}
		return err
	})
}

func (h *hookRunner) add(a *app, name, match, call string) {
	k := hook{name: name}
	command, args, _ := strings.Cut(strings.TrimSpace(call), " ")
	if k.command, k.args = command, strings.TrimSpace(args); k.command == "" {
		a.log.Warn(fmt.Sprintf("result hook %s: %s%s.call-json is not set; skipped", name, hookPrefix, name))
		return
	}
	if err := json.Unmarshal([]byte(match), &k.match); err != nil {
		a.log.Warn(fmt.Sprintf("result hook %s: match-json is no JSON object: %v; skipped", name, err))
		return
	}
	if k.args == "" {
		k.args = "{{}}"
	}
	h.hooks = append(h.hooks, k)
}

func (h *hookRunner) consider(a *app, r result.Record) {
	fields := render.Map(r)
	for _, k := range h.hooks {
		if !k.matches(fields) {
			continue
		}
		line, err := k.line(fields, a.data.Path())
		if err != nil {
			a.log.Warn(fmt.Sprintf("result hook %s: %v; skipped", k.name, err))
			continue
		}
		h.due = append(h.due, line)
	}
}

// matches applies the tests of match-json: a value, or a list of a comparison
// (eq, neq, in, nin) and what to compare with.
func (k *hook) matches(fields map[string]any) bool {
	for name, want := range k.match {
		how := "eq"
		if list, ok := want.([]any); ok && len(list) == 2 {
			how, want = fmt.Sprint(list[0]), list[1]
		}
		have, there := fields[name]
		if !compare(how, asJSON(have), there, want) {
			return false
		}
	}
	return true
}

// asJSON is a value as JSON would give it back.
func asJSON(v any) any {
	var out any
	if json.Unmarshal([]byte(pyfmt.JSON(v)), &out) != nil {
		return v
	}
	return out
}

func compare(how string, have any, there bool, want any) bool {
	switch how {
	case "eq":
		return there && reflect.DeepEqual(have, want)
	case "neq":
		return !there || !reflect.DeepEqual(have, want)
	}
	list, _ := want.([]any)
	among := there && slices.ContainsFunc(list, func(v any) bool { return reflect.DeepEqual(have, v) })
	return how == "in" && among || how == "nin" && !among
}

// line makes the command line of a hook. What is filled in stays within its
// JSON string, whatever it contains.
func (k *hook) line(fields map[string]any, dataset string) ([]string, error) {
	text, err := pyfmt.Format(k.args, func(name string) (any, error) {
		if name == "dsarg" {
			return inJSON(dataset), nil
		}
		v, ok := fields[name]
		if !ok {
			return nil, pyfmt.ErrUnknown
		}
		return inJSON(pyfmt.Str(v)), nil
	})
	if err != nil {
		return nil, err
	}
	var args map[string]any
	if err := json.Unmarshal([]byte(text), &args); err != nil {
		return nil, fmt.Errorf("call-json: %w", err)
	}
	line := []string{strings.ReplaceAll(k.command, "_", "-")}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(args)) {
		line, words = argument(line, words, name, args[name])
	}
	if len(words) > 0 {
		line = append(append(line, "--"), words...)
	}
	return line, nil
}

func inJSON(s string) string {
	quoted, _ := json.Marshal(s)
	return string(quoted[1 : len(quoted)-1])
}

// argument writes one keyword argument as an option, or as words.
func argument(line, words []string, name string, value any) (newLine, newWords []string) {
	positional := slices.Contains([]string{"path", "source", "spec", "cmd", "url", "urls", "revision", "name"}, name)
	option := "--" + strings.ReplaceAll(name, "_", "-")
	switch v := value.(type) {
	case nil:
	case bool:
		if v {
			line = append(line, option)
		}
	case []any:
		for _, each := range v {
			line, words = argument(line, words, name, each)
		}
	default:
		if positional {
			words = append(words, fmt.Sprint(v))
		} else {
			line = append(line, option+"="+fmt.Sprint(v))
		}
	}
	return line, words
}

// run executes what results asked for, each as a command of its own.
func (h *hookRunner) run(ctx context.Context, a *app) error {
	if h == nil || len(h.due) == 0 || ctx.Err() != nil {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("result hook: %w", err)
	}
	var failed error
	for _, line := range h.due {
		cmd := exec.CommandContext(ctx, self)
		cmd.Args = append([]string{a.face, "-f", a.global.format}, line...)
		cmd.Dir, cmd.Env = a.cwd, append(append([]string{}, a.env...), inHook+"=yes")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = a.stdin, a.stdout, a.stderr
		if err := cmd.Run(); err != nil {
			failed = errs.WithHint(fmt.Errorf("result hook: %s: %w", strings.Join(line, " "), err), "the hook's settings begin with %s", hookPrefix)
		}
	}
	return failed
}
