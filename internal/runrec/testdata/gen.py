"""Print the golden table for package runrec: what DataLad makes of each case.

usage: python3 gen.py > golden.json
"""
import json
import lzma
import os
import random
import tempfile
from hashlib import md5

from datalad.core.local.run import _format_cmd_shorty, normalize_command
from datalad.local.rerun import get_run_info
from datalad.support.json_py import dump2stream

dsid = "1d71a073-72b8-4309-befa-078ab81c764a"


def rec(**kw):
    base = dict(chain=[], cmd="echo side > side.txt", dsid=dsid, exit=0, extra_inputs=[], inputs=[], outputs=[], pwd=".")
    base.update(kw)
    return {k: v for k, v in base.items() if v != "DROP"}


slurm = dict(alt_dir="", slurm_job_id=42, exit="DROP", cmd="sbatch arr.sh",
             outputs=["./arr_0.txt", "slurm-42_0.out"], slurm_outputs=["slurm-42_0.out", "slurm-job-42.env.json"])
records = [
    rec(), rec(cmd="cat {inputs} > new.dat", inputs=["in1.txt", "in*.txt"], outputs=["o*.txt", "new.dat"]),
    rec(cmd='echo "a\tb\\n" > uni; echo ü >> uni', exit=3), rec(dsid="DROP", exit="DROP", pwd="sub dir/ü"),
    rec(chain=["a" * 40, "b" * 40], extra_inputs=[".datalad/environments/c/image"]),
    rec(zeta=1, alpha={"b": [1, {}], "a": None}, exit=-9, cmd="line 1\nline 2 \U0001f600\x7f\x01"), rec(**slurm),
    rec(commit_id=None, **dict(slurm, alt_dir="/scratch/a b")),
]
template = "[DATALAD RUNCMD] {}\n\n=== Do not change lines below ===\n{}\n^^^ Do not change lines above ^^^\n"
inline = json.dumps(rec(), indent=1, sort_keys=True)
begin, end = "=== Do not change lines below ===\n", "\n^^^ Do not change lines above ^^^"
tag = "[DATALAD RUNCMD] "
messages = [
    template.format("t", inline), template.format("two\n\nparagraphs \n", inline), template.format("", inline),
    template.format("t", inline) + "\nSigned-off-by: x\n", template.format("t " + begin + "x" + end, inline),
    template.format("ü \u00a0\x1f", inline), "x" + template.format("t", inline), "[DATALAD RUNCMD]" + begin + inline + end,
    tag + begin + inline + end, tag + begin + end, tag + begin + "\n" + end, tag + begin + inline + end + "\n" + begin + '{"cmd": "z"}' + end,
    tag + "t", tag + "t\n\n" + begin + inline, "", "[DATALAD] x", template.format("t", "{"), template.format("t", "{}"),
    template.format("t", '{"inputs": []}'), template.format("t", '{"cmd": "x"}'), template.format("t", "[]"),
    template.format("t", '{"cmd": "x", "a": NaN}'), template.format("t", "{'cmd': 1}"), template.format("t", '{"cmd": "x"} y'),
    template.format("t", ' {"cmd": "x"}\n'), template.format("t", '\n\n{"cmd": "x",\n "cmd": "y"}'),
    template.format("[DATALAD RUNCMD] x", inline), (tag + "a" + begin[:-1] + "\r\n" + inline + end),
]
commands = ["x", "é" * 40, "é" * 41, "\U0001f600" * 45, "a\nb" * 20, "", "echo 0123456789012345678901234567890123456789 > w",
            "cat in1.txt 'in 2.txt' in1.txt > new.dat", "\udcff" * 41]
arguments = [
    ["a b"], ["--"], ["--", "a b"], ["--", "x"], ["a", "b c"], ["a", "--", "b"], ["--", "--", "b"], ["echo", "a b", "", "$HOME", "it's"],
    ["--", "sh", "-c", 'mkdir -p "res dir"; cat "$@" > "res dir/x"', "x", "lit*", "{inputs}", "{{}}"], ["echo", "{inputs}"], ["ü", "~"],
]


def parsed(message):
    try:
        title, info = get_run_info(None, message)
    except Exception as e:
        return dict(message=message, error=str(e))
    return dict(message=message, title=title, cmd=info and info["cmd"])


def packed(r):
    with tempfile.TemporaryDirectory() as d:
        name = os.path.join(d, "f")
        dump2stream([r], name, compressed=True)
        with open(name, "rb") as f:
            return f.read()


print(json.dumps({
    "records": [dict(text=t, id=md5(t.encode()).hexdigest(), message=template.format("t", t), packed=packed(r).hex(),
                     line=lzma.decompress(packed(r)).decode())
                for r in records for t in [json.dumps(r, indent=1, sort_keys=True, ensure_ascii=False)]],
    "messages": [parsed(m) for m in messages],
    "short": [dict(cmd=c, out=_format_cmd_shorty(c)) for c in commands],
    "normal": [dict(args=a, out=normalize_command(list(a))) for a in arguments],
}, indent=1))
