package jobrec

import "testing"

func TestEnvironmentHoldsNoSecrets(t *testing.T) {
	picked, modules := Environment([]string{"AWS_SECRET_ACCESS_KEY=x", "OMP_NUM_THREADS=2", "CONDA_PREFIX=/home/ada/c", "LOADEDMODULES=a:/b"}, true)
	if len(picked) != 1 || picked["OMP_NUM_THREADS"] != "2" || len(modules) != 1 || modules[0] != "a" {
		t.Error(picked, modules)
	}
}
