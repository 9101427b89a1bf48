# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as JSON, and as a table in Markdown."""

import json
import os

import contenders
import workloads

BEGIN, END = "<!-- powercut -->\n", "<!-- end -->\n"


def save(path, results, args):
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"kernel": os.uname().release, "cuts": args.cuts, "rounds": args.rounds, "seed": args.seed,
                   "scale": args.scale, "versions": contenders.versions({r["contender"] for r in results}),
                   "results": results}, f, indent=1)
        f.write("\n")


def load(paths):
    results = []
    for path in paths:
        with open(path, encoding="utf-8") as f:
            results += json.load(f)["results"]
    return results


def cell(results):
    """Cuts with loss / with unreadable files / not mountable, or 0 for none of all cuts."""
    results = [r for r in results if r["cuts"] or "unsupported" in r or "trouble" in r]
    if not results:
        return ""
    if any("trouble" in r for r in results):
        return "failed"
    if any("unsupported" in r for r in results):
        return "-"
    cuts = sum(r["cuts"] for r in results)
    if sum(r["bad"] for r in results) == 0:
        return "0 of %d" % cuts
    return "**%d of %d** (%s)" % (sum(r["bad"] for r in results), cuts, "/".join(
        str(sum(r[k] for r in results)) for k in ("lost", "unreadable", "unmountable")))


def table(results):
    columns = []
    for r in results:
        if (r["contender"], r["fs"]) not in columns:
            columns.append((r["contender"], r["fs"]))
    columns.sort(key=lambda c: (("plain", "nobarrier").index(c[0]) if c[0] in ("plain", "nobarrier") else 2))
    names = [w for w in workloads.WORKLOADS if any(r["workload"] == w for r in results)]
    lines = ["| workload | " + " | ".join("%s, %s" % c for c in columns) + " |",
             "|---" * (len(columns) + 1) + "|"]
    for w in names:
        cells = [cell([r for r in results if (r["contender"], r["fs"], r["workload"]) == (*c, w)])
                 for c in columns]
        lines.append("| %s | %s |" % (w, " | ".join(cells)))
    return "\n".join(lines) + "\n"


def insert(path, text):
    with open(path, encoding="utf-8") as f:
        before, rest = f.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + text + END + after)
