package container

import "strings"

// Executors are the programs whose call format is known by their name; for
// --call-fmt. The dataset is at /mnt/0 (ch-run) or /mnt (podman, docker), where
// the command starts in the folder that it was started from.
var executors = map[string]string{
	"apptainer":   `apptainer exec -B "{{dspath}}" --pwd "{{pwd}}" IMG {cmd}`,
	"singularity": `singularity exec -B "{{dspath}}" --pwd "{{pwd}}" IMG {cmd}`,
	"podman":      `podman run --rm -v "{{dspath}}":/mnt -w /mnt/{subdir} IMG {cmd}`,
	"docker":      `docker run --rm -v "{{dspath}}":/mnt -w /mnt/{subdir} "$(docker load -q -i {img} | sed 's/.*: //')" {cmd}`,
	"ch-run":      `USER="$(id -un)" ch-run --bind="{{dspath}}":/mnt/0 --cd=/mnt/0/{subdir} {img} -- {cmd}`,
}

// ExecutorNames lists them.
func ExecutorNames() []string {
	return []string{"apptainer", "singularity", "podman", "docker", "ch-run"}
}

// CallFormat is the format that a word for --call-fmt means, for an image from
// the source (a URL or path, "" for unknown). What is no executor's name is a
// format itself.
func CallFormat(word, source string) string {
	format, ok := executors[word]
	if !ok {
		return word
	}
	image := "{img}"
	if word == "podman" {
		image = "docker-archive:{img}" // what a file is, as `docker save` writes it
	}
	for _, kind := range []string{"docker-archive:", "oci-archive:"} {
		if strings.HasPrefix(source, kind) && word != "ch-run" && word != "docker" {
			image = kind + "{img}"
		}
	}
	return strings.Replace(format, "IMG", image, 1)
}

// guess is the call format of an image by its source alone, as
// datalad-container guesses; "" for none.
func guess(source string) string {
	switch {
	case strings.HasPrefix(source, "shub://"), strings.HasPrefix(source, "docker://"):
		return "singularity exec {img} {cmd}"
	case strings.HasPrefix(source, "dhub://"):
		return executors["docker"]
	}
	return ""
}
