package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	login "os/user"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
)

// EnsureAnnex makes the annex of a fresh clone usable, as git-annex does by
// itself: where a remote has a git-annex branch and we have no annex yet, ours
// is initialised and described in that branch. A plain git repository, or one
// with .noannex, stays as it is: then d.Annex is nil afterwards, too.
func (d *Dataset) EnsureAnnex(ctx context.Context) error {
	if d.Annex != nil {
		d.LinkGitFolder()
		return nil
	}
	return d.StartAnnex(ctx, "")
}

// StartAnnex is EnsureAnnex with a description, which a repository that has
// an annex gets, too; "" is git-annex's default for a new one.
func (d *Dataset) StartAnnex(ctx context.Context, description string) error {
	origin, err := d.remoteBranch(ctx)
	if err != nil || origin == "" && d.Annex == nil {
		return err
	}
	if _, err := os.Lstat(d.Repo.Path(".noannex")); err == nil {
		return nil
	}
	return d.InitAnnex(ctx, description)
}

// InitAnnex makes an annex of the repository, with the description or, where
// that is "", git-annex's default; the git-annex branch begins as the remote's,
// if there is one. An annex that is there already only takes the description. A
// private annex (annex.private) is not mentioned in the git-annex branch.
func (d *Dataset) InitAnnex(ctx context.Context, description string) error {
	return d.InitAnnexVersion(ctx, description, "")
}

// InitAnnexVersion is InitAnnex with a version of the repository, "8" to "10",
// which an annex that is there keeps; "" is the newest.
func (d *Dataset) InitAnnexVersion(ctx context.Context, description, version string) error {
	origin, err := d.remoteBranch(ctx)
	if err != nil {
		return err
	}
	if description == "" && d.Annex == nil {
		description = d.cloneDescription()
	}
	return d.initAnnex(ctx, origin, annex.InitOptions{UUID: NewUUID(), Description: description, Version: version})
}

// InitAnnexAs is InitAnnex with the identity of a repository that is lost: name
// is that, or the description that the git-annex branch has for it.
func (d *Dataset) InitAnnexAs(ctx context.Context, name string) error {
	origin, err := d.remoteBranch(ctx)
	if err != nil {
		return err
	}
	if origin == "" {
		return errors.New("no git-annex branch knows any repository")
	}
	_, text, err := d.Repo.Object(ctx, string(origin)+":"+annexlog.UUIDFile, -1)
	if err != nil {
		return err
	}
	for _, e := range annexlog.ParseUUIDLog(text).Entries() {
		if e.Field == name || e.Value == name {
			return d.initAnnex(ctx, origin, annex.InitOptions{UUID: e.Field})
		}
	}
	return fmt.Errorf("no repository with the identity or description %q is known", name)
}

func (d *Dataset) initAnnex(ctx context.Context, origin gitobj.OID, opt annex.InitOptions) error {
	private := d.Repo.Config.Bool("annex.private", false)
	if origin != "" && private {
		if err := d.startBranch(ctx, origin); err != nil {
			return err
		}
	}
	opt.Now = d.LogClock()
	borrows := d.Annex == nil && d.Repo.BorrowsObjects()
	a, logs, err := annex.Init(d.Repo, opt)
	if err != nil {
		return err
	}
	if borrows {
		d.Env.Log.Info("Repository was cloned with --shared; setting annex.hardlink=true and making repository untrusted.")
		if err := d.Repo.SetConfig(git.Set("annex.hardlink", "true")); err != nil {
			return fmt.Errorf("initialise annex: %w", err)
		}
		logs = append(logs, Untrust(a.UUID, opt.Now))
	}
	d.Annex = a
	d.LinkGitFolder()
	if !private {
		_, err = d.Publisher().Publish(ctx, commit.Request{Logs: logs, LogsOn: origin, Reason: "stemma: initialise annex"})
	}
	if err != nil {
		return fmt.Errorf("initialise annex: %w", err)
	}
	d.RememberRemotes(ctx)
	return d.completeAdjusted(ctx)
}

// Untrust is the edit that says that content in a repository does not count as a
// safe copy.
func Untrust(uuid string, now annexlog.Clock) annex.LogEdit {
	return annex.LogEdit{Path: annexlog.TrustFile, Change: func(old []byte) []byte {
		out, err := annexlog.ParseUUIDLog(old).Set(uuid, annexlog.Untrusted.String(), now)
		if err != nil {
			return old
		}
		return out
	}}
}

// remoteBranch finds the git-annex branch of a remote, origin's first.
func (d *Dataset) remoteBranch(ctx context.Context) (gitobj.OID, error) {
	refs := []string{annex.BranchRef, "refs/remotes/origin/git-annex"}
	for _, s := range remote.List(d.Repo.Config, d.Path()) {
		refs = append(refs, "refs/remotes/"+s.Name+"/git-annex")
	}
	for _, ref := range refs {
		if id, err := d.Repo.Ref(ctx, ref); err != nil || id != "" {
			return id, err
		}
	}
	return "", nil
}

// startBranch creates the local branch from the remote's.
func (d *Dataset) startBranch(ctx context.Context, from gitobj.OID) error {
	if id, err := d.Repo.Ref(ctx, annex.BranchRef); err != nil || id != "" {
		return err
	}
	err := d.Repo.MoveRefs(ctx, []git.RefMove{{Name: annex.BranchRef, New: from}}, "stemma: initialise annex")
	if id, rerr := d.Repo.Ref(ctx, annex.BranchRef); rerr == nil && id != "" {
		return nil // by us, or by somebody who was faster
	}
	return err
}

// cloneDescription is git-annex's default.
func (d *Dataset) cloneDescription() string {
	user := d.env("USER")
	if user == "" {
		user = d.env("LOGNAME")
	}
	if u, err := login.Current(); user == "" && err == nil {
		user = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return CreateOptions{User: user, Host: host, Home: d.env("HOME")}.describe(d.Repo)
}

// RememberRemotes notes the identity of the remotes, as git-annex does. It is
// a convenience: what cannot be read or written now is asked again later.
func (d *Dataset) RememberRemotes(ctx context.Context) {
	peers, err := d.Peers(ctx)
	if err != nil {
		d.Env.Log.Debug("open remotes", "error", err)
	}
	d.RememberPeers(peers)
}

// RememberPeers notes what opening the remotes has shown: who they are, or that
// there is no annex.
func (d *Dataset) RememberPeers(peers []Peer) {
	var edits []git.ConfigEdit
	for _, p := range peers {
		key := "remote." + p.Spec.Name
		switch {
		case p.Spec.UUID != "":
		case p.Remote != nil && p.Spec.URL != "":
			edits = append(edits, git.Set(key+".annex-uuid", p.Remote.UUID()))
		case p.Spec.Kind == remote.Network && errors.Is(p.Err, remote.ErrNoAnnex):
			edits = append(edits, git.Set(key+".annex-ignore", "true"))
		}
	}
	if err := d.Repo.SetConfig(edits...); err != nil {
		d.Env.Log.Debug("note annex-uuid of remotes", "error", err)
	}
}
