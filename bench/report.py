# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as JSON and as tables in Markdown."""

import json
import statistics

import targets

BEGIN, END = "<!-- bench -->\n", "<!-- end of bench -->\n"
MIB = 1 << 20
TABLES = ("amounts", "seconds", "processor", "memory")


def save(path, run):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(run, f, indent=1)
        f.write("\n")


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def join(runs):
    """Of runs of the same size with different workloads one. What was measured twice counts as it was at last."""
    whole = {**runs[0], "contenders": [], "notes": [], "versions": {}}
    for key in TABLES:
        whole[key] = {}
    for run in runs:
        if run["size"] != whole["size"]:
            raise ValueError("runs of different sizes")
        for key in TABLES:
            whole[key].update(run[key])
        whole["versions"].update(run["versions"])
        whole["contenders"] += [n for n in run["contenders"] if n not in whole["contenders"]]
        whole["notes"] += [n for n in run["notes"] if n not in whole["notes"]]
    whole["rounds"] = between([run["rounds"] for run in runs])
    whole["when"] = between([run["when"] for run in runs])
    whole["load"] = between([run["machine"]["load"] for run in runs], "%.1f")
    whole["names"] = max(run["names"] for run in runs)
    return whole


def between(values, form="%s"):
    least, most = form % min(values), form % max(values)
    return least if least == most else "%s to %s" % (least, most)


def short(x):
    """Three figures."""
    if x >= 100:
        return "%.0f" % x
    return ("%.1f" if x >= 10 else "%.2f" if x >= 1 else "%.3f") % x


def shown(workload, amount, seconds):
    return amount / seconds if workload.unit != "s" else seconds


def cell(workload, amount, rounds):
    """The median (minimum to maximum)."""
    values = sorted(shown(workload, amount, s) for s in rounds if s)
    if not values:
        return "failed"
    middle = short(statistics.median(values))
    return middle if len(values) == 1 else "%s (%s-%s)" % (middle, short(values[0]), short(values[-1]))


def row(cells):
    return "| " + " | ".join(cells) + " |"


def measured(run, workloads):
    names = run["contenders"]
    lines = [row(["workload", "unit", *names]), "|---|---" + "|--:" * len(names) + "|"]
    for w, cells in run["seconds"].items():
        amount = run["amounts"][w]
        lines.append(row([workloads[w].title, workloads[w].unit,
                          *(cell(workloads[w], amount, cells[n]) if n in cells else "" for n in names)]))
    return lines


def said(r):
    return "" if r is None else "%.2f" % r


def ratios(run, workloads):
    """Of each contender to gocryptfs, and of cryptfs to passthrough."""
    results = run["seconds"]
    names = [n for n in run["contenders"] if n != "gocryptfs"]
    lines = [row(["ratio to gocryptfs", *names, "cryptfs / passthrough"]), "|---" + "|--:" * (len(names) + 1) + "|"]
    for w in results:
        lines.append(row([workloads[w].title, *(said(targets.ratio(results, w, n, "gocryptfs")) for n in names),
                          said(targets.ratio(results, w, targets.OURS, "passthrough"))]))
    lines.append(row(["**geometric mean**", *(said(targets.mean(results, results, n)) for n in names),
                      said(targets.mean(results, results, targets.OURS, "passthrough"))]))
    return lines


def daemons(run, workloads):
    """Processor seconds for each GiB, and peak of memory, where the workload moves a known number of bytes."""
    names = [n for n in run["contenders"] if n != "plain"]
    lines = [row(["daemon", "unit", *names]), "|---|---" + "|--:" * len(names) + "|"]
    for w, cells in run["processor"].items():
        if workloads[w].unit == "MiB/s":
            gib = run["amounts"][w] / 1024
            values = [one([s / gib for s in cells.get(n, ()) if s]) for n in names]
            lines.append(row([workloads[w].title, "s/GiB", *values]))
    for kind in ("data", "metadata"):
        of_kind = [cells for w, cells in run["memory"].items() if workloads[w].kind == kind]
        peaks = [max((b for cells in of_kind for b in cells.get(n, ()) if b), default=0) for n in names]
        lines.append(row(["peak memory, " + kind, "MiB", *("%.1f" % (p / MIB) if p else "" for p in peaks)]))
    return lines


def one(values):
    return short(statistics.median(values)) if values else ""


def verdicts(run, workloads):
    lines = [row(["target (%s)" % targets.OURS, "wanted", "measured", "result"]), "|---|--:|---|---|"]
    for what, wanted, got, met in targets.verdicts(run, workloads):
        lines.append(row([what, wanted, got, {True: "met", False: "**missed**", None: ""}[met]]))
    return lines


def where(run):
    m = run["machine"]
    return "%s, %d processors (%s), %.0f GiB of memory, Linux %s, disk below: %s." % (
        run["when"], m["processors"], m["processor"], m["memory"] / (1 << 30), m["kernel"], m["disk"])


def head(run):
    told = ", ".join("%s: %s" % (n, v) for n, v in run["versions"].items() if v)
    lines = [where(run), "Sizes: %s; rounds: %s; load average at the beginning: %s. %s." % (
        run["size"], run["rounds"], run["load"], told)]
    if run["notes"]:
        lines += ["", *("- " + n for n in run["notes"])]
    return lines


def markdown(run, workloads):
    blocks = [head(run), verdicts(run, workloads), ratios(run, workloads), daemons(run, workloads),
              ["Medians (minimum to maximum) of the rounds:"], measured(run, workloads)]
    return "\n\n".join("\n".join(b) for b in blocks) + "\n"


def insert(path, text, begin=BEGIN, end=END):
    """Between the markers in a file."""
    with open(path, encoding="utf-8") as f:
        old = f.read()
    if begin not in old or end not in old.split(begin, 1)[1]:
        raise ValueError("%s has no lines '%s' and '%s'" % (path, begin.strip(), end.strip()))
    before, rest = old.split(begin, 1)
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + begin + text + end + rest.split(end, 1)[1])
