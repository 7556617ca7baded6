package ssh

import "testing"

func TestAddresses(t *testing.T) {
	for u, want := range map[string]Address{
		"ssh://host/a/b":            {"host", "", "/a/b"},
		"ssh://u@host:22/~/a%20b":   {"u@host", "22", "/~/a b"},
		"git+ssh://[::1]:2222/x":    {"::1", "2222", "/x"},
		"host:a/b":                  {"host", "", "a/b"},
		"u@host:/a":                 {"u@host", "", "/a"},
		"[::1]:~/a":                 {"::1", "", "~/a"},
		"u@[fe80::1]:a":             {"u@fe80::1", "", "a"},
		"ssh+git://host/p":          {"host", "", "/p"},
		"user@host.example.org:a:b": {"user@host.example.org", "", "a:b"},
	} {
		if a, ok, err := ParseAddress(u); !ok || err != nil || a != want {
			t.Errorf("%s: %+v %v %v", u, a, ok, err)
		}
	}
	for _, u := range []string{"/a/b", "a/b:c", "https://host/x", "./x:y", "x"} {
		if _, ok, err := ParseAddress(u); ok || err != nil {
			t.Errorf("%s is taken for ssh: %v", u, err)
		}
	}
	for _, u := range []string{"-oProxyCommand=x:y", "ssh://-oProxyCommand=x/y", "host:", "host:-x", "ssh://host", "host:a\nb", "ssh://u@-h/x\x00"} {
		if a, _, err := ParseAddress(u); err == nil {
			t.Errorf("%q is accepted: %+v", u, a)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("ssh://u@host:22/~/a")
	f.Add("u@[::1]:p")
	f.Fuzz(func(t *testing.T, u string) {
		a, ok, err := ParseAddress(u)
		if ok && err == nil && (a.Host == "" || a.Host[0] == '-' || a.Path == "" || a.Path[0] == '-') {
			t.Fatalf("%q: %+v", u, a)
		}
	})
}
