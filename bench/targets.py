# SPDX-License-Identifier: GPL-3.0-or-later
"""What cryptfs is meant to reach, and whether it does. A ratio is above 1 where cryptfs is the better one."""

import math
import statistics

CPU = 1 / 0.7  # processor time at most 0.7 of gocryptfs's

# Workload, against whom, at least; 'cpu:' is the daemon's processor time in that workload.
TARGETS = (
    ("seq-write-4k", "gocryptfs", 5), ("rand-write", "gocryptfs", 3), ("create", "gocryptfs", 2),
    ("untar", "gocryptfs", 2), ("tree-reread", "gocryptfs", 3), ("git-status", "gocryptfs", 3),
    ("find-cold", "gocryptfs", 1.5), ("ls-cold", "gocryptfs", 1.5), ("find-warm", "gocryptfs", 5),
    ("ls-warm", "gocryptfs", 5), ("tree-delete", "gocryptfs", 1.5), ("sqlite-wal", "gocryptfs", 2),
    ("append-close", "gocryptfs", 2), ("seq-write", "gocryptfs", 1.5), ("seq-read-mount", "gocryptfs", 1.1),
    ("seq-read-mount", "gocryptfs-xchacha", 1.5), ("readers", "gocryptfs", 1.1), ("rand-read", "gocryptfs", 1.0),
    ("rand-write-fsync", "gocryptfs", 1.3), ("append-fsync", "gocryptfs", 1.1),
    ("cpu:seq-write", "gocryptfs", CPU), ("cpu:seq-read-mount", "gocryptfs", CPU),
)
SLOWER = 1.0
PASSTHROUGH = {"data": 0.8, "metadata": 1.0}
MEAN = 3.0
MEMORY = 30 << 20
MEMORY_OF_NAME = 512  # what a file may take in the inode table, bytes
OURS = "cryptfs"


def ratio(results, key, whose, against):
    """The median, over the rounds that both finished, of what the other took by what one took. None without any."""
    cells = results.get(key, {})
    pairs = zip(cells.get(whose, ()), cells.get(against, ()))
    ratios = [other / own for own, other in pairs if own and other]
    return statistics.median(ratios) if ratios else None


def mean(results, workloads, whose=OURS, against="gocryptfs"):
    ratios = [r for r in (ratio(results, w, whose, against) for w in workloads) if r]
    return math.exp(statistics.fmean(math.log(r) for r in ratios)) if ratios else None


def below(results, workloads, against, least):
    """Those that do not reach 'least', a function of the workload; with how many there are."""
    found, seen = [], 0
    for name, workload in workloads.items():
        r = ratio(results, name, OURS, against)
        if r is None:
            continue
        seen += 1
        if r < least(workload):
            found.append("%s %.2f" % (name, r))
    return found, seen


def all_of(what, wanted, found, seen):
    if not seen:
        return (what, wanted, "not measured", None)
    got = "%d of %d do not: %s" % (len(found), seen, ", ".join(found)) if found else "all %d" % seen
    return (what, wanted, got, not found)


def memory(run, workloads):
    """The peaks in workloads of either kind; a tree's may hold an inode table too."""
    for kind, names in (("data", 0), ("metadata", run["names"])):
        peaks = [b for w in workloads if workloads[w].kind == kind for b in run["memory"].get(w, {}).get(OURS, ()) if b]
        allowed = MEMORY + names * MEMORY_OF_NAME
        if peaks:
            yield ("peak memory, %s" % kind, "<= %.0f MiB" % (allowed / (1 << 20)),
                   "%.1f MiB" % (max(peaks) / (1 << 20)), max(peaks) <= allowed)


def verdicts(run, workloads):
    """Of each target: what, what is wanted, what was measured, met or not or, when not measured, None."""
    results, there = run["seconds"], {w: workloads[w] for w in run["seconds"] if w in workloads}
    for key, against, least in TARGETS:
        name = key.removeprefix("cpu:")
        title = workloads[name].title
        source = results
        if key != name:
            title, source = "daemon's processor time, " + title, run["processor"]
        r = ratio(source, name, OURS, against)
        yield (title + (" (against -xchacha)" if against != "gocryptfs" else ""), ">= %.4g" % round(least, 2),
               "not measured" if r is None else "%.2f" % r, None if r is None else r >= least)
    yield from memory(run, workloads)
    yield all_of("nothing slower than gocryptfs", ">= 1", *below(results, there, "gocryptfs", lambda w: SLOWER))
    for kind, least in PASSTHROUGH.items():
        of_kind = {n: w for n, w in there.items() if w.kind == kind}
        yield all_of("against passthrough, " + kind, ">= %.1f" % least,
                     *below(results, of_kind, "passthrough", lambda w: PASSTHROUGH[w.kind]))
    m = mean(results, there)
    yield ("geometric mean against gocryptfs", ">= %.0f" % MEAN, "not measured" if m is None else "%.2f" % m,
           None if m is None else m >= MEAN)
