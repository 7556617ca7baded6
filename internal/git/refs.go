package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Head says where HEAD points.
type Head struct {
	Ref string     // "refs/heads/main", or "" when detached
	OID gitobj.OID // "" on a branch without commits
}

// Branch returns the short name of the branch, or "" when detached.
func (h Head) Branch() string { return strings.TrimPrefix(h.Ref, "refs/heads/") }

const maxSymrefDepth = 5

// Head reads HEAD of this work tree.
func (r *Repo) Head(ctx context.Context) (Head, error) {
	if !r.NativeRefs() {
		return r.headByGit(ctx)
	}
	data, err := os.ReadFile(filepath.Join(r.GitDir, "HEAD"))
	if err != nil {
		return Head{}, fmt.Errorf("read HEAD: %w", err)
	}
	text := strings.TrimRight(string(data), " \t\r\n")
	name, symbolic := strings.CutPrefix(text, "ref:")
	if !symbolic {
		id, err := gitobj.ParseOID(text)
		if err != nil {
			return Head{}, fmt.Errorf("read HEAD: %w", err)
		}
		return Head{OID: id}, nil
	}
	name = strings.TrimSpace(name)
	id, err := r.Ref(ctx, name)
	return Head{Ref: name, OID: id}, err
}

// Ref returns what the full ref name points to, or "" if it does not exist.
func (r *Repo) Ref(ctx context.Context, name string) (gitobj.OID, error) {
	if !r.NativeRefs() {
		return r.refByGit(ctx, name)
	}
	for depth := 0; depth < maxSymrefDepth; depth++ {
		id, next, err := r.looseRef(name)
		switch {
		case err != nil:
			return "", err
		case next != "":
			name = next
		case id != "":
			return id, nil
		default:
			return r.packedRef(name)
		}
	}
	return "", fmt.Errorf("read ref %s: symbolic refs nested too deeply", name)
}

// looseRef reads the ref's own file: an id, the name a symbolic ref leads
// to, or neither.
func (r *Repo) looseRef(name string) (id gitobj.OID, next string, err error) {
	if err := checkRefName(name); err != nil {
		return "", "", err
	}
	data, err := os.ReadFile(filepath.Join(r.CommonDir, filepath.FromSlash(name)))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || isNotDir(err) || isDir(err) {
			return "", "", nil
		}
		return "", "", fmt.Errorf("read ref %s: %w", name, err)
	}
	text := strings.TrimRight(string(data), " \t\r\n")
	if target, ok := strings.CutPrefix(text, "ref:"); ok {
		return "", strings.TrimSpace(target), nil
	}
	id, err = gitobj.ParseOID(text)
	if err != nil {
		return "", "", fmt.Errorf("read ref %s: %w", name, err)
	}
	return id, "", nil
}

// packedRef looks the name up in packed-refs.
func (r *Repo) packedRef(name string) (gitobj.OID, error) {
	f, err := os.Open(filepath.Join(r.CommonDir, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read ref %s: %w", name, err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		id, ref, ok := strings.Cut(lines.Text(), " ")
		if ok && ref == name {
			return gitobj.ParseOID(id)
		}
	}
	return "", lines.Err()
}

// checkRefName refuses names that would lead outside the refs folder.
func checkRefName(name string) error {
	if name != "HEAD" && !strings.HasPrefix(name, "refs/") {
		return fmt.Errorf("ref %q: not a full name", name)
	}
	for _, part := range strings.Split(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock") || strings.ContainsAny(part, "\x00\n~^:?*[\\ ") {
			return fmt.Errorf("ref %q: not a valid name", name)
		}
	}
	return nil
}

func (r *Repo) headByGit(ctx context.Context) (Head, error) {
	out, err := r.Output(ctx, "symbolic-ref", "-q", "HEAD")
	if err != nil {
		if ExitCode(err) != 1 {
			return Head{}, err
		}
		id, err := r.refByGit(ctx, "HEAD")
		return Head{OID: id}, err
	}
	name := strings.TrimRight(string(out), "\n")
	id, err := r.refByGit(ctx, name)
	return Head{Ref: name, OID: id}, err
}

func (r *Repo) refByGit(ctx context.Context, name string) (gitobj.OID, error) {
	out, err := r.Output(ctx, "rev-parse", "-q", "--verify", "--end-of-options", name)
	if ExitCode(err) == 1 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return gitobj.ParseOID(strings.TrimRight(string(out), "\n"))
}

// RefMove is one step of a ref transaction.
type RefMove struct {
	Name string     // full name, or "HEAD" when detached
	Old  gitobj.OID // expected; "" means that it must not exist
	New  gitobj.OID // "" deletes
}

// refLockWait is how long, in milliseconds, another git's lock on a ref is
// waited for. git's own 100 are too few on a loaded machine or a slow disk.
const refLockWait = "10000"

// MoveRefs moves all refs in one transaction, or none: each must still have
// its old value. reason goes into the reflogs. git moves one ref after the
// other, in this order: ended in between (a kill, a full disk), some have
// moved. Neither ctx nor the terminal's interrupt end it. It keeps the files
// of hold open for as long as it runs.
func (r *Repo) MoveRefs(ctx context.Context, moves []RefMove, reason string, hold ...*os.File) error {
	var in strings.Builder
	in.WriteString("start\n")
	for _, m := range moves {
		old := m.Old
		if old == "" {
			old = r.Format.Zero()
		}
		if m.New == "" {
			fmt.Fprintf(&in, "delete %s %s\n", m.Name, old)
		} else {
			fmt.Fprintf(&in, "update %s %s %s\n", m.Name, m.New, old)
		}
	}
	in.WriteString("prepare\ncommit\n")
	reason = strings.ReplaceAll(reason, "\n", " ")
	cmd := r.Command(context.WithoutCancel(ctx), "-c", "core.fsync=all",
		"-c", "core.filesRefLockTimeout="+refLockWait, "-c", "reftable.lockTimeout="+refLockWait,
		"update-ref", "-m", reason, "--stdin")
	cmd.Stdin, cmd.ExtraFiles, cmd.SysProcAttr = strings.NewReader(in.String()), hold, &syscall.SysProcAttr{Setpgid: true}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		err = fmt.Errorf("move refs in %s: %w", r.CommonDir, commandError(err, []string{"update-ref"}, stderr.String()))
		if !strings.Contains(stderr.String(), "but expected") {
			if cause := fsx.ProbeWrite(r.CommonDir); cause != nil { // git does not always tell
				err = fmt.Errorf("%w: %w", err, cause)
			} else if strings.Contains(stderr.String(), "couldn't set") {
				err = errs.WithHint(err, "git does not say why it could not write; often the disk is full or a quota used up: free some space and repeat the command, nothing is lost")
			}
		}
		return err
	}
	return nil
}

// IsAncestor reports whether commit old is reachable from commit tip.
func (r *Repo) IsAncestor(ctx context.Context, old, tip gitobj.OID) (bool, error) {
	_, err := r.Output(ctx, "merge-base", "--is-ancestor", string(old), string(tip))
	if ExitCode(err) == 1 {
		return false, nil
	}
	return err == nil, err
}
