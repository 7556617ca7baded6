package git

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
)

// readOuter reads the settings that hold for all of a user's repositories as
// git does (git-config(1), FILES and ENVIRONMENT), but without a process. It is
// false where only git can tell what they are: includes, text that versions of
// git read differently, files that cannot be read, a git whose system-wide file
// is who knows where.
func readOuter(env []string) (*surroundings, bool) {
	r := &Repo{env: env}
	for _, name := range []string{"GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_TEST_ASSUME_DIFFERENT_OWNER"} {
		if r.getenv(name) != "" {
			return nil, false
		}
	}
	files, ok := r.outerFiles()
	if !ok {
		return nil, false
	}
	s := &surroundings{}
	for _, path := range files {
		if ok = s.takeFile(path); !ok {
			return nil, false
		}
	}
	return s, s.takeEnvironment(r)
}

// outerFiles lists the files, weakest first, whether they exist or not.
func (r *Repo) outerFiles() (files []string, ok bool) {
	none, known := ParseBool(r.getenv("GIT_CONFIG_NOSYSTEM"))
	system, set := r.lookupEnv("GIT_CONFIG_SYSTEM")
	switch {
	case none:
	case set:
		files = append(files, system)
	case distributionsGit():
		files = append(files, "/etc/gitconfig")
	default:
		return nil, false
	}
	if !known || set && !filepath.IsAbs(system) {
		return nil, false
	}
	if global, set := r.lookupEnv("GIT_CONFIG_GLOBAL"); set {
		return append(files, global), filepath.IsAbs(global)
	}
	home, xdg := r.getenv("HOME"), r.getenv("XDG_CONFIG_HOME")
	if xdg == "" {
		xdg = filepath.Join(home, ".config")
	}
	files = append(files, filepath.Join(xdg, "git", "config"), filepath.Join(home, ".gitconfig"))
	return files, filepath.IsAbs(home) && filepath.IsAbs(xdg)
}

// distributionsGit reports whether git is the program of a Linux distribution,
// built with the prefix /usr, whose system-wide file is in /etc. A script in its
// place may set anything.
var distributionsGit = sync.OnceValue(func() bool {
	const path = "/usr/bin/git"
	if found, err := exec.LookPath("git"); err != nil || found != path {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	n, err := f.Read(magic[:])
	return err == nil && string(magic[:n]) == "\x7fELF"
})

// takeFile adds what a file sets; a file that does not exist sets nothing.
func (s *surroundings) takeFile(path string) bool {
	c, err := readPlainConfig(path)
	if errors.Is(err, fs.ErrNotExist) || isNotDir(err) {
		return true
	}
	if err != nil {
		return false
	}
	for key, value := range c.Settings() {
		s.weak = append(s.weak, [2]string{key, value})
	}
	return true
}

var errAskGit = errors.New("only git can tell what this sets")

// readPlainConfig reads a file that all versions of git read alike, and that
// includes no others.
func readPlainConfig(path string) (*Config, error) {
	text, err := readRegular(path, maxConfigFile)
	if err != nil {
		return nil, err
	}
	c, plain, err := parseConfigText(string(text))
	if err == nil && (!plain || len(c.Keys("include")) > 0) {
		err = errAskGit
	}
	return c, err
}

// readRegular reads a regular file of at most limit bytes.
func readRegular(path string, limit int64) ([]byte, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > limit {
		return nil, errAskGit
	}
	return os.ReadFile(path)
}

var settingName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\A[A-Za-z0-9-]+\.(?:[^\n\x00]*\.)?[A-Za-z][A-Za-z0-9-]*\z`)
})

// takeEnvironment adds GIT_CONFIG_KEY_n with GIT_CONFIG_VALUE_n.
func (s *surroundings) takeEnvironment(r *Repo) bool {
	count := r.getenv("GIT_CONFIG_COUNT")
	if count == "" {
		return true
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 1000 {
		return false
	}
	for i := range n {
		key := r.getenv("GIT_CONFIG_KEY_" + strconv.Itoa(i))
		value, set := r.lookupEnv("GIT_CONFIG_VALUE_" + strconv.Itoa(i))
		if !set || !settingName().MatchString(key) || len(key) > 6 && canonicalKey(key)[:7] == "include" {
			return false
		}
		s.strong = append(s.strong, [2]string{key, value})
	}
	return true
}
