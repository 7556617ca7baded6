package fsx

import "os"

// identityOf is Identity without the time of birth.
func identityOf(path string) string {
	fi, err := os.Lstat(path)
	if err != nil {
		return ""
	}
	return sysIdentity(fi)
}
