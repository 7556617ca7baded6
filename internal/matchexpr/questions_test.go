package matchexpr

import (
	"math/rand/v2"
	"strings"
)

// structure holds expressions about operators and parentheses.
var structure = []string{
	"", " ", "not", "and", "or", "and anything", "or anything", "or nothing", "anything and", "anything or", "not not nothing", "not and anything", "not and nothing",
	"anything and and anything", "anything or and nothing", "nothing or or anything", "nothing or or nothing", "nothing or not", "nothing not or", "not or nothing",
	")", "(", "()", "not ()", "() or nothing", "nothing or ()", "nothing and ()", "(nothing", "anything)", "nothing) or anything", "anything) nothing", "nothing ) anything",
	"(nothing) anything", "not (nothing", "not nothing nothing", "not anything or anything", "((nothing)", "not(anything)or(anything)", "not ) nothing", "nothing or ) nothing",
	"nothing (anything or anything)", "nothing or (anything nothing or nothing)", "anything and (nothing or anything or nothing)", "(not include=*.a)and(largerthan=1b)",
	"anything or anything and nothing", "anything nothing", "nothing and nothing or anything", "not nothing or nothing", "(include=*.txt", "anything(nothing)", "notanything",
	"(nothing (anything or anything))", "(nothing and (anything or anything))", "(nothing) (anything or anything)", "not anything (nothing or anything)", "(not anything (nothing or anything))",
	"((nothing) (nothing or anything))", "(nothing ((nothing or anything)))", "(nothing not (nothing or anything))", "(anything or not (nothing (nothing or anything)))", "(not (nothing (nothing or anything)))",
	"( nothing ( mimetype=text/* or and", "bogus", "NOTHING", "AND", "!", "anything=1", "nothing=", "include", "mimetype", "largerthan", "Include=*", "copies=1", "present", "standard", "securehash", "lackingcopies=1",
	"inbackend=MD5", "metadata=a=b", "largerthan=1 kb", "include=*.txt not largerthan=1", "anything\u00a0nothing", "anything\u2028nothing", "anything\u0085nothing", "include=x.txt\tnothing",
	"include=a[ nothing", "nothing include=a[", "anything or include=a[", "nothing or include=a[", "nothing unused", "mimetype=text/*", "mimetype=TEXT/*", "mimetype=text", "mimetype=*/plain", "mimetype=[]/*", `mimetype=[]\*`, `mimetype=text\plain`,
	"mimeencoding=us*", "mimeencoding=binary", "((mimeencoding=binary)and(largerthan=0))", "not mimeencoding=binary", "exclude=*.txt", "exclude=x", "exclude=*.txt or mimetype=text/*", "include=a=b",
}

var sizes = strings.Fields(`x 1e3 -5 1.5 .5kb 1.kb 100kB 97k 97K 0.1m 0.09M 97kibibyte 97kibibytes 97kilobytes 99999b 99999B 99999byte 99999bytes 799992bit 12t 1kb1 1,000 0x10
	+5 99999.9 99999.1 100000.9 100000.4 000 1Kib 1Kb 1Gb 1YB 99999999999999999999999 1e30 1QB 97kib 1kb. NaN Infinity -Infinity Infinityb 1ekb 1e 0o17 0x 1e400 1e5b 1e5kb --5
	100000.5 100000.51 100001.5 99999.5 99.9995kb 1_0 1é 5megabyte 5KILOBYTES 5kibi 5ki 5bs 5kbs 1z 1y 1yobibytes 1kbps 1w 97KiB 99.9kb 100kb 100001 100000 99999 1.5e2kb 1e-3gb 0x1g -0x10 - 0xfffff 1e+2kb 800kbit 799.99kbit 800.01kilobits 1mbits 0.8megabit 1kibit 1bit 1rib 1q 1ronnabytes 1zbit 1ybit 1rbit`)

