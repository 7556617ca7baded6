// Package containers runs commands and jobs in containers of the real Podman
// and Docker, with an image that it builds from busybox. It knows the program
// from outside only. Charliecloud is in the script tests of internal/cli.
package containers

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// program is the binary under test; TestMain builds it.
var program string

func TestMain(m *testing.M) { os.Exit(rig.RunTests(m, &program)) }

// engineNeeds skips where the machine cannot run containers of an engine.
func engineNeeds(t *testing.T, programs ...string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a private engine is started as root only")
	}
	rig.Need(t, append(programs, "busybox")...)
}

// TestPodman: its settings are those that a container inside a container needs.
func TestPodman(t *testing.T) {
	engineNeeds(t, "podman", "runc")
	w := rig.NewWorld(t, program)
	conf := filepath.Join(w.Root, "containers.conf")
	store := filepath.Join(w.Root, "storage.conf")
	write(t, conf, "[containers]\nnetns = \"none\"\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n"+
		"[engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\n")
	write(t, store, fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(w.Root, "store"), filepath.Join(w.Root, "running")))
	w.Env = append(w.Env, "CONTAINERS_CONF="+conf, "CONTAINERS_STORAGE_CONF="+store)
	works(t, w, "podman")
}

// TestDocker starts an engine of its own.
func TestDocker(t *testing.T) {
	engineNeeds(t, "docker", "dockerd")
	w := rig.NewWorld(t, program)
	w.Env = append(w.Env, "DOCKER_HOST="+startDocker(t))
	works(t, w, "docker")
}

// startDocker returns the address of an engine that ends with the test.
func startDocker(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "stemma-docker-") // short: it holds sockets
	if err != nil {
		t.Fatal(err)
	}
	address := "unix://" + filepath.Join(dir, "sock")
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	daemon := exec.Command("dockerd", "--iptables=false", "--ip6tables=false", "--bridge=none", "--default-ulimit", "nofile=1024:1024",
		"--storage-driver=vfs", "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--host", address)
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Process.Signal(os.Interrupt)
		_ = daemon.Wait()
		log.Close()
		_ = exec.Command("umount", filepath.Join(dir, "data")).Run()
		os.RemoveAll(dir)
	})
	for range 120 {
		if exec.Command("docker", "--host", address, "info").Run() == nil {
			return address
		}
		time.Sleep(250 * time.Millisecond)
	}
	text, _ := os.ReadFile(filepath.Join(dir, "log"))
	t.Fatalf("dockerd does not answer:\n%s", text)
	return ""
}

// works adds an image, runs a command and a job in it, and repeats the command
// in a clone to which the image must come first.
func works(t *testing.T, w *rig.World, engine string) {
	r := w.Dataset(t, "data of "+engine)
	image := filepath.Join(w.Root, "tools.tar")
	buildImage(t, image)
	r.Run(r.Bin, "containers-add", "--url", image, "--call-fmt", engine, "tools")

	r.Write("in/a b.txt", "from outside\n")
	r.Save("-m", "input")
	at := filepath.Join(r.Dir, "in")
	cmd := r.Stemma("containers-run", "-n", "tools", "-m", "inside", "-i", "a b.txt", "-o", "out.txt",
		`sh -c 'cat /made-by-the-test "a b.txt" > out.txt'`)
	cmd.Dir = at
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("containers-run: %v\n%s", err, out)
	}
	if text := r.Run("cat", "in/out.txt"); text != "busybox\nfrom outside\n" {
		t.Errorf("%q", text)
	}
	record := r.Git("log", "-1", "--format=%B")
	for _, want := range []string{engine + " run --rm", `"key": "MD5E-s`, `"name": "tools"`, `.datalad/environments/tools/image"`} {
		if !strings.Contains(record, want) {
			t.Errorf("the record has no %s:\n%s", want, record)
		}
	}

	r.Run(r.Bin, "schedule", "-n", "tools", "-i", "in/out.txt", "-o", "job.txt", "-m", "job", "sbatch", "--wrap", "sh -c 'cat in/out.txt > job.txt'")
	r.Run(r.Bin, "finish", "--watch")
	if text := r.Run("cat", "job.txt"); text != "busybox\nfrom outside\n" {
		t.Errorf("job: %q", text)
	}
	r.Check()

	copied := &rig.Repo{World: w, T: t, Dir: filepath.Join(w.Root, "copy of "+engine)}
	r.Run(r.Bin, "clone", r.Dir, copied.Dir)
	if out := copied.Run(r.Bin, "rerun", "HEAD~1"); !strings.Contains(out, "get(ok): .datalad/environments/tools/image") {
		t.Errorf("the image did not come:\n%s", out)
	}
	if copied.Git("rev-parse", "HEAD") != r.Git("rev-parse", "HEAD") {
		t.Error("the repeated command gave another result")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// buildImage writes an image of one layer, with busybox in it, as `docker save`
// does.
func buildImage(t *testing.T, path string) {
	t.Helper()
	box, err := exec.LookPath("busybox")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(box)
	if err != nil {
		t.Fatal(err)
	}
	layer := archive(t, entry{"bin/busybox", string(program)}, entry{"bin/sh", ""}, entry{"bin/cat", ""}, entry{"made-by-the-test", "busybox\n"})
	id := hexSum(layer)
	config := encode(t, map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "config": map[string]any{},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + id}},
	})
	manifest := encode(t, []map[string]any{{"Config": "config.json", "RepoTags": []string{"tools:test"}, "Layers": []string{id + "/layer.tar"}}})
	image := archive(t, entry{"config.json", config}, entry{id + "/layer.tar", layer}, entry{"manifest.json", manifest})
	write(t, path, image)
}

// entry is a file of an archive; one without content is a link to busybox.
type entry struct{ name, content string }

func archive(t *testing.T, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Size: int64(len(e.content)), Mode: 0o755, Typeflag: tar.TypeReg}
		if e.content == "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, "busybox"
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func hexSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func encode(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
