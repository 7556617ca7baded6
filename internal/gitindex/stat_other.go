//go:build !linux && !darwin

package gitindex

import "os"

func fillSys(*Stat, os.FileInfo) {}
