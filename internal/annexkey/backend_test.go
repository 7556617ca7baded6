package annexkey

import (
	"errors"
	"strings"
	"testing"
)

// helloDigests has the digests of "hello\n" that git-annex makes.
var helloDigests = map[string]string{
	"MD5":        "b1946ac92492d2347c6235b4d2611184",
	"SHA1":       "f572d396fae9206628714fb2ce00f72e94f2258f",
	"SHA256":     sha256Hello,
	"SHA224":     "2d6d67d91d0badcdd06cbbba1fe11538a68a37ec9c2e26457ceff12b",
	"SHA384":     "1d0f284efe3edea4b9ca3bd514fa134b17eae361ccc7a1eefeff801b9bd6604e01f21f6bf249ef030599f0c218f2ba8c",
	"SHA512":     "e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629",
	"SHA3_256":   "b314e28493eae9dab57ac4f0c6d887bddbbeb810e900d818395ace558e96516d",
	"SHA3_224":   "5093b1ea1fed43f347b4bf8f8e61334e751516506e390b0fa67758d3",
	"BLAKE2B256": "93becc6e9882211c3ec3708c95bcd69baab7bb59c7f4bc84ce637b88a534b783",
	"BLAKE2B512": "f60ce482e5cc1229f39d71313171a8d9f4ca3a87d066bf4b205effb528192a75f14f3271e2c1a90e1de53f275b4d4793eef2f5e31ea90d2ce29d2e481c36435f",
	"BLAKE2B160": "d2f799bb9610968a2efa8f7682d5f2f1d45163d7",
	"BLAKE2S256": "3969b3926654065966b6f8d9a65789b0f76d56e1e2ab67dd94faa770959187ca",
}

func TestBackendKeys(t *testing.T) {
	for name, digest := range helloDigests {
		for suffix, ext := range map[string]string{"": "", "E": ".tar.gz"} {
			b, err := LookupBackend(name + suffix)
			if err != nil {
				t.Fatal(err)
			}
			h := b.New()
			h.Write([]byte("hello\n"))
			sum := h.Sum(nil)
			k := b.Key("x.tar.gz", 6, sum, DefaultExtRule())
			if want := name + suffix + "-s6--" + digest + ext; k.String() != want {
				t.Errorf("%s: key %s, want %s", b.Name(), k, want)
			}
			if k.Ext() != ext || b.HasExt() != (suffix == "E") {
				t.Errorf("%s: extension %q", k, k.Ext())
			}
			if !k.Verify(sum) || k.Verify(sum[1:]) || k.Verify(nil) {
				t.Errorf("%s: wrong verdict", k)
			}
		}
	}
}

