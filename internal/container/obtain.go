package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/proc"
)

// isAddress tells whether a source is none of this machine.
func isAddress(source string) bool {
	_, is := without(source, "docker://", "dhub://", "shub://", "http://", "https://")
	return is
}

// obtain makes a file of the image that a source names.
func obtain(ctx context.Context, source, file string, env dataset.Env) error {
	if name, ok := without(source, "docker://", "dhub://"); ok && strings.HasPrefix(name, "-") {
		return fmt.Errorf("%q is no name of an image", name)
	}
	if name, ok := without(source, "docker://"); ok {
		return build(ctx, name, file, env)
	}
	if name, ok := without(source, "dhub://"); ok {
		return pull(ctx, name, file, env)
	}
	if rest, ok := without(source, "docker-archive:", "oci-archive:", "file://"); ok {
		source = strings.TrimPrefix(rest, "//")
	}
	if strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://") {
		return download(ctx, source, file)
	}
	if !filepath.IsAbs(source) {
		source = filepath.Join(env.Cwd, source)
	}
	fi, err := os.Stat(source)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errs.WithHint(fmt.Errorf("there is no file %s", source), "a source is a path, docker-archive:PATH, oci-archive:PATH, http(s)://…, docker://NAME, or dhub://NAME")
	case err != nil:
		return err
	case fi.IsDir():
		return pack(ctx, source, file, env)
	case !fi.Mode().IsRegular():
		return fmt.Errorf("%s is neither a file nor a folder", source)
	}
	_, err = fsx.Copy(ctx, file, source, fsx.CopyOptions{Perm: fi.Mode().Perm() | 0o600})
	return err
}

// build has Apptainer or Singularity make an image from a registry.
func build(ctx context.Context, name, file string, env dataset.Env) error {
	program, err := first("apptainer", "singularity")
	if err != nil {
		return err
	}
	return call(ctx, env, program, "build", file, "docker://"+name)
}

// pull has Docker or Podman fetch an image, and keeps it as an archive.
func pull(ctx context.Context, name, file string, env dataset.Env) error {
	program, err := first("docker", "podman")
	if err != nil {
		return err
	}
	if err := call(ctx, env, program, "pull", name); err != nil {
		return err
	}
	return call(ctx, env, program, "save", "-o", file, name)
}

// pack makes one file of a folder: SquashFS, which ch-run and Apptainer start
// from without unpacking it. The same folder gives the same bytes.
func pack(ctx context.Context, folder, file string, env dataset.Env) error {
	program, err := first("mksquashfs")
	if err != nil {
		return errs.WithHint(err, "install squashfs-tools, or give an image that is a file")
	}
	return call(ctx, env, program, folder, file, "-noappend", "-quiet", "-no-progress", "-all-root", "-mkfs-time", "0")
}

func first(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errs.WithHint(fmt.Errorf("%s is not installed", strings.Join(names, " or ")), "install it, or give the image as a file")
}

func call(ctx context.Context, env dataset.Env, program string, args ...string) error {
	_, err := proc.Run(ctx, proc.Cmd{Name: program, Args: args, Dir: env.Cwd, Env: env.Vars})
	return err
}

// headerWait bounds how long a server may take to answer.
const headerWait = time.Minute

// download fetches a URL.
func download(ctx context.Context, url, file string) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = headerWait
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", resp.Status)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, resp.Body)
	if err == nil && resp.ContentLength >= 0 && n != resp.ContentLength {
		err = fmt.Errorf("the server sent %d of %d bytes", n, resp.ContentLength)
	}
	return errors.Join(err, f.Sync(), f.Close())
}
