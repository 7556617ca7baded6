"""Print the golden table for package pyfmt: what CPython makes of each case.

usage: python3 gen.py > golden.json
"""
import json
import random
import shlex

values = [
    None, True, False, 0, -1, 10**18, "", "a", [], {}, [[]], {"a": {}},
    ["a", 1, None, True], {"b": 1, "a": [1, {"c": "d"}], "A": None},
    "a\tb\\n\"q\"'s'\x00\x1f\x7f\x80\u00a0", "ünïcode “x” \u2028\ufeff\U0001f600\ue000",
    "it's", 'say "x"', "both ' and \"", "\udcff\udc80 raw", "\x08\x0c\r\n/", "\u0301\u200b\u3000",
    {"\udc80": 1, "é": 2, "\U0001f600": 3, "z": 4, "\uffff": 5},
    {"k": ["x", {"y": []}], "l": {}},
]
floats = ["0", "-0.0", "1", "1.5", "0.1", "1e15", "1e16", "123456789012345678", "1e-4",
          "1e-5", "1e22", "1e100", "5e-324", "1.7976931348623157e308", "3.14159", "nan", "inf", "-inf"]
words = ["", "a", "a b", "it's", "$HOME", "x@%+=:,./-_9", "ü", "\udcff", "a\nb", "*", "~", "'", "''", '"']
percents = [
    ["no", []], ["%s", ["x"]], ["%s", [["a", 1]]], ["%s", [None]], ["%d", [3]], ["%d", [True]], ["%d%%", [50]],
    ["%r and %r", ["a", "b"]], ["%5d|%-5d|%05d", [1, 2, -3]], ["%10s|%-10s|%.2s", ["a", "b", "cde"]],
    ["%s", []], ["%s", ["a", "b"]], ["%d", ["x"]], ["%y", ["x"]], ["%", []], ["100%", ["a"]], ["%i %u", [1, 2]],
    ["%+d % d", [1, 2]], ["%.2f", [{"float": "3.14159"}]], ["%f", [2]], ["%f", ["x"]], ["%a", ["ü"]], ["%s", [{"float": "1e20"}]],
    ["%5.1s|", ["xyz"]], ["%d", [{"float": "2.7"}]], ["%s %s", ["a"]], ["Merged %s", ["origin/master"]],
]
kwargs = {
    "name": "joe", "inputs": ["d/a.dat", "s p/x y"], "n": 5, "neg": -1234567, "none": None, "yes": True,
    "d": {"a": {"b": 1}, "0": "zero"}, "u": "ü\udcff“”", "w": 12, "empty": "",
}
templates = """
{name} {inputs[1]} {inputs} {{x}} ${{HOME}}
{name}|{nokey}|{|}|}}|{{|{name|name}|{name}}|{{name}|{name!r}|{name!s}|{name!a}|{u!a}|{u!r}|{name!x}|{name!}|{name!r|{name!rx}|{name!r:
{}|{0}|{0.a}|{[a]}|{0[a]}|{.a}|{name[0]}|{name[9]}|{name[a]}|{name[-1]}|{inputs[2]}|{inputs[x]}|{inputs[0]!r:>20}|{inputs[0]:>20}
{inputs[}|{inputs[]}|{inputs[0]x}|{inputs[0][0]}|{inputs.x}|{inputs.}|{inputs..}|{d[a][b]}|{d[a]}|{d[x]}|{d[0]}|{d}|{d[a][b][c]}|{n[0]}|{none[0]}
{name:10}|{name:<10}|{name:>10}|{name:^10}|{name:*^10}|{name:.2}|{name:10.2s}|{name:d}|{name:=10}|{name:+}|{name: }|{name:#}|{name:010}|{name:0>10}
{name:,}|{name:10xx}|{name:.}|{name:>{w}}|{name:>{n}{n}}|{name:>{nokey}}|{name:{w:{n}}}|{name:>{|{name:>{w}|{name:{{}}}|{name::>10}
{n:5}|{n:<5}|{n:05}|{n:+}|{n:x}|{n:#b}|{neg:,}|{neg:_}|{neg:010,}|{neg:=12}|{neg:+d}|{neg:.2f}|{n:%}|{n:e}|{n:g}|{n:.3}|{n:s}|{n:c5}|{neg:X}|{neg:#x}|{neg:,x}
{none}|{none:5}|{yes}|{yes:5}|{yes:d}|{inputs:5}|{d:x}|{inputs!r:>40}|{inputs!s:.3}|{u:>6}|{u:ü>6}|{u:.1}
{na{me}|{name }|{ name}|{a[b}c]}|{d[a}|{d[a|{name:}}|awk '{print}'|a{|}a|{{}|{}}|{{{name}}}|{{{{|{empty}|{empty!r}|{name!r:{w}}
{name:é^8}|{inputs[99999999999999999999]}|{d[a].b}|{name[0][0]}
""".replace("\n", "|").strip("|").split("|")


def outcome(f):
    try:
        return {"out": f()}
    except Exception as e:
        return {"error": type(e).__name__, "text": str(e)}


def arg(a):
    return float(a["float"]) if isinstance(a, dict) and "float" in a else a


rnd = random.Random(1)
alphabet = ["{", "}", "[", "]", "!", ":", ".", "name", "inputs", "n", "d", "a", "0", "r", ">", "7", "{", "}", "é"]
templates += ["".join(rnd.choice(alphabet) for _ in range(rnd.randint(1, 9))) for _ in range(500)]

print(json.dumps({
    "json": [{"value": v, "line": json.dumps(v, sort_keys=True),
              "indent1": json.dumps(v, sort_keys=True, indent=1, ensure_ascii=False),
              "indent2": json.dumps(v, sort_keys=True, indent=2),
              "compact": json.dumps(v, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
              "repr": repr(v) if not isinstance(v, dict) else "", "ascii": ascii(v) if not isinstance(v, dict) else ""}
             for v in values],
    "floats": [{"in": f, "repr": repr(float(f)), "json": json.dumps(float(f))} for f in floats],
    "quote": [{"in": w, "out": shlex.quote(w)} for w in words],
    "percent": [dict(format=f, args=a, **outcome(lambda: f % tuple(map(arg, a)))) for f, a in percents],
    "kwargs": kwargs,
    "format": [dict(template=t, **outcome(lambda: t.format(**kwargs))) for t in templates],
}, indent=1))
