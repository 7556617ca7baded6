package annexkey

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const sha256Hello = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

func mustParse(t testing.TB, s string) Key {
	t.Helper()
	k, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParseRejects(t *testing.T) {
	long := "." + strings.Repeat("x", 64)
	for _, s := range []string{
		"", "-", "--", "--x", "SHA256-s-5--x", "SHA256-s--x", "SHA256-m5-s5--x",
		"SHA256-S2-s5--x", "SHA256-s5-xfoo--x", "SHA256-x", "SHA256-s5-x",
		"MD5E-s6--b1946ac92492d2347c6235b4d2611184" + long, "XE--a" + long, "E--a" + long,
		"VURLE-s5--a.b" + long, "GITBUNDLE-s1--a" + long,
		"URL-", "URL-s+5--a", "URL-C5-S5--a", "SHA256-s5-s5--x", "SHA256-s 5--x",
		"URL--a\nb", "URL\n--a", "URL--a\x00b", "URL-s99999999999999999999999--a",
		"URL-s9223372036854775808--a", "annex", "SHA256",
	} {
		k, err := Parse(s)
		if !errors.Is(err, ErrBadKey) || !k.IsZero() {
			t.Errorf("Parse(%q) = %v, %v; want ErrBadKey", s, k, err)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	for s, want := range map[string]Key{
		"SHA256--":        {"SHA256", -1, -1, -1, -1, ""},
		"SHA256-s5--x":    {"SHA256", 5, -1, -1, -1, "x"},
		"SHA256-s05--x":   {"SHA256", 5, -1, -1, -1, "x"},
		"SHA256-s5-S2--x": {"SHA256", 5, -1, 2, -1, "x"},
		"SHA256-s5-C2--x": {"SHA256", 5, -1, -1, 2, "x"},
		"WORM-s1-m1287765018--t/a,32b%c:d&e,,f.txt": {"WORM", 1, 1287765018, -1, -1, "t/a,32b%c:d&e,,f.txt"},
		"SHA256-s1-m2-S3-C4--x":                     {"SHA256", 1, 2, 3, 4, "x"},
		"URL--a--b-s5":                              {"URL", -1, -1, -1, -1, "a--b-s5"},
		"URL---a":                                   {"URL", -1, -1, -1, -1, "-a"},
		"U RL--a":                                   {"U RL", -1, -1, -1, -1, "a"},
		"WO/RM--x":                                  {"WO/RM", -1, -1, -1, -1, "x"},
		"foo-s5--x":                                 {"foo", 5, -1, -1, -1, "x"},
		"VURL-s5--http://x":                         {"VURL", 5, -1, -1, -1, "http://x"},
		"XFOO--x." + strings.Repeat("y", 99):        {"XFOO", -1, -1, -1, -1, "x." + strings.Repeat("y", 99)},
		"MD5E--x." + strings.Repeat("y", 63):        {"MD5E", -1, -1, -1, -1, "x." + strings.Repeat("y", 63)},
		"URL--\xff\xfe":                             {"URL", -1, -1, -1, -1, "\xff\xfe"},
		"GITMANIFEST--8fe362f0-41ee-45ec-87e5-950a6689820b.bak":         {"GITMANIFEST", -1, -1, -1, -1, "8fe362f0-41ee-45ec-87e5-950a6689820b.bak"},
		"URL-s9223372036854775807--a":                                   {"URL", 9223372036854775807, -1, -1, -1, "a"},
		"GPGHMACSHA1--dc1c4d0b7f1b8f4a0e0a0d9e3b5d8c4c1d0f3a2b":         {"GPGHMACSHA1", -1, -1, -1, -1, "dc1c4d0b7f1b8f4a0e0a0d9e3b5d8c4c1d0f3a2b"},
		"SHA256E-s2500-S1000-C1--f806" + strings.Repeat("0", 60) + ".b": {"SHA256E", 2500, -1, 1000, 1, "f806" + strings.Repeat("0", 60) + ".b"},
	} {
		if got := mustParse(t, s); got != want {
			t.Errorf("Parse(%q) = %#v", s, got)
		}
		if again := mustParse(t, want.String()); again != want {
			t.Errorf("String of %#v does not parse back: %q", want, want.String())
		}
	}
	if got := mustParse(t, "SHA256-s05-m007--x").String(); got != "SHA256-s5-m7--x" {
		t.Errorf("numbers are not normalized: %q", got)
	}
}

func TestHashDirectories(t *testing.T) {
	for _, v := range []struct{ key, lower, mixed string }{
		{"SHA256E-s0--e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "f87/4d5", "pX/ZJ"},
		{"MD5E-s6--b1946ac92492d2347c6235b4d2611184.txt", "e43/794", "F4/53"},
		{"MD5-s6--b1946ac92492d2347c6235b4d2611184", "098/0e5", "09/KX"},
		{"SHA1-s6--f572d396fae9206628714fb2ce00f72e94f2258f", "3ef/e2a", "XP/zm"},
		{"SHA1E-s6--f572d396fae9206628714fb2ce00f72e94f2258f.é", "a71/ca6", "g7/91"},
		{"SHA256E-s6--" + sha256Hello + ".tar.gz", "09d/b4b", "j9/gG"},
		{"SHA256E-s6--" + sha256Hello + ".txt", "d91/b11", "mK/4w"},
		{"SHA256-s31390--f50d7ac4c6b9031379986bc362fcefb65f1e52621ce1708d537e740fefc59cc0", "cd2/bb8", "mx/k2"},
		{"SHA256E-s1000000--" + sha256Hello + ".bin", "62d/c4d", "w2/pG"},
		{"SHA256E-s1000000-S100000-C3--" + sha256Hello + ".bin", "62d/c4d", "w2/pG"},
		{"WORM-s1-m1287765018--t/a,32b%c:d&e,,f.txt", "792/96b", "5K/Mg"},
		{"URL--http://example.com/foo%20bar?x=1&y=2:3", "bf1/2a8", "zF/z1"},
		{"URL-s1234--http&c%%example.com", "44b/ed3", "K4/fV"},
		{"XFOO-s3--abc", "076/027", "07/9Q"},
		{"XFOOE-s3--abc.txt", "cdf/8d5", "3x/ZF"},
		{"GITBUNDLE-s10--8fe362f0-41ee-45ec-87e5-950a6689820b-0", "3db/b2c", "jG/qq"},
		{"GITMANIFEST--8fe362f0-41ee-45ec-87e5-950a6689820b", "cd9/259", "qx/QK"},
		{"GPGHMACSHA1--dc1c4d0b7f1b8f4a0e0a0d9e3b5d8c4c1d0f3a2b", "113/aab", "8w/zp"},
		{"FOO--x", "018/9f8", "41/P8"},
		{"foo-s5--x", "6b6/448", "wq/g6"},
		{"SHA256--", "e2a/5a5", "J2/9M"},
		{"SHA256-s5--x", "b16/29c", "zw/76"},
		{"SHA256-s05--x", "b16/29c", "zw/76"},
		{"VURL-s5--http://x", "50b/bce", "xv/pq"},
	} {
		k := mustParse(t, v.key)
		if k.HashLower() != v.lower || k.HashMixed() != v.mixed {
			t.Errorf("%s: %s %s, want %s %s", v.key, k.HashLower(), k.HashMixed(), v.lower, v.mixed)
		}
	}
}

func TestObjectPaths(t *testing.T) {
	k := mustParse(t, "URL-s3--http://x/y")
	const f = "URL-s3--http&c%%x%y"
	if got, want := k.ObjectPath(), k.HashMixed()+"/"+f+"/"+f; got != want {
		t.Errorf("ObjectPath %q, want %q", got, want)
	}
	if got, want := k.ObjectPathLower(), k.HashLower()+"/"+f+"/"+f; got != want {
		t.Errorf("ObjectPathLower %q, want %q", got, want)
	}
	chunk := mustParse(t, "SHA256-s9-S4-C2--x")
	if got := chunk.NonChunk().String(); got != "SHA256-s9--x" {
		t.Errorf("NonChunk %q", got)
	}
}

func TestKeyfile(t *testing.T) {
	for key, file := range map[string]string{
		"URL--http://example.com/foo%20bar?x=1&y=2:3": "URL--http&c%%example.com%foo&s20bar?x=1&ay=2&c3",
		"WORM-s1-m1287765018--t/a,32b%c:d&e,,f.txt":   "WORM-s1-m1287765018--t%a,32b&sc&cd&ae,,f.txt",
		"URL-s1234--http&c%%example.com":              "URL-s1234--http&ac&s&sexample.com",
	} {
		k := mustParse(t, key)
		if k.File() != file {
			t.Errorf("File of %q is %q, want %q", key, k.File(), file)
		}
		if back, err := FromFile(file); err != nil || back != k {
			t.Errorf("FromFile(%q) = %v, %v", file, back, err)
		}
	}
}

// TestKeyfileOddities has what git-annex 10.20230126 lookupkey says of pointers
// with escapes that it never writes.
func TestKeyfileOddities(t *testing.T) {
	for file, key := range oddKeyfiles {
		k, err := FromFile(file)
		if err != nil || k.String() != key {
			t.Errorf("FromFile(%q) = %q, %v; want %q", file, k, err, key)
		}
	}
	if _, err := FromFile("URL--a/b"); !errors.Is(err, ErrBadKey) {
		t.Errorf("a slash in a file name: %v", err)
	}
}

var oddKeyfiles = map[string]string{
	"URL--a&x": "URL--ax", "URL--a&&a": "URL--a&", "URL--a&%b": "URL--a/b", "URL--a&": "URL--a",
	"URL--a&&": "URL--a", "URL--a&c&s&ab": "URL--a:%&b", "URL--a&&c": "URL--a:", "WO%RM--x": "WO/RM--x",
}

func TestSafe(t *testing.T) {
	for name, k := range map[string]Key{
		"zero":              {},
		"no backend":        New("", "x"),
		"dash in backend":   New("A-s5", "x"),
		"newline":           New("URL", "a\nb"),
		"NUL":               New("URL", "a\x00"),
		"long name":         New("URL", strings.Repeat("x", 251)),
		"long when escaped": New("URL", strings.Repeat("&", 126)),
		"long extension":    New("MD5E", "."+strings.Repeat("x", 64)),
	} {
		if k.Safe() == nil {
			t.Errorf("%s: %q passes", name, k)
		}
	}
	for _, k := range []Key{New("URL", strings.Repeat("x", 250)), New("..", "../../etc"), New("/", "/"), New("SHA256", "")} {
		if err := k.Safe(); err != nil {
			t.Error(err)
		}
		if strings.Contains(k.File(), "/") {
			t.Errorf("%q is a path", k.File())
		}
	}
}

func TestRoundTrips(t *testing.T) {
	field := rapid.Int64Min(-1)
	rapid.Check(t, func(t *rapid.T) {
		k := Key{
			rapid.StringMatching(`[A-Za-z0-9_./&%:]+`).Draw(t, "backend"),
			field.Draw(t, "size"), field.Draw(t, "mtime"), field.Draw(t, "chunk"), field.Draw(t, "num"),
			rapid.StringMatching(`[a-z%&:/ -]*`).Draw(t, "name"),
		}
		if p, err := Parse(k.String()); err != nil || p != k {
			t.Fatalf("Parse(%q) = %v, %v", k, p, err)
		}
		if p, err := FromFile(k.File()); err != nil || p != k {
			t.Fatalf("FromFile(%q) = %v, %v", k.File(), p, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"SHA256E-s6--" + sha256Hello + ".txt", "WORM-s1-m2-S3-C4--a/b&%:", "X--", "URL-s05--\xff", "A-s--x", "URL--a&&c%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if k, err := FromFile(s); err == nil {
			checkKey(t, k)
		}
		k, err := Parse(s)
		if err != nil {
			return
		}
		checkKey(t, k)
		if p, err := Parse(k.String()); err != nil || p != k {
			t.Fatalf("%q: not stable: %v, %v", s, p, err)
		}
		if p, err := FromFile(k.File()); err != nil || p != k {
			t.Fatalf("%q: file form is not reversible: %v, %v", s, p, err)
		}
	})
}

func checkKey(t *testing.T, k Key) {
	file := k.File()
	if strings.ContainsAny(file, "/\x00\n") || file == "" || file == "." || file == ".." {
		t.Fatalf("%q is no file name", file)
	}
	if (k.Safe() == nil) != (len(file) <= MaxFileName) {
		t.Fatalf("%q: Safe is %v", file, k.Safe())
	}
	k.Verify(nil)
	k.HashMixed()
}
