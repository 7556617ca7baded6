package dataset

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// TreePaths visits all files of a commit or tree.
func (d *Dataset) TreePaths(ctx context.Context, treeish string, visit func(gitindex.Entry) error) error {
	cmd := d.Repo.Command(ctx, "ls-tree", "-r", "-z", "--full-tree", treeish)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	verr := eachTreeEntry(out, visit)
	if verr != nil {
		_, _ = io.Copy(io.Discard, out)
	}
	if err := cmd.Wait(); err != nil && verr == nil {
		verr = fmt.Errorf("%s", strings.TrimSpace(complaint.String()))
	}
	return verr
}

// eachTreeEntry reads "MODE TYPE ID\tPATH\0".
func eachTreeEntry(r io.Reader, visit func(gitindex.Entry) error) error {
	b := bufio.NewReaderSize(r, 1<<16)
	for {
		line, err := b.ReadString(0)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		head, path, ok := strings.Cut(strings.TrimSuffix(line, "\x00"), "\t")
		w := strings.Fields(head)
		if !ok || len(w) != 3 {
			return fmt.Errorf("git ls-tree: unexpected line %q", line)
		}
		id, err := gitobj.ParseOID(w[2])
		if err != nil {
			return err
		}
		var mode uint32
		fmt.Sscanf(w[0], "%o", &mode)
		if err := visit(gitindex.Entry{Path: path, Mode: gitobj.Mode(mode), OID: id}); err != nil {
			return err
		}
	}
}

// BlobKey is the key of a committed file; false for one that git keeps itself.
func (d *Dataset) BlobKey(ctx context.Context, mode gitobj.Mode, id gitobj.OID) (annexkey.Key, bool, error) {
	switch mode {
	case gitobj.ModeSymlink:
		text, err := d.Repo.SmallBlob(ctx, id, pointer.MaxSize)
		k, ok := pointer.ParseLink(string(text))
		return k, ok && k.Safe() == nil, err
	case gitobj.ModeFile, gitobj.ModeExec:
		k, ok, err := d.PointerKey(ctx, id)
		return k, ok && k.Safe() == nil, err
	}
	return annexkey.Key{}, false, nil
}

// AnnexedFiles visits the annexed files of a tree: a remote.TreeReader.
func (d *Dataset) AnnexedFiles(ctx context.Context, tree string, visit func(path string, k annexkey.Key) error) error {
	if _, err := gitobj.ParseOID(tree); err != nil {
		return err
	}
	return d.TreePaths(ctx, tree, func(e gitindex.Entry) error {
		k, ok, err := d.BlobKey(ctx, e.Mode, e.OID)
		if err != nil || !ok {
			return err
		}
		return visit(e.Path, k)
	})
}
