"""Print the golden table for package iospec: what DataLad makes of each case.

@R@ stands for the directory that holds the tree.
usage: python3 gen.py > golden.json
"""
import fnmatch
import json
import os
import shutil
import tempfile

from datalad.core.local.run import _format_iospecs, format_command
from datalad.support.globbedpaths import GlobbedPaths

dirs = ["g1/d/e", "g1/s p", "g1/.hid/x", "g1/empty", "g1/sub/deep/er", "g1/[b]", "g1/ü", "g1/raw\udcff"]
files = ["d/a.dat", "d/b.dat", "d/e/c.dat", "s p/x y", "top", ".hid/x/f.dat", ".dot", "d/.h.dat", "sub/deep/er/z.txt", "sub/deep/y.txt", "[b]/q",
         "ü/ä.dat", "raw\udcff/a\udcfe.bin", "in1.txt", "in 2.txt", "a-b", "A", "B.dat", "\uffff.u", "\U0001f600.u", "é.u", "z.u", "\udcfd.u",
         "new\nline"]
links = [["d/broken.dat", "../nowhere"], ["dlink", "d"], ["flink", "top"]]
patterns = [
    "./top", "d/*", "d/**", "d/**/*.dat", "d/", "@R@/g1/top", "../g1/top", ".", "s p/*", "nope*", "[t]op", "top", "nope", "nope/", "*", "**", "**/", "**/*",
    "**/*.dat", ".*", "./*", "./d/", "./d/*", "d//a.dat", "d/./a.dat", "d/../top", "d/e/..", "../*", "..", "../", "d*", "d*/", "?op", "[!t]op", "[a-z]op",
    "[z-a]op", "[]x]", "[b]/q", "[[]b]/q", "d/[ab].dat", "d/[!a]*", "dlink/*", "dlink/**", "dlink", "flink", "flink/", "d/broken.dat", "d/broken*", ".hid/**",
    ".hid/*", "d/.*", "*/*/*", "s*/**/z.txt", "**/e/**", "**/**", "d**", "d/**.dat", "a**b", "sub/*/nope*", "sub/*/*/nope", "sub/*/nope/*.txt", "nope/*/x",
    "nope*/x", "*/nope", "d/*/nope/*", "@R@/g1/d/*", "@R@/g1", "@R@", "@R@/g1/d/", "@R@/other", "*.u", "raw*/*", "[\udcff]*", "raw?", "ü/*", "[ü]/?.dat", " . ", "",
    "/", "new*", "in*.txt", "*.DAT", "[A-Z]*", "a[-]b", "a[+--]b", "a[!-]b", "d/a.dat/", "d/a.dat/*", "**/nope", "./**", "./.", "~", "$HOME", "{a,b}",
    "[", "[]", "[!]", "d/[", "**/[!.]*/", "em*/*", "em*/", "*/*", "sub/**/", "./nope*", "../g1/d/*.dat", "../../*/g1/top*", "d/?.dat",
]
names = ["", "a", "-", "b", "]", "!", "^", "ab", "a-b", "[a]", "\\", "é", "\udcff", "a\nb", "[", "*", "abcabc"]
sets = ["*", "?", "[a-b]", "[!a-b]", "[]]", "[!]]", "[a-]", "[-a]", "[!-a]", "[--a]", "[!--a]", "[a--b]", "[b-a]", "[!b-a]", "[a-b-c]", "[^a]", "[\\a]", "[[]",
        "[a", "a*", "*a*", "*b?a*", "a?b", "[\\]", "[!]", "[]", "**a", "[é-ÿ]", "[a&&b]", "[a||b]", "[~~]", "[b-ac]", "[cb-a]", "[!cb-a]", "[]-a]", "*[*]", "[a-b-]"]

