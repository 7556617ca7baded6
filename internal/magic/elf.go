package magic

import "encoding/binary"

// elfType tells programs, libraries, objects and core dumps apart.
func elfType(b []byte) string {
	if len(b) < 18 {
		return TypeBinary
	}
	switch elfOrder(b).Uint16(b[16:]) {
	case 1:
		return "application/x-object"
	case 2:
		return "application/x-executable"
	case 3:
		if hasInterpreter(b) {
			return "application/x-pie-executable"
		}
		return "application/x-sharedlib"
	case 4:
		return "application/x-coredump"
	}
	return TypeBinary
}

func elfOrder(b []byte) binary.ByteOrder {
	if b[5] == 2 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// hasInterpreter reports a program header of type PT_INTERP in a 64-bit file;
// programs have one, libraries rarely.
func hasInterpreter(b []byte) bool {
	const is64, interp = 2, 3
	if len(b) < 64 || b[4] != is64 {
		return false
	}
	order := elfOrder(b)
	at, size, n := order.Uint64(b[32:]), uint64(order.Uint16(b[54:])), order.Uint16(b[56:])
	for range n {
		if at >= uint64(len(b)) || uint64(len(b))-at < 4 {
			return false
		}
		if order.Uint32(b[at:]) == interp {
			return true
		}
		at += size
	}
	return false
}
