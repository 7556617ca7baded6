package gitindex

import (
	"os"
	"syscall"
)

func fillSys(s *Stat, fi os.FileInfo) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	s.CTime = Time{Sec: uint32(st.Ctim.Sec), Nsec: uint32(st.Ctim.Nsec)}
	s.Dev, s.Ino, s.UID, s.GID = uint32(st.Dev), uint32(st.Ino), st.Uid, st.Gid
}
