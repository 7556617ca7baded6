package git

import "testing"

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		"https://u:p@ss@h:80/x:y@z": "https://u:xxxxx@h:80/x:y@z", "https://u@h/x": "https://u@h/x", "u:p@h:x": "u:p@h:x",
		"https://h/x@y:z": "https://h/x@y:z", "ria+http://u:p@h": "ria+http://u:xxxxx@h", "": "",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
