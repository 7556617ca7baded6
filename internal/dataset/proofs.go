package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/gitattr"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/transfer"
)

// proofs says for each key what must be shown before it may be deleted.
type proofs struct {
	d        *Dataset
	force    bool
	logs     *branchLogs
	peers    []peer
	trust    trust
	copies   int // repository-wide, where no attribute says otherwise
	min      int
	files    map[annexkey.Key][]string // all files known to have the key
	required bool                      // required content is configured for us
}

// newProofs reads what concerns all keys.
func (d *Dataset) newProofs(ctx context.Context, files []absentFile, force bool) (*proofs, error) {
	p := &proofs{d: d, force: force, files: map[annexkey.Key][]string{}}
	for _, f := range files {
		p.files[f.key] = append(p.files[f.key], f.rel)
	}
	if force {
		return p, nil
	}
	var err error
	if p.logs, err = d.branchLogs(ctx); err != nil {
		return nil, err
	}
	if p.peers, err = d.peers(ctx); err != nil {
		return nil, err
	}
	if p.trust, err = p.logs.trust(ctx, p.peers); err != nil {
		return nil, err
	}
	if err := p.readNumbers(ctx); err != nil {
		return nil, err
	}
	return p, p.otherFiles()
}

func (p *proofs) readNumbers(ctx context.Context) error {
	read := func(path string) (int, bool, error) {
		data, err := p.logs.read(ctx, path)
		n, ok := annexlog.ParseCopies(data)
		return n, ok, err
	}
	n, ok, err := read("numcopies.log")
	if err != nil {
		return err
	}
	if !ok {
		n, _ = strconv.Atoi(p.d.Repo.Config.Get("annex.numcopies"))
	}
	p.copies = max(n, 1)
	if p.min, _, err = read("mincopies.log"); err != nil {
		return err
	}
	wanted, err := p.logs.read(ctx, "required-content.log")
	if err != nil {
		return err
	}
	e, ok := annexlog.ParseUUIDLog(wanted).Get(p.d.Annex.UUID)
	p.required = ok && strings.TrimSpace(e.Value) != ""
	return nil
}

// maxDepth is how deep in the tree other links to a key are looked for.
const maxDepth = 64

// otherFiles finds every file with one of the keys, if attributes may demand
// more copies for some of them. A link's text, and so its id, follows from the
// key and the depth of the folder: one pass through the index finds all.
func (p *proofs) otherFiles() error {
	index, err := p.d.Repo.ReadIndex()
	if err != nil {
		return err
	}
	if !p.attributesMatter(index) {
		p.files = map[annexkey.Key][]string{}
		return nil
	}
	byID := map[string]annexkey.Key{}
	id := func(text []byte) string { return string(p.d.Repo.Format.HashObject("blob", text).Bytes()) }
	for k := range p.files {
		byID[id(pointer.Format(k))] = k
		for depth := range maxDepth {
			byID[id([]byte(pointer.LinkTarget(k, strings.Repeat("d/", depth)+"f")))] = k
		}
	}
	index.Walk(func(r *gitindex.Raw) bool {
		if k, ok := byID[string(r.OID())]; ok && r.Mode() != gitobj.ModeGitlink {
			p.files[k] = append(p.files[k], string(r.Path))
		}
		return true
	})
	return nil
}

// attributesMatter reports whether any attributes file speaks of copies.
func (p *proofs) attributesMatter(index *gitindex.File) bool {
	files := []string{
		filepath.Join(p.d.Repo.CommonDir, "info", "attributes"), p.d.globalAttributes(), systemAttributes,
		p.d.Repo.Path(".gitattributes"),
	}
	index.Walk(func(r *gitindex.Raw) bool {
		if path := string(r.Path); strings.HasSuffix(path, "/.gitattributes") {
			files = append(files, p.d.Repo.Path(path))
		}
		return true
	})
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.Contains(string(text), "copies") {
			return true
		}
	}
	return false
}

// of says what must be shown for a key.
func (p *proofs) of(ctx context.Context, k annexkey.Key) (transfer.Proof, error) {
	if p.force {
		return transfer.Proof{}, nil
	}
	if p.required {
		return transfer.Proof{}, errors.New("unsafe; required content is configured for this repository, " +
			"and evaluating it is not supported yet (Use --reckless availability to override this check)")
	}
	need, err := p.need(k)
	if err != nil {
		return transfer.Proof{}, err
	}
	where, err := p.logs.locations(ctx, k)
	if err != nil {
		return transfer.Proof{}, err
	}
	proof := transfer.Proof{Need: need}
	for _, uuid := range where {
		if uuid != p.d.Annex.UUID && p.trust.of(uuid) == annexlog.Trusted {
			proof.Trusted = append(proof.Trusted, uuid)
		}
	}
	for _, peer := range p.peers {
		uuid := peer.uuid()
		if uuid == p.d.Annex.UUID || !slices.Contains(where, uuid) || p.trust.of(uuid) != annexlog.Semitrusted {
			continue
		}
		if peer.remote == nil {
			proof.Away = append(proof.Away, peer.spec.Name)
			continue
		}
		proof.Ask = append(proof.Ask, peer.remote)
	}
	return proof, nil
}

// need is the number of other copies that the key's files ask for.
func (p *proofs) need(k annexkey.Key) (int, error) {
	if len(p.files[k]) == 0 {
		return max(p.copies, p.min), nil
	}
	need := 0
	for _, rel := range p.files[k] {
		v, err := p.d.matcher().Get(rel, "annex.numcopies", "annex.mincopies")
		if err != nil {
			return 0, fmt.Errorf("attributes of %s: %w", rel, err)
		}
		need = max(need, attributeOr(v["annex.numcopies"], p.copies), attributeOr(v["annex.mincopies"], p.min))
	}
	return need, nil
}

func attributeOr(v gitattr.Value, other int) int {
	if n, err := strconv.Atoi(v.Text); v.State == gitattr.Valued && err == nil {
		return max(n, 1)
	}
	return other
}
