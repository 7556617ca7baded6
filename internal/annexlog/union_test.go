package annexlog

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stemma-data/stemma/internal/annexkey"
)

func TestUnion(t *testing.T) {
	const a, b, c = "11111111-1", "22222222-2", "33333333-3"
	ours := "1000s 1 " + a + "\n1500.5s 0 " + b + "\n"
	theirs := "2000s 0 " + a + "\n1001s 1 " + b + "\n"
	merged := "1000s 1 " + a + "\n1001s 1 " + b + "\n1500.5s 0 " + b + "\n2000s 0 " + a + "\n"
	if got := string(Union([]byte(ours), []byte(theirs))); got != merged {
		t.Errorf("%s", got)
	}
	out, _ := ParsePresence([]byte(merged)).Set(c, StatusPresent, clock(t, "3000"))
	if want := "2000s 0 " + a + "\n1500.5s 0 " + b + "\n3000s 1 " + c + "\n"; string(out) != want {
		t.Errorf("%s", out)
	}
	if n, _ := ParseCopies(Union([]byte("1600s 3\n"), []byte("1700s 4\n"))); n != 4 {
		t.Error(n)
	}
}

// unionCases has files on two sides and what git-annex merged them to.
func unionCases() map[string][3]string {
	return map[string][3]string{
		"ours has all, unsorted":   {"2s 1 B\n1s 1 A\n", "1s 1 A\n", "2s 1 B\n1s 1 A\n"},
		"theirs has all, unsorted": {"1s 1 A\n", "2s 1 B\n1s 1 A\n2s 1 B\n", "2s 1 B\n1s 1 A\n2s 1 B\n"},
		"both have all":            {"2s 1 B\n1s 1 A\n2s 1 B\n", "2s 1 B\n1s 1 A\n", "2s 1 B\n1s 1 A\n2s 1 B\n"},
		"CR":                       {"c\na\n", "b\r\na\r\n", "a\na\r\nb\r\nc\n"},
		"blank lines":              {"c\n\n\na\n", "b\n\na", "\na\nb\nc\n"},
		"no newline":               {"a\n", "b\na", "b\na"},
		"empty":                    {"b\na\n", "", "b\na\n"},
		"binary":                   {"ä\n", "a\x00b\n\xff\n", "a\x00b\nä\n\xff\n"},
	}
}

func TestUnionAsGitAnnex(t *testing.T) {
	for name, c := range unionCases() {
		if got := string(Union([]byte(c[0]), []byte(c[1]))); got != c[2] {
			t.Errorf("%s: %q, want %q", name, got, c[2])
		}
	}
	if Union() != nil || len(Union(nil, nil)) != 0 {
		t.Error("nothing is not nothing")
	}
}

func TestUnionLaws(t *testing.T) {
	file := rapid.Map(rapid.SliceOf(rapid.StringMatching(`[a-c]{0,2}\n`)), func(l []string) []byte { return []byte(strings.Join(l, "")) })
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := file.Draw(t, "a"), file.Draw(t, "b"), file.Draw(t, "c")
		all := Union(a, b, c)
		for _, other := range [][]byte{Union(Union(a, b), c), Union(c, b, a), Union(all, b), Union(b, all)} {
			if !slices.Equal(lineSet(other), lineSet(all)) {
				t.Fatalf("%q and %q", all, other)
			}
		}
	})
}

func FuzzUnion(f *testing.F) {
	for _, c := range unionCases() {
		f.Add([]byte(c[0]), []byte(c[1]))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		u := Union(a, b)
		if string(Union(u, a, b)) != string(u) {
			t.Fatalf("%q %q: %q is not final", a, b, u)
		}
	})
}

func TestJournalNames(t *testing.T) {
	for p, name := range map[string]string{
		"uuid.log":                                   "uuid.log",
		"bec/49b/MD5E-s7--46b5.txt.log":              "bec_49b_MD5E-s7--46b5.txt.log",
		"d6d/cde/SHA3_256E-s2--ab.b.log":             "d6d_cde_SHA3__256E-s2--ab.b.log",
		"035/c51/URL--http&c%%e.com%a_b.log":         "035_c51_URL--http&c%%e.com%a__b.log",
		"035/c51/URL--http&c%%e.com%a__b_c.log.web_": "035_c51_URL--http&c%%e.com%a____b__c.log.web__",
	} {
		if got := JournalName(p); got != name {
			t.Errorf("%q: %q, want %q", p, got, name)
		}
		if got := FromJournalName(name); got != p {
			t.Errorf("%q: back %q", p, got)
		}
	}
}