// globs lists names and what to try on them.
var globs = []struct{ path, globs string }{
	{"it's", `it's it*s it?s it[']s`}, {"a<b", "a<b a?b"}, {"a`b", "a`b"}, {"a_b", "a_b a[_]b"}, {"é", "é ? ?? [é] [a-é] [[:alpha:]] [!a]"},
	{"a{b", "a{b a{* {a{b}"}, {"a+b.c$d^e|f&g~h@i#j%k,l:m;n\"o!p-q", "a+b.c$d^e|f&g~h@i#j%k,l:m;n\"o!p-q"},
	{"a]b", `a]b a[]]b a[]x]b a[x]]b a[!x]b a[^x]b`}, {`a\b`, `a\b a\\b a[\]b a[\\]b a[[:alpha:]]b a?b a[!\]b`}, {`a\\b`, `a\b a\\b a\\\b`},
	{"axb", `a[[:alpha:]]b a[x a[ a[x-a]b a[[:foo:]]b a[[:alpha:] a[\x]b a\xb a[w-z]b a[-x]b a[x-]b a[!]b a[]b a[[.x.]]b a[[=x=]]b a[[=wx=]]b a[^]x]b a[!]x]b a[!y]b a[!!x]b a[a-c-x]b a[[x]b a[--x]b a[x--]b`},
	{"a//b", `a/b a/* a?b a[/]b a[/][/]b`}, {"]/x", `[]/* []/ []./* []/x []\* []\`}, {`\[5`, `[]/* []/ []./* []\*`},
	{"a^b", `a[^]b a[x^]b a[!^]b`}, {"a[b", `a[[]b a\[b a[x[]b a[[b`}, {"a-b", `a[x-]b a[-x]b a[+--]b a[,--/]b a[--x]b a[a-c-]b a[!--x]b a[[:digit:]--x]b`},
	{"a/b", `a[!x]b a?b a*b a[/]b /a/b ./a/b a//b * b a a/* */b *b`}, {"a\nb", `a*b a?b a[!x]b a b *b * a* a' 'a b' *`}, {"a\xffb", `a?b a*b a??b a[!x]b`},
	{"ab", `a b a*b ** a**b A? ab* *ab ?? ??? a*?b a?*b`}, {".h", `* ?h .*`}, {"x", `[ [! [^ [] [!] [\ \ *\ [x [x\ [[:alpha:] [:alpha:] [[:ALPHA:]] [[:digit:][:alpha:]] [![:digit:]] [[:alpha:]x]x [[:word:]] [[:xdigit:]] x' 'x *'x x< <x x> >x`},
	{"a.b", `a>.b a.<b a<.b <a.b> a>?<b a_<b`}, {"sub/x.txt", "x.* *x.txt s*t */x.* sub/[xy].txt *.{txt,md} *.TXT sub/**/x.txt"}, {"", "* ?"},
}

// questions returns all that stand in the golden table.
func questions() (list []question) {
	for _, e := range structure {
		list = append(list, question{"x.txt", e})
	}
	for _, s := range sizes {
		list = append(list, question{"x.txt", "largerthan=" + s}, question{"x.txt", "smallerthan=" + s})
	}
	for _, g := range globs {
		for _, p := range strings.Fields(g.globs) {
			list = append(list, question{g.path, "include=" + p})
		}
	}
	return list
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// randomExpr strings tokens together without caring for sense.
func randomExpr(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(10) {
		b.WriteString(pick(r, "and", "and", "or", "or", "not", "(", ")", "(", ")", "anything", "nothing", "anything", "nothing",
			"include=*.txt", "exclude=x*", "largerthan=9", "smallerthan=9", "mimetype=text/*", "mimeencoding=binary", "include=["))
		b.WriteString(pick(r, " ", " ", "  ", "\t"))
	}
	return b.String()
}

// randomGlob makes a name and a glob that has a chance to match it.
func randomGlob(r *rand.Rand) question {
	var name, glob strings.Builder
	for range 1 + r.IntN(6) {
		name.WriteString(pick(r, "a", "b", "A", "-", ".", "/", "]", "[", "\\", "^", "!", "5", "é", "_"))
	}
	for range 1 + r.IntN(7) {
		glob.WriteString(pick(r, "a", "b", "*", "*", "?", "?", "[", "[!", "[^", "]", "]", "-", "\\", "[[:alpha:]]", "[a-b]", "[.-a]", "/", ".", "<", ">", "'", "`", "^", "[:", ":]", "é", "5", "=]", "[="))
	}
	return question{name.String(), "include=" + glob.String()}
}
