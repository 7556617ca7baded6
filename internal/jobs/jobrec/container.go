package jobrec

import "github.com/stemma-data/stemma/internal/runrec"

// Container is the container in which a job's command runs.
type Container struct {
	Name  string `json:"name"`
	Image string `json:"image"` // path in the dataset; it is one of the job's inputs
}

// fields is what the record holds of it: with the key, or the blob id, that the
// image had when the job was submitted, of the ids of all inputs.
func (c *Container) fields(ids map[string]string) map[string]any {
	m := map[string]any{"name": c.Name, "image": c.Image}
	if id := ids[c.Image]; id != "" {
		m["key"] = id
	}
	return m
}

// ContainerOf reads the container of a recorded job; nil where there is none.
func ContainerOf(rec *runrec.Record) *Container {
	own, _ := rec.Extra[RecordKey].(map[string]any)
	m, _ := own["container"].(map[string]any)
	name, _ := m["name"].(string)
	image, _ := m["image"].(string)
	if name == "" || image == "" {
		return nil
	}
	return &Container{name, image}
}
