# SPDX-License-Identifier: GPL-3.0-or-later
"""A small chart as SVG: some curves over time, each with a scale of its own."""

WIDTH, HEIGHT, LEFT, ROW = 720, 110, 90, 140
COLOURS = ["#1f6feb", "#bf3989", "#1a7f37", "#9a6700"]


def _curve(points, n, colour):
    t_max = max(t for t, _ in points) or 1
    v_max = (max(v for _, v in points) or 1) * 1.1
    xy = " ".join("%.1f,%.1f" % (LEFT + t / t_max * WIDTH, 30 + n * ROW + HEIGHT * (1 - v / v_max)) for t, v in points)
    return '<polyline fill="none" stroke="%s" stroke-width="1.2" points="%s"/>' % (colour, xy), v_max, t_max


def _row(n, title, points):
    curve, v_max, t_max = _curve(points, n, COLOURS[n % len(COLOURS)])
    top, bottom = 30 + n * ROW, 30 + n * ROW + HEIGHT
    out = ['<text x="%d" y="%d" font-weight="bold">%s</text>' % (LEFT, top - 6, title),
           '<rect x="%d" y="%d" width="%d" height="%d" fill="none" stroke="#ccc"/>' % (LEFT, top, WIDTH, HEIGHT),
           curve]
    for part in 0, 0.5, 1:
        out.append('<text x="%d" y="%d" text-anchor="end">%d</text>' % (LEFT - 6, bottom - part * HEIGHT + 4,
                                                                       round(part * v_max)))
        out.append('<text x="%d" y="%d" text-anchor="middle">%d s</text>' % (LEFT + part * WIDTH, bottom + 14,
                                                                            round(part * t_max)))
    return out


def svg(curves):
    """curves: (title, [(seconds, value), ...]) each; those without values are left out."""
    curves = [(title, points) for title, points in curves if points]
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">'
           % (LEFT + WIDTH + 30, 40 + ROW * len(curves))]
    for n, (title, points) in enumerate(curves):
        out += _row(n, title, points)
    return "\n".join(out + ["</svg>"]) + "\n"
