package git

import (
	"errors"
	"strings"
	"syscall"
)

// cleanEnv drops the variables by which a surrounding git (a hook, say)
// would redirect our children to another repository.
func cleanEnv(env []string) []string {
	out := make([]string, 0, len(env)+1)
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		switch name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
			"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE",
			"GIT_QUARANTINE_PATH", "GIT_INTERNAL_SUPER_PREFIX", "LC_ALL", "LANGUAGE":
			continue
		}
		out = append(out, kv)
	}
	return append(out, "LC_ALL=C.UTF-8")
}

func isNotDir(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

func isDir(err error) bool { return errors.Is(err, syscall.EISDIR) }

// getenv reads a variable of the environment the repository was opened with.
func (r *Repo) getenv(name string) string {
	v, _ := r.lookupEnv(name)
	return v
}

func (r *Repo) lookupEnv(name string) (value string, set bool) {
	for i := len(r.env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(r.env[i], name+"="); ok {
			return v, true
		}
	}
	return "", false
}
