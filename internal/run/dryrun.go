package run

import (
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// dryRun reports what would be executed.
func (t *task) dryRun(sink result.Sink) error {
	rec := &runrec.Record{Chain: orEmpty(t.opt.chain), Cmd: t.cmd, DSID: t.d.ID,
		Inputs: orEmpty(t.specs[0]), ExtraInputs: orEmpty(t.specs[1]), Outputs: orEmpty(t.specs[2]), Pwd: t.relPwd}
	if t.opt.Expand.has(Inputs) {
		rec.Inputs = t.inputs.Expand()
	}
	if t.opt.Expand.has(Outputs) {
		rec.Outputs = t.outputs.Expand()
	}
	info := map[string]any{"cmd_expanded": t.shell, "pwd_full": t.pwd, "inputs": t.inputs.Expand(), "outputs": t.outputs.Expand()}
	return sink.Emit(result.New("run [dry-run]", result.OK, t.d.Path(), result.Dataset).
		Msg("Dry run").With("run_info", rec.Fields()).With("dry_run_info", info))
}

// DryRunText is how people see a dry-run result: all of it ("basic"), or the
// expanded command alone ("command").
func DryRunText(r result.Record, mode string) string {
	dry, _ := r.Fields["dry_run_info"].(map[string]any)
	info, _ := r.Fields["run_info"].(map[string]any)
	expanded, _ := dry["cmd_expanded"].(string)
	if mode == "command" {
		return expanded + "\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Dry run information\n location: %s\n", dry["pwd_full"])
	for _, name := range []string{"inputs", "outputs"} {
		if list, ok := dry[name].([]string); ok && len(list) > 0 {
			fmt.Fprintf(&b, " expanded %s:\n  %s\n", name, pyfmt.Repr(list))
		}
	}
	fmt.Fprintf(&b, " command:\n  %s\n", info["cmd"])
	if expanded != info["cmd"] {
		fmt.Fprintf(&b, " expanded command:\n  %s\n", expanded)
	}
	return b.String()
}
