"""Charts as SVG that pages of results share: axes, lines, dots, bars that lie. Read in the dark they are drawn dark."""

import math

COLOURS = ("#1f5fa8", "#c77700", "#1b7f4b", "#b3261e", "#6b3fa0", "#5a6b7b", "#a0522d")
# A page that is read in the dark is drawn dark, as the reports' plots are.
STYLE = ('<style>@media (prefers-color-scheme:dark){rect[fill="#fff"]{fill:#14171a}text{fill:#e6e9ec}'
         'path[stroke="#ddd"]{stroke:#353c43}}</style>')
WIDTH, LEFT, RIGHT = 860, 90, 20


def shell(title, height, body):
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                      'font-family="system-ui, sans-serif" font-size="12">', STYLE, f"<title>{title}</title>",
                      f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *body, "</svg>"]) + "\n"


def text(x, y, what, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{what}</text>'


def ticks(low, high, count=5):
    """Round values that cover a range."""
    wide = max(high - low, 1e-9)
    step = 10.0 ** math.floor(math.log10(wide / count))
    step *= next(by for by in (1, 2, 5, 10) if wide / (step * by) <= count)
    first = math.floor(low / step)
    return [step * i for i in range(first, math.ceil(high / step) + 1)]


def legend(names, y):
    each = (WIDTH - LEFT - RIGHT) / max(len(names), 1)
    out = []
    for i, name in enumerate(names):
        x = LEFT + i * each
        out += [f'<path d="M{x:.1f} {y}h18" stroke="{COLOURS[i % len(COLOURS)]}" stroke-width="3"/>', text(x + 24, y + 4, name, "start")]
    return out


def panel(top, height, lines, x_title, y_title, logarithmic=False, dots=(), log_x=False, colours=()):
    """Lines over one pair of axes, and dots of the same colours; `lines`, `dots`: lists of points. `colours`: numbers of
    those of the lines, then of the dots; without them the first ones."""
    points = [point for line in (*lines, *dots) for point in line]
    least = 1e-2
    value = (lambda y: math.log10(max(y, least))) if logarithmic else (lambda y: y)
    place = math.log10 if log_x else (lambda x: x)
    across, ys = [place(x) for x, _ in points], [value(y) for _, y in points]
    xs = powers(across) if log_x else ticks(min(across), max(across), 8)
    marks = powers(ys) if logarithmic else ticks(min(ys), max(ys))
    if len(marks) == 1:
        marks = [marks[0], marks[0] + 1]
    x_of = lambda x: LEFT + (place(x) - xs[0]) / (xs[-1] - xs[0]) * (WIDTH - LEFT - RIGHT)
    y_of = lambda y: top + (marks[-1] - y) / (marks[-1] - marks[0]) * height
    out = []
    for mark in marks:
        shown = f"{10.0**mark:g}" if logarithmic else f"{mark:,.10g}"
        out += [f'<path d="M{LEFT} {y_of(mark):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>', text(LEFT - 8, y_of(mark) + 4, shown, "end")]
    for mark in xs:
        x = 10.0**mark if log_x else mark
        out.append(text(x_of(x), top + height + 16, f"{x:,.6g}"))
    colour = lambda i: COLOURS[(colours[i] if colours else i) % len(COLOURS)]
    for i, line in enumerate(lines):
        path = " ".join(f"{'L' if j else 'M'}{x_of(x):.1f} {y_of(value(y)):.1f}" for j, (x, y) in enumerate(line))
        out.append(f'<path d="{path}" fill="none" stroke="{colour(i)}" stroke-width="2"/>')
    for i, some in enumerate(dots):
        out += [f'<circle cx="{x_of(x):.1f}" cy="{y_of(value(y)):.1f}" r="4" fill="{colour(len(lines) + i if colours else i)}"/>'
                for x, y in some]
    middle = top + height / 2
    out.append(text(16, middle, y_title, "middle", f' transform="rotate(-90 16 {middle:.0f})"'))
    return [*out, text((LEFT + WIDTH - RIGHT) / 2, top + height + 34, x_title)]


def powers(exponents):
    """Powers of ten that cover a range."""
    return list(range(math.floor(min(exponents)), math.ceil(max(exponents)) + 1))


def bars(title, groups, names, unit):
    """Groups of bars that lie; `groups`: name → a value for each of `names`."""
    left, bar, gap, top = 210, 13, 12, 46
    most = max([value for values in groups.values() for value in values if value is not None] + [1e-9])
    least = min([value for values in groups.values() for value in values if value is not None] + [0])
    marks = ticks(least, most)
    x_of = lambda value: left + (value - marks[0]) / (marks[-1] - marks[0]) * (WIDTH - left - 90)
    height = top + (len(names) * bar + gap) * len(groups) + 26
    out = legend(names, 18)
    for mark in marks:
        out += [f'<path d="M{x_of(mark):.1f} {top - 8}V{height - 22}" stroke="#ddd"/>', text(x_of(mark), height - 6, f"{mark:,.6g}{unit}")]
    for i, (group, values) in enumerate(groups.items()):
        y = top + i * (len(names) * bar + gap)
        out.append(text(left - 8, y + len(names) * bar / 2 + 4, group, "end"))
        for j, value in enumerate(values):
            if value is None:
                continue
            begin, end = sorted((x_of(0), x_of(value)))
            out += [f'<rect x="{begin:.1f}" y="{y + j * bar}" width="{max(end - begin, 1):.1f}" height="{bar - 2}" '
                    f'fill="{COLOURS[j % len(COLOURS)]}"/>', text(end + 5, y + j * bar + 10, f"{value:,.4g}", "start", ' font-size="10"')]
    return shell(title, height, out)


def good(found, part):
    return [row for row in found.get(part, []) if "failed" not in row]
