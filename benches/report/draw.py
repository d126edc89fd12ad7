"""Draws what was measured: docs/benchmarks/*-light.svg and *-dark.svg."""

import json
import logging
import pathlib
import statistics

import matplotlib

matplotlib.use("svg")
# That Verdana is not here.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from figures import BOOST, FIGURES, GLIBC, ICEORYX, ICEORYX_POLLING, KERNEL, OURS, OURS_LOAN
from figures import OURS_LOAN_POLLING, PLACES, name_of

DIRECTORY = pathlib.Path("docs/benchmarks")
WIDTH = 8.4  # inches of 72 points

# Text, lines of the grid, and the sides: colours that can be told apart without red and green.
THEMES = {
    "light": {
        "text": "#1f2328",
        "grid": "#d8dee4",
        OURS: "#0969da",
        OURS_LOAN: "#0969da",
        OURS_LOAN_POLLING: "#0969da",
        KERNEL: "#57606a",
        GLIBC: "#57606a",
        BOOST: "#bc4c00",
        ICEORYX: "#8250df",
        ICEORYX_POLLING: "#8250df",
    },
    "dark": {
        "text": "#e6edf3",
        "grid": "#30363d",
        OURS: "#58a6ff",
        OURS_LOAN: "#58a6ff",
        OURS_LOAN_POLLING: "#58a6ff",
        KERNEL: "#9da7b1",
        GLIBC: "#9da7b1",
        BOOST: "#f0883e",
        ICEORYX: "#bc8cff",
        ICEORYX_POLLING: "#bc8cff",
    },
}
MARKERS = {
    OURS: "o",
    OURS_LOAN: "P",
    OURS_LOAN_POLLING: "P",
    KERNEL: "s",
    GLIBC: "s",
    BOOST: "^",
    ICEORYX: "D",
    ICEORYX_POLLING: "D",
}

STYLE = {
    "svg.fonttype": "none",
    # Otherwise each drawing would have other names inside.
    "svg.hashsalt": "rsipc",
    # The first is matplotlib's own, by which the places are computed; Verdana is as wide.
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
}


def time_name(nanoseconds, _position=None):
    """1,2 or 3 digits and a unit."""
    for unit, length in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        # What would be rounded up to the next unit is of that.
        if nanoseconds >= length * 0.9995:
            return f"{nanoseconds / length:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def median(values, *name):
    measured = values.get(name_of(*name))
    return statistics.median(measured) if measured else None


def ends(measured):
    """How far the lowest and the highest value are from the median."""
    middle = statistics.median(measured)
    return [[middle - min(measured)], [max(measured) - middle]]


def dress(axes, axis, theme):
    """A logarithmic axis of times, and its grid."""
    ticks = axes.xaxis if axis == "x" else axes.yaxis
    (axes.set_xscale if axis == "x" else axes.set_yscale)("log")
    ticks.set_major_formatter(FuncFormatter(time_name))
    ticks.set_minor_formatter(NullFormatter())
    ticks.set_minor_locator(NullLocator())
    axes.grid(axis=axis, color=theme["grid"], linewidth=0.8)
    axes.set_axisbelow(True)


def set_ticks(ticks, low, high):
    """Powers of ten; where there would be hardly any, twice and five times as much, too."""
    ticks.set_major_locator(
        LogLocator(10, subs=(1,) if high / low > 100 else (1, 2, 5), numticks=12)
    )


def draw_lines(figure, values, theme):
    drawing, axes = plt.subplots(figsize=(WIDTH, 4.2), layout="constrained")
    dress(axes, "y", theme)
    points = list(figure.points)
    for side in figure.sides:
        names = [name_of(figure, side, point) for point in points]
        places = [place for place, name in enumerate(names) if name in values]
        if not places:
            continue
        measured = [values[names[place]] for place in places]
        colour, is_ours = theme[side.name], side.name == OURS
        axes.fill_between(
            places,
            [min(of) for of in measured],
            [max(of) for of in measured],
            color=colour,
            alpha=0.18,
            lw=0,
        )
        axes.plot(
            places,
            [statistics.median(of) for of in measured],
            color=colour,
            marker=MARKERS[side.name],
            label=side.name,
            zorder=3 if is_ours else 2,
            linewidth=2.4 if is_ours else 1.8,
        )
    axes.set_xticks(range(len(points)), list(figure.points.values()))
    axes.set_xlabel(figure.axis)
    axes.set_ylabel(figure.time)
    set_ticks(axes.yaxis, *axes.get_ylim())
    drawing.legend(loc="outside upper left", ncols=4, frameon=False, labelcolor=theme["text"])
    return drawing


def draw_groups(figure, values, theme):
    """A row for each side of each group, a column for each place."""
    rows, place = [], 0.0
    for group, sides in figure.groups.items():
        for side in sides:
            rows.append((place, group, side))
            place += 1
        place += 0.7
    drawing, columns = plt.subplots(
        1,
        len(PLACES),
        sharey=True,
        sharex=True,
        figsize=(WIDTH, 0.3 * place + 0.8),
        layout="constrained",
    )
    for (key, name), axes in zip(PLACES.items(), columns):
        dress(axes, "x", theme)
        axes.set_title(name, loc="left", fontsize=10, color=theme["text"])
        for at, group, side in rows:
            measured = values.get(name_of(figure, side, key, group))
            if not measured:
                continue
            middle, colour = statistics.median(measured), theme[side.name]
            axes.errorbar(
                middle,
                at,
                xerr=ends(measured),
                color=colour,
                marker=MARKERS[side.name],
                elinewidth=3,
                alpha=0.9,
            )
            axes.annotate(
                time_name(middle),
                (max(measured), at),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=theme["text"],
                fontweight="bold" if side.ours else "normal",
            )
        # Room for what is written behind the last one.
        axes.margins(x=0.22)
        set_ticks(axes.xaxis, *axes.get_xlim())
    columns[0].set_yticks([at for at, _, _ in rows], [side.name for _, _, side in rows])
    columns[0].set_ylim(rows[-1][0] + 0.6, -1.2)
    for group in figure.groups:
        first = min(at for at, of, _ in rows if of == group)
        columns[0].annotate(
            group,
            (0, first - 0.75),
            xycoords=("axes fraction", "data"),
            xytext=(-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontweight="bold",
            color=theme["text"],
        )
    return drawing


def main():
    values = json.loads((DIRECTORY / "measured.json").read_text())["nanoseconds"]
    for name, theme in THEMES.items():
        colours = {
            key: theme["text"]
            for key in (
                "text.color",
                "axes.labelcolor",
                "xtick.color",
                "ytick.color",
                "axes.edgecolor",
            )
        }
        with plt.rc_context(STYLE | colours):
            for figure in FIGURES:
                draw = draw_groups if figure.groups else draw_lines
                drawing = draw(figure, values, theme)
                drawing.savefig(
                    DIRECTORY / f"{figure.key}-{name}.svg",
                    transparent=True,
                    metadata={"Date": None},
                )
                plt.close(drawing)


if __name__ == "__main__":
    main()