func TestBackendProperties(t *testing.T) {
	insecure := map[string]bool{"MD5": true, "SHA1": true, "WORM": true, "URL": true}
	for _, name := range BackendNames() {
		b, err := LookupBackend(name)
		if err != nil {
			t.Fatal(err)
		}
		if b.Name() != name || b.Secure() == insecure[strings.TrimSuffix(name, "E")] {
			t.Errorf("%s: Name %s Secure %v", name, b.Name(), b.Secure())
		}
		if (b.New() == nil) != (name == "WORM" || name == "URL") {
			t.Errorf("%s: New is %v", name, b.New())
		}
	}
	for _, name := range []string{"", "E", "SHA256EE", "sha256", "WORME", "URLE", "VURL", "SKEIN256", "XFOO"} {
		if b, err := LookupBackend(name); !errors.Is(err, ErrUnknownBackend) || b.New() != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	worm, _ := LookupBackend("WORM")
	if k := worm.Key("x", 1, []byte{1}, DefaultExtRule()); !k.IsZero() {
		t.Errorf("WORM made %s of a digest", k)
	}
}

func TestVerifyOddities(t *testing.T) {
	sum := func(backend string) []byte {
		b, _ := LookupBackend(backend)
		h := b.New()
		h.Write([]byte("hello\n"))
		return h.Sum(nil)
	}
	for _, s := range []string{
		`SHA256-s6--\` + sha256Hello, // an old bug of git-annex
		"SHA256E-s6--" + sha256Hello + ".a.b",
		"SHA256E-s6--" + sha256Hello,
		"SHA256-s100-S6-C1--" + sha256Hello,
		"GITBUNDLE-s6--8fe362f0-41ee-45ec-87e5-950a6689820b-" + sha256Hello,
	} {
		if !mustParse(t, s).Verify(sum("SHA256")) {
			t.Errorf("%s: refused", s)
		}
	}
	for _, s := range []string{
		"WORM-s6--" + sha256Hello, "URL--x", "XFOO--" + sha256Hello, "SHA256--", "SHA256-s6--" + sha256Hello + ".txt",
		"SHA256-s6--" + strings.ToUpper(sha256Hello), "GITMANIFEST--" + sha256Hello,
	} {
		if mustParse(t, s).Verify(sum("SHA256")) {
			t.Errorf("%s: accepted", s)
		}
	}
	if _, ok := mustParse(t, "SHA256--").Hasher(); !ok || mustParse(t, "SHA256--").Verify(nil) {
		t.Error("the empty digest verifies something")
	}
}

func TestExtension(t *testing.T) {
	for name, want := range map[string]string{
		"a.txt": ".txt", "a.tar.gz": ".tar.gz", "a.nii.gz": ".nii.gz", "a.b.c.d": ".c.d", "a.1.2.3": ".2.3",
		"v1.2.tar.gz": ".tar.gz", "my.file.v2": ".file.v2", "a.jpeg": ".jpeg", "a.jpegx": "",
		"a.backup.gz": ".gz", "a.tar.longext.gz": ".gz", "a.longext.tar.gz": ".tar.gz", "a.123456.b": ".b",
		".hidden": "", ".hidden.txt": ".txt", "...txt": "", "a.": "", "a.b.": ".b", "a..b": ".b",
		"a.tar..gz": ".gz", "a.TXT": ".TXT", "a.t-t": "", "a.t_t": "", "a.a+b": "", "a.gz~": "", "a.%41": "",
		"a.gz.t-t": ".gz", "x.abc .d": ".d", "a.é": ".é", "a.日": ".日", "a.日本": "",
		"": "", ".": "", "...": "", "a": "", "a.\xff": ".\xff", "a.\n": "", "a.b\x00": "",
	} {
		if got := Extension(name, DefaultExtRule()); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestExtensionRules(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name     string
		len, cnt int
		want     string
	}{
		{"a.jpegx", 10, 2, ".jpegx"}, {"a.backup.gz", 10, 2, ".backup.gz"}, {"a.123456.b", 10, 2, ".123456.b"},
		{"x.abcdefghijk", 10, 2, ""}, {"a.txt", 2, 2, ""}, {"a.tar.gz", 2, 2, ".gz"},
		{"a.b.c.d", 4, 3, ".b.c.d"}, {"a.b.c.d", 4, 1, ".d"}, {"a.b", 4, 0, ""}, {"a.b", 0, 2, ""}, {"a.b", -1, -1, ""},
		// No rule may make a key that Parse would refuse.
		{"a." + x(63), 100, 2, "." + x(63)}, {"a." + x(64), 100, 2, ""}, {"a." + x(40) + "." + x(40), 100, 2, "." + x(40)},
	} {
		if got := Extension(c.name, ExtRule{c.len, c.cnt}); got != c.want {
			t.Errorf("%q with %d,%d: %q, want %q", c.name, c.len, c.cnt, got, c.want)
		}
	}
}

func FuzzExtension(f *testing.F) {
	for _, s := range []string{"a.tar.gz", "...x..y", "a.\xff\xfe", "x.abc .d"} {
		f.Add(s, 4, 2)
	}
	f.Fuzz(func(t *testing.T, base string, l, n int) {
		b, _ := LookupBackend("MD5E")
		k := b.Key(base, 1, make([]byte, 16), ExtRule{l, n})
		if err := k.Safe(); err != nil {
			t.Fatal(err)
		}
		if !k.Verify(make([]byte, 16)) {
			t.Fatalf("%s: the extension hides the digest", k)
		}
	})
}

func TestNames(t *testing.T) {
	n := func(c int) string { return strings.Repeat("n", c) }
	for _, c := range []struct {
		got  Key
		want string
	}{
		{WORM("t/a b%c:d&e,f.txt", 1, 1287765018), "WORM-s1-m1287765018--t/a,32b%c:d,38e,,f.txt"},
		{WORM("sp ü.txt", 2, 1600000000), "WORM-s2-m1600000000--sp,32,252.txt"},
		{WORM("t/"+n(80)+".txt", 6, 1287765018), "WORM-s6-m1287765018--t/nnnnnnnnnnnnnnnnnnnnnnnnnnnnn-4e62bce3ea2c4b70a2207bbf805cddf1"},
		{WORM(n(64), 2, 7), "WORM-s2-m7--" + n(64)},
		{WORM(n(65), 2, 7), "WORM-s2-m7--" + n(31) + "-199a60a2e49e9f234625e9b46f31a6ee"},
		{WORM(strings.Repeat("ü", 40), 2, 7), "WORM-s2-m7--,252,252,252,252,252,252,252,25-9f1b7b4070d869b5b775773619ce7bea"},
		{WORM("b\xff\xed\xa0\x80\xf4\x90\x80\x80.x", 1, 5), "WORM-s1-m5--b,56575,56557,56480,56448,56564,56464,56448,56448.x"},
		{WORM("\ufffd", 1, 5), "WORM-s1-m5--,65533"},
		{WORM("neg", 0, -315619200), "WORM-s0--neg"},
		{URL("http://127.0.0.1:8799/w.txt", 8), "URL-s8--http://127.0.0.1:8799/w.txt"},
		{URL("http://127.0.0.1:8799/w.txt", -1), "URL--http://127.0.0.1:8799/w.txt"},
	} {
		if c.got.String() != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}
