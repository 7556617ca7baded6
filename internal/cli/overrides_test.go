package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOverrides(t *testing.T) {
	a := testApp()
	a.env = []string{
		`DATALAD_CONFIG_OVERRIDES_JSON={"datalad.a.b": "json", "datalad.c": 5, "x.y": "json"}`,
		"DATALAD_A_B=variable", "DATALAD_RUN_RECORD__SIDECAR=true", "DATALAD_1_2=invalid", "DATALADX=no",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=user.name", "GIT_CONFIG_VALUE_0=Ada",
	}
	if err := a.readOverrides([]string{"X.Y=option", "gone.now=1", ":gone.now", "remote.Name With.url=a=b"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"datalad.a.b": "variable", "datalad.c": "5", "x.y": "option",
		"datalad.run.record-sidecar": "true", "remote.Name With.url": "a=b",
	}
	got := map[string]string{}
	for k := range want {
		got[k] = a.overrides.get(k)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([][2]string{{"X.Y", "option"}, {"remote.Name With.url", "a=b"}}, a.overrides.typed); diff != "" {
		t.Errorf("typed (-want +got)\n%s", diff)
	}
	if a.getenv("GIT_CONFIG_COUNT") != "6" || a.getenv("GIT_CONFIG_KEY_0") != "user.name" || a.getenv("GIT_CONFIG_VALUE_1") != "variable" {
		t.Errorf("environment: %q", a.env)
	}
	for _, bad := range []string{"", "x", "x=1", ":", ":x", "=", ".=", "a.b", "a.1=x"} {
		if err := testApp().readOverrides([]string{bad}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
