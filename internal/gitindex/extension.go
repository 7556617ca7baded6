package gitindex

import "encoding/binary"

// keptExtensions returns those that go into a spliced index.
func (f *File) keptExtensions() ([]extension, error) {
	var kept []extension
	for _, e := range f.exts {
		switch e.sig {
		case "TREE", "REUC":
			kept = append(kept, e)
		case "UNTR", "FSMN", "EOIE", "IEOT":
			// caches bound to the old entries; git makes new ones
		default:
			return nil, unsupported("extension %q", e.sig)
		}
	}
	return kept, nil
}

// writeExtension writes e as it holds after the trees of the stale paths
// changed. A cache tree that cannot be read is left out, as git does.
func writeExtension(out *output, e extension, stale []string, hashLen int) {
	parts := [][]byte{e.data}
	if e.sig == "TREE" {
		t := treeWriter{hash: hashLen}
		if _, ok := t.node(e.data, stale); !ok {
			return
		}
		parts = t.parts
	}
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	out.write(binary.BigEndian.AppendUint32([]byte(e.sig), uint32(size)))
	for _, p := range parts {
		out.write(p)
	}
}