func TestKeyPaths(t *testing.T) {
	k, err := annexkey.Parse("URL--http://e.com/a_b")
	if err != nil {
		t.Fatal(err)
	}
	if got := LocationPath(k); got != "035/c51/URL--http&c%%e.com%a_b.log" {
		t.Error(got)
	}
	for _, key := range []string{"URL--http://e.com/a_b", "XFOO--a.log", "XFOO--a.log.web", "SHA256--"} {
		for _, s := range suffixes() {
			k, _ := annexkey.Parse(key)
			p := KeyPath(k, s)
			for _, p := range []string{p, p[:4] + p[8:]} {
				if back, suffix, ok := ParseKeyPath(p); !ok || back != k || suffix != s {
					t.Errorf("%s: %v %q %v", p, back, suffix, ok)
				}
			}
		}
	}
	for _, p := range []string{"", "uuid.log", "remote/web/035/c51/URL--x.log", "035/c52/URL--http&c%%e.com%a_b.log", "XFOO--a.log", "018/9f8/FOO--x", "018/9f8/FOO-s01--x.log"} {
		if k, _, ok := ParseKeyPath(p); ok {
			t.Errorf("%q: %v", p, k)
		}
	}
}

// configRewrites has values of remote.log and what git-annex rewrote them to.
func configRewrites() map[string]string {
	return map[string]string{
		"name=x a=b&32;c d=&9;&x; e=&32;&38;&; f=&38 g=&&32; h=&8192;&233;é&133;&00032; type=foo": "a=b&32;c d=&9;&38;x; e=&32;&38;&38;; f=&38;38 g=&38;&32; h=&8192;éé\u0085&32; name=x type=foo",
		"b= a=1 =z B=1 ä=1":                        "=z B=1 a=1 b= ä=1",
		"a=b&32;c a=d noeq  \t ü=\u00a0x type=foo": "a=d noeq= type=foo x= ü=",
		"mydir=a&32;b&38;c=d&32;é":                 "mydir=a&32;b&38;c=d&32;é",
		"":                                         "",
	}
}

func TestRemoteConfig(t *testing.T) {
	for in, want := range configRewrites() {
		if got := EncodeConfig(DecodeConfig(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := DecodeConfig("mydir=a&32;b&38;c=d&32;é")["mydir"]; got != "a b&c=d é" {
		t.Errorf("%q", got)
	}
	for _, odd := range []string{"&1114112;", "&55555;", "&-1;", "&+1;", "&99999999999999999999;", "&;", "&", "\xff&32", "& "} {
		config := map[string]string{"k": odd, "n": "a\nb\r\x0b\u2003c\xffd"}
		if got := DecodeConfig(EncodeConfig(config)); !maps.Equal(got, config) {
			t.Errorf("%q: %q", odd, got)
		}
	}
	if got := DecodeConfig("k=&1114112;&55555;")["k"]; got != "&1114112;&55555;" {
		t.Errorf("%q", got)
	}
}

func FuzzRemoteConfig(f *testing.F) {
	for in := range configRewrites() {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		config := DecodeConfig(s)
		if got := DecodeConfig(EncodeConfig(config)); !maps.Equal(got, config) {
			t.Fatalf("%q: %q became %q", s, config, got)
		}
		if got := DecodeConfig(EncodeConfig(map[string]string{"k": s}))["k"]; got != s {
			t.Fatalf("%q became %q", s, got)
		}
		if CheckValue(EncodeConfig(config)) != nil {
			t.Fatalf("%q: more than one line", s)
		}
		if FromJournalName(JournalName(s)) != s && !strings.Contains(s, "/_") && !strings.Contains(s, "//") {
			t.Fatalf("%q: journal name", s)
		}
		ParseKeyPath(s)
	})
}

func TestGroupsAndTransitions(t *testing.T) {
	if got := FormatGroups(ParseGroups("b a  b c")); got != "a b c" {
		t.Errorf("%q", got)
	}
	if got := ParseGroups(""); len(got) != 0 {
		t.Errorf("%q", got)
	}
	got := ParseTransitions([]byte("ForgetGitHistory 5.5s\nNew\n"))
	if len(got) != 2 || got[0].Field != "ForgetGitHistory" || got[0].Clock != clock(t, "5.5") || got[1].Field != "New" {
		t.Error(got)
	}
}
