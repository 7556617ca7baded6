package gitattr

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// random is a source of patterns, paths and lines.
type random struct{ *rand.Rand }

func newRandom(t *testing.T) random {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return random{rand.New(rand.NewPCG(seed, 1))}
}

func (r random) pick(from ...string) string { return from[r.IntN(len(from))] }

// join strings n picks together.
func (r random) join(n int, from ...string) string {
	var b strings.Builder
	for range n {
		b.WriteString(r.pick(from...))
	}
	return b.String()
}

func (r random) path() string {
	parts := make([]string, 1+r.IntN(4))
	for i := range parts {
		parts[i] = r.join(1+r.IntN(3), "a", "b", "a", "b", "A", "-", "x", "5", "[", "]", "^", "!", "*", "?", "\\", "é", ".", " ")
		if strings.Trim(parts[i], ".") == "" {
			parts[i] = "a"
		}
	}
	if r.IntN(8) == 0 {
		parts = append(parts, "")
	}
	return strings.Join(parts, "/")
}

// pattern is one that has a chance to match such a path.
func (r random) pattern() string {
	p := r.join(1+r.IntN(7), "a", "b", "a", "b", "A", "x", "*", "*", "?", "/", "/", "**", "**/", "/**", "[ab]", "[!a]", "[^b-x]", "[a-x]", "[[:alpha:]]", "[]a]", "[A-Z]",
		"[[:upper:]]", "[[:space:]5]", "[[:punct:]]", "[[:foo:]]", "[a-]", "[", "]", "-", "\\", "\\a", "\\A", "\\*", "\\/", "[\\]]", "[a\\-x]", "[[:alpha:]-x]", "[--b]", "[[:]", "[[:a]", "[!]]", "é", "5", "***", "!", ".")
	if p[0] == '!' || p[0] == '#' || p[0] == '"' || strings.HasPrefix(p, "[attr]") {
		return "a" + p
	}
	return p
}

func (r random) many(n int, one func() string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = one()
	}
	return out
}

// TestPatternsAgainstGit gives each of many random patterns an attribute of
// its own and compares all attributes of many random paths.
func TestPatternsAgainstGit(t *testing.T) {
	r := newRandom(t)
	for _, fold := range []bool{false, true} {
		g := newRepo(t)
		g.ignoreCase = fold
		var b strings.Builder
		for i, p := range r.many(400, r.pattern) {
			fmt.Fprintf(&b, "%s p%d=%s\n", p, i, p)
		}
		g.files[""] = b.String()
		if n := g.check(t, r.many(400, r.path)); n < 100 {
			t.Errorf("only %d values compared", n)
		}
	}
}

func (r random) states() string {
	return strings.Join(r.many(1+r.IntN(3), func() string {
		return r.pick("", "", "", "-", "!") + r.pick("u", "v", "w", "m", "n", "text", "diff", "binary") + r.pick("", "", "=1", "=2", "=")
	}), " ")
}

func (r random) line() string {
	if r.IntN(6) == 0 {
		return "[attr]" + r.pick("m", "n", "u", "binary") + " " + r.states()
	}
	return r.pick("*", "a", "b", "a*", "d/*", "/a", "d/", "*/a", "**/b", "\"a\"", "d/e/a", "e", "# x") + r.pick(" ", "\t", "  ") + r.states()
}

// TestLevelsAgainstGit compares random lines at all levels, with macros.
func TestLevelsAgainstGit(t *testing.T) {
	r := newRandom(t)
	text := func() string { return strings.Join(r.many(r.IntN(8), r.line), "\n") + "\n" }
	paths := []string{"a", "b", "d/a", "d/b", "d/e/a", "d/e/b", "d/", "d/e/", "e", "e/a", "d", "d/e", "x/y/z/a"}
	for range 12 {
		g := newRepo(t)
		g.global, g.info = text(), text()
		for _, dir := range []string{"", "d", "d/e", "e"} {
			g.files[dir] = text()
		}
		g.check(t, paths)
		g.check(t, paths, "u", "m", "text", "w")
	}
}

// odd are lines that git reads in its own way.
var odd = []string{
	"a u -u", "a -u=1", "a !u=1", "a =1", "a u==", "a u=1=2", "a -", "a !", "a --u", "a u@", "a u.v-w_x", "a", "  a u", "\ta\tu\r", " # a u", "#a u", "!a u", "\\!a u", "\\#a u", "[attr]a u", "[attr] a u",
	"[attr]", "[attr]-a u", "[attr]m\nm u", "\"a\" u", "\"a\"u", "\"a u", "\"a\\142\" u", "\"a\\x\" u", "\"a\\400\" u", "\"\\141\" u", "\"a\\tb\" u", "\"a\\000b\" u", "\"\" u", "\"[attr]m\" u\n\"a\" m", "\"[attr]m\" u\na m",
	"\"[attr]m x\" u\na m", "a/ u", "/ u", "// u", "/a u", "//a u", "a// u", "/a/ u", "*/ u", "d/* u", "d/** u", "/d** u", "d** u", "** u", "/** u", "**/a u", "d/**/a u", "d/**/e/a u", "\\a u", "\\ u", "d\\/a u", "a\\ u", "[ u",
	"d/[ab] u", "d[/]a u", "d?a u", "* !u\n* u", "* u\n* !u", "* m\n[attr]m u=1\n[attr]m u=2", "[attr]m n\n[attr]n m\n* m", "[attr]m -u\n* -m", "[attr]m -u\n* m=1", "[attr]m -u\n* m !u", "[attr]m -u\n* !u m", "[attr]binary u\n* binary", "* binary text",
	"* builtin_x", "* builtin_objectmode=1", "\ufeff* u", "* u=\xff", "* u\x00 v", "* u=" + strings.Repeat("x", 2042), "* u=" + strings.Repeat("x", 2043), "* u=" + strings.Repeat("x", 2044), "* u=" + strings.Repeat("x", 2045) + "\r",
	"* u=" + strings.Repeat("x", 2043) + "\r", "   # " + strings.Repeat("x", 3000), "* u\v", "* u=\v", "*\vu", "*\fu x", "* u\r\n* v\r\n", "* u\r* v", "* annex.largefiles=((mimeencoding=binary)and(largerthan=0))", "**/.git* annex.largefiles=nothing",
}

func TestOddLinesAgainstGit(t *testing.T) {
	g := newRepo(t)
	paths := []string{"a", "b", "ab", "d/a", "d/e/a", "d/", "a/", "!a", "#a", "a\tb", "dd/a", "[attr]", "[attr]a", "\\", ".gitattributes", "\"a", "d/.gitignore", "*", "\ufeffa"}
	for _, line := range odd {
		for _, dir := range []string{"", "d"} {
			g.files = map[string]string{"": "", "d": ""}
			g.files[dir] = line + "\n"
			g.check(t, paths)
			if t.Failed() {
				t.Fatalf("the line is %q in %q", line, dir)
			}
		}
	}
}
