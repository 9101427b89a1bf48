#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fuzzing campaign did: from logs and coverage in its directory to campaign.json there, and from that the table
in doc/reliability.md. Called by tests/fuzz/campaign: report.py DIRECTORY TOP FUZZER..."""

import datetime
import json
import os
import re
import sys

ROOMS = ("format", "store", "vault")
SUBJECT = {
    "content": "page headers, meta, sizes", "dir": "directories: names, side files, IDs, listings",
    "file": "file pages, under reads, writes and attacks", "link": "symbolic links and their side files",
    "name": "names, base64url, hex", "recovery": "recovery codes as typed",
    "slots": "unlocking: slots, MAC, cost limits",
    "vaultfile": "parsing cryptfs.json", "xattr": "extended attributes",
}
BEGIN, END = "<!-- fuzz campaign begin -->", "<!-- fuzz campaign end -->"


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def text_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def stat(log, name, join):
    found = [int(x) for x in re.findall(r"stat::%s:\s+(\d+)" % name, log)]
    return join(found) if found else 0


def coverage(path):
    """{room: {lines: [reached, there are], regions: [..]}} of src, by room and in all."""
    out = {room: {"lines": [0, 0], "regions": [0, 0]} for room in ROOMS + ("all",)}
    for f in load(path)["data"][0]["files"]:
        where = re.search(r"/src/(%s)/[^/]+$" % "|".join(ROOMS), f["filename"])
        if not where:
            continue
        for room in where.group(1), "all":
            for what in "lines", "regions":
                out[room][what][0] += f["summary"][what]["covered"]
                out[room][what][1] += f["summary"][what]["count"]
    return out


def fuzzer(home, name):
    log = text_of(os.path.join(home, "log"))
    executed = stat(log, "number_of_executed_units", sum)
    seconds = int(text_of(os.path.join(home, "seconds")) or 0)
    broken = [n for n in sorted(os.listdir(home)) if re.match(r"(crash|leak|oom|timeout)-", n)]
    return {
        "name": name, "seconds": seconds, "executions": executed,
        "executions_per_second": round(executed / seconds) if seconds else 0,
        "peak_rss_mb": stat(log, "peak_rss_mb", max), "slowest_seconds": stat(log, "slowest_unit_time_sec", max),
        "inputs": len(os.listdir(os.path.join(home, "corpus"))), "found": broken,
        "coverage": coverage(os.path.join(home, "coverage.json")),
    }


def percent(pair):
    return "%.1f" % (100.0 * pair[0] / pair[1]) if pair[1] else "-"


def table(result):
    rows = ["| fuzzer | subject | seconds | executions | per second | peak MB | inputs | lines reached | found |",
            "|---|---|--:|--:|--:|--:|--:|--:|--:|"]
    for f in result["fuzzers"]:
        rows.append("| `fuzz_%s` | %s | %d | %s | %d | %d | %d | %d | %d |" % (
            f["name"], SUBJECT[f["name"]], f["seconds"], "{:,}".format(f["executions"]), f["executions_per_second"],
            f["peak_rss_mb"], f["inputs"], f["coverage"]["all"]["lines"][0], len(f["found"])))
    rows.append("| all | | %d | %s | | | %d | %d | %d |" % (
        sum(f["seconds"] for f in result["fuzzers"]),
        "{:,}".format(sum(f["executions"] for f in result["fuzzers"])),
        sum(f["inputs"] for f in result["fuzzers"]), result["coverage"]["all"]["lines"][0],
        sum(len(f["found"]) for f in result["fuzzers"])))
    rows += ["", "What the corpora reach of the code that reads a vault:", "",
             "| room | lines | regions |", "|---|--:|--:|"]
    for room in ROOMS + ("all",):
        c = result["coverage"][room]
        name = "`src/%s`" % room if room != "all" else "all three"
        rows.append("| %s | %d of %d (%s %%) | %d of %d (%s %%) |" % (
            name, *c["lines"], percent(c["lines"]), *c["regions"], percent(c["regions"])))
    return "\n".join(["", "Campaign that ended on %s, clang with ASan and UBSan:" % result["date"], ""] + rows + [""])


def put_table(path, text):
    old = text_of(path)
    if BEGIN not in old or END not in old:
        sys.exit("report.py: %s has no place for the table" % path)
    head, rest = old.split(BEGIN, 1)
    with open(path, "w", encoding="utf-8") as f:
        f.write(head + BEGIN + text + END + rest.split(END, 1)[1])


def main():
    directory, top, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    logs = [os.path.join(directory, n, "log") for n in names]
    ended = max(os.path.getmtime(p) for p in logs if os.path.exists(p))
    result = {
        "date": datetime.datetime.fromtimestamp(ended, datetime.timezone.utc).strftime("%Y-%m-%d"),
        "fuzzers": [fuzzer(os.path.join(directory, n), n) for n in names],
        "coverage": coverage(os.path.join(directory, "coverage.json")),
    }
    with open(os.path.join(directory, "campaign.json"), "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    text = table(result)
    put_table(os.path.join(top, "doc/reliability.md"), text)
    print(text)


main()