sub = {"name": "joe", "empty": "", "br": "{x}"}
lists = [([], []), (["d/a.dat", "d/b.dat"], ["s p/x y"]), (["in*.txt"], [".", "nope*"]), (["é.u"], ["new\nline"])]
commands = """
echo hi|{name} {inputs[1]} {outputs[0]} {inputs} {{x}} ${{HOME}}|cat {inputs} > new.dat|{inputs}|{outputs}|x {outputs}|{nokey}|{pwd} {dspath}|{tmpdir}
{inputs[9]}|{}|{0}|{|}|awk '{print}'|{inputs!r}|{inputs[0]!r:>20}|{inputs:>9}|{outputs[0]:.3}|{inputs[x]}|{inputs.x}|{br}|{empty!r}|{name:>{inputs}}|{inputs|a}}
sh -c 'cat {name}'|{name[0]}|{pwd!r}|"{name}"|{inputs[0]} {inputs[0]}|{extra_inputs}
""".strip().replace("\n", "|").split("|")
specs = [
    [], ["a", "b"], ["{name}.dat"], ["{inputs}"], ["{outputs}"], ["{inputs}", "x"], ["{inputs[0]}"], ["x{inputs}"], ["{foo}"], ["{"], ["}"], ["{}"], ["{pwd}"], ["{name}"],
    ["{{x}}"], ["{extra_inputs}"], ["{inputs[7]}"], ["{name:>5}"], [""],
]


class Config:
    def items(self, section):
        return [(section + "." + k, v) for k, v in sub.items()]


class Dataset:
    config = Config()


def outcome(f):
    try:
        return {"out": f()}
    except Exception as e:
        return {"error": type(e).__name__, "text": str(e)}


root = os.path.realpath(tempfile.mkdtemp())
mask = lambda x: json.loads(json.dumps(x).replace(root, "@R@"))
for d in dirs:
    os.makedirs(os.path.join(root, d))
for f in files:
    open(os.path.join(root, "g1", f), "w").close()
for name, target in links:
    os.symlink(target, os.path.join(root, "g1", name))
os.symlink("g1/d", os.path.join(root, "way"))


def globbed(pats, pwd):
    g = GlobbedPaths([p.replace("@R@", root) for p in pats], pwd=os.path.join(root, pwd))
    return mask(dict(patterns=pats, pwd=pwd, paths=g.paths, expand=g.expand(), strict=g.expand_strict(), misses=g.misses, partial=g.partial_hits))


def command(cmd, i, o):
    pwd = os.path.join(root, "g1")
    tmp = "/tmp/run-x" if "{tmpdir}" in cmd else ""
    f = lambda: format_command(Dataset(), cmd, pwd=pwd, dspath=pwd, tmpdir=tmp, inputs=GlobbedPaths(i, pwd=pwd), outputs=GlobbedPaths(o, pwd=pwd))
    return mask(dict(cmd=cmd, inputs=i, outputs=o, **outcome(f)))


def spec(s):
    kw = dict(sub, inputs=["i1", "i 2"], outputs=["o"])
    return dict(specs=s, **outcome(lambda: _format_iospecs(s, **kw) or []))


table = {
    "dirs": dirs, "files": files, "links": links,
    "globs": [globbed([p], "g1") for p in patterns] + [globbed([p], "g1/d") for p in ["*", "../top", "..", "../*", "@R@/g1/top", "./a.dat"]]
    + [globbed([p], "way") for p in ["*", "../top", "../d/a.dat", "../*.dat"]]
    + [globbed(["in1.txt", "in*.txt", "in1.txt"], "g1"), globbed(["nope", ".", "top", "nope", "sub/*/q", "sub/*/q", "."], "g1"), globbed([], "g1")],
    "fnmatch": [dict(pattern=p, names=[n for n in names if fnmatch.fnmatchcase(n, p)]) for p in sets],
    "names": names, "substitutions": sub,
    "commands": [command(c, i, o) for c in commands for i, o in lists],
    "specs": [spec(s) for s in specs],
}
shutil.rmtree(root)
print(json.dumps(table, indent=1))
