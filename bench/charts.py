# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts as SVG, drawn by gnuplot: bars for how much faster than gocryptfs, lines for what grows."""

import os
import shutil

import machine
import targets

HEAD = """
set terminal svg size 1100,%d font "sans-serif,12" background rgb "white"
set title "%s: speed, as a multiple of gocryptfs (further right is better)"
set style fill solid 0.85 noborder
set logscale x 2
set xrange [%g:%g]
set yrange [-0.6:%g] reverse
set ytics nomirror (%s)
set xtics nomirror
set grid xtics lc rgb "#cccccc"
set key outside bottom center horizontal
set arrow from 1, graph 0 to 1, graph 1 nohead lc rgb "#333333" lw 2 front
unset border
"""
HEAD_LINES = """
set terminal svg size 1000,560 font "sans-serif,12" background rgb "white"
set title "%s (a flat line: no more than with few)"
set logscale xy
set xtics nomirror
set ytics nomirror
set grid lc rgb "#cccccc"
set key outside right center
"""
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#9c755f", "#76b7b2", "#edc948", "#e15759")


def bars(results, names, contender, slot, slots):
    """A line of gnuplot's boxxyerror for each: the bar begins at 1 and ends at the ratio."""
    height = 0.8 / slots
    lines = []
    for y, w in enumerate(names):
        r = targets.ratio(results, w, contender, "gocryptfs")
        if r:
            top = y - 0.4 + slot * height
            lines.append("%g %g %g %g %g %g" % (r, top + height / 2, min(1, r), max(1, r), top, top + height * 0.9))
    return lines


def script(kind, run, names, workloads):
    contenders = [n for n in run["contenders"] if n not in ("gocryptfs", "plain")]
    blocks, plots, found = [], [], [1.0]
    for slot, contender in enumerate(contenders):
        lines = bars(run["seconds"], names, contender, slot, len(contenders))
        found += [float(line.split()[0]) for line in lines]
        if lines:
            blocks.append("$d%d << EOD\n%s\nEOD\n" % (slot, "\n".join(lines)))
            plots.append('$d%d using 1:2:3:4:5:6 with boxxyerror lc rgb "%s" title "%s"' % (
                slot, COLOURS[slot % len(COLOURS)], contender))
    if not plots:
        return None
    # To gnuplot labels are formats.
    labels = ", ".join('"%s" %d' % (workloads[w].title.replace("%", "%%"), y) for y, w in enumerate(names))
    head = HEAD % (160 + 16 * len(names) * max(2, len(contenders) // 2), kind.capitalize(), min(found) * 0.8,
                   max(found) * 1.25, len(names) - 0.4, labels)
    return "".join(blocks) + head + "plot " + ", ".join(plots) + "\n"


def plot(folder, name, text):
    """What gnuplot draws from that text; returns the path."""
    if not shutil.which("gnuplot"):
        raise machine.Trouble("gnuplot is not installed")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name + ".svg")
    drawn = machine.run("gnuplot", "-", input=text.encode())
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join(line.rstrip() + "\n" for line in drawn.splitlines()))
    return path


def lines_of(folder, name, title, lines):
    """A line for each {label: [(x, y), ...]}, on logarithmic scales; returns the path."""
    blocks, plots = [], []
    for i, (label, points) in enumerate(lines.items()):
        blocks.append("$d%d << EOD\n%s\nEOD\n" % (i, "\n".join("%g %g" % point for point in points)))
        plots.append('$d%d with linespoints pt 7 ps 0.6 lw 1.5 dt %d lc rgb "%s" title "%s"' % (
            i, 1 + i // len(COLOURS), COLOURS[i % len(COLOURS)], label))
    return plot(folder, name, "".join(blocks) + HEAD_LINES % title + "plot " + ", ".join(plots) + "\n")


def draw(folder, run, workloads):
    """The paths of what was drawn."""
    drawn = []
    for kind in ("data", "metadata"):
        names = [w for w in run["seconds"] if workloads[w].kind == kind]
        text = script(kind, run, names, workloads) if names else None
        if text:
            drawn.append(plot(folder, "bench-" + kind, text))
    return drawn
