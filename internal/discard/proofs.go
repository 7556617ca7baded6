package discard

import (
	"context"
	"slices"
	"strconv"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/transfer"
)

// proofs says for each key what must be shown before it may be deleted.
type proofs struct {
	d        *dataset.Dataset
	force    bool
	logs     *dataset.BranchLogs
	peers    []dataset.Peer
	trust    *dataset.Trust
	copies   int // repository-wide, where no attribute says otherwise
	min      int
	files    map[annexkey.Key][]string // all files of the keys, where attributes may ask for copies
	required *required                 // nil: no content is required here
}

// newProofs reads what concerns all keys.
func newProofs(ctx context.Context, d *dataset.Dataset, files []annexedFile, force bool) (*proofs, error) {
	p := &proofs{d: d, force: force}
	if force {
		return p, nil
	}
	var err error
	if p.logs, err = d.BranchLogs(ctx); err != nil {
		return nil, err
	}
	if p.peers, err = d.Peers(ctx); err != nil {
		return nil, err
	}
	if err := p.readTrust(ctx); err != nil {
		return nil, err
	}
	if err := p.readNumbers(ctx); err != nil {
		return nil, err
	}
	if p.required, err = readRequired(ctx, d, p.logs); err != nil {
		return nil, err
	}
	return p, p.findFiles(files)
}

// findFiles lists the files of the keys that attributes may ask more copies for.
// Content that is dropped as such, and for no file, has none.
func (p *proofs) findFiles(files []annexedFile) error {
	list, err := p.d.FilesWithCopies()
	if err != nil {
		return err
	}
	var keys []annexkey.Key
	for _, f := range files {
		if f.rel != "" {
			keys = append(keys, f.key)
		}
	}
	if p.files = list(keys...); p.files == nil {
		return nil
	}
	for _, f := range files { // also one that lies deeper than the list looks
		if f.rel != "" && !slices.Contains(p.files[f.key], f.rel) {
			p.files[f.key] = append(p.files[f.key], f.rel)
		}
	}
	return nil
}

func (p *proofs) readTrust(ctx context.Context) error {
	log, err := p.logs.Read(ctx, annexlog.TrustFile)
	if err != nil {
		return err
	}
	remotes, err := p.logs.Read(ctx, annexlog.RemoteFile)
	p.trust = dataset.NewTrust(annexlog.ParseUUIDLog(log), annexlog.ParseUUIDLog(remotes), p.peers)
	return err
}

func (p *proofs) readNumbers(ctx context.Context) error {
	read := func(path string) (int, bool, error) {
		data, err := p.logs.Read(ctx, path)
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
	return nil
}

// of says what must be shown for the content of a file.
func (p *proofs) of(ctx context.Context, f annexedFile) (transfer.Proof, error) {
	if p.force {
		return transfer.Proof{}, nil
	}
	if err := p.required.check(ctx, f); err != nil {
		return transfer.Proof{}, err
	}
	need, err := p.need(f.key)
	if err != nil {
		return transfer.Proof{}, err
	}
	where, err := p.logs.Locations(ctx, f.key)
	if err != nil {
		return transfer.Proof{}, err
	}
	proof := transfer.Proof{Need: need}
	for _, uuid := range where {
		if uuid != p.d.Annex.UUID && p.trust.Of(uuid) == annexlog.Trusted {
			proof.Trusted = append(proof.Trusted, uuid)
		}
	}
	for _, peer := range p.peers {
		uuid := peer.UUID()
		if uuid == p.d.Annex.UUID || !slices.Contains(where, uuid) || p.trust.Of(uuid) != annexlog.Semitrusted {
			continue
		}
		if peer.Remote == nil {
			proof.Away = append(proof.Away, peer.Spec.Name)
			continue
		}
		proof.Ask = append(proof.Ask, peer.Remote)
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
		v, err := p.d.Attributes(rel, "annex.numcopies", "annex.mincopies")
		if err != nil {
			return 0, err
		}
		need = max(need, attributeOr(v["annex.numcopies"], p.copies), attributeOr(v["annex.mincopies"], p.min))
	}
	return need, nil
}

func attributeOr(value string, other int) int {
	if n, err := strconv.Atoi(value); err == nil {
		return max(n, 1)
	}
	return other
}
