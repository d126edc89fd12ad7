"""Writes docs/benchmarks.md, from what was measured."""

import json
import pathlib
import textwrap

from draw import DIRECTORY, median, time_name
from figures import FIGURES, PLACES

PAGE = pathlib.Path("docs/benchmarks.md")
INTRODUCTION = """\
# Benchmarks

librsipc beside what it takes the place of (glibc's semaphores, the kernel's queues and System V)
and beside two libraries that programs can be written for: Boost.Interprocess, and iceoryx2 from
crates.io. Both are of another kind. Boost's queue is under one lock, and a process that is killed
while it holds the lock leaves the queue unusable. iceoryx2 publishes samples to subscribers, each
of which gets all of them.

`benches/report/run` has measured it and written this page: all sides in turn, again and again. A
point is the median of the rounds; the band, or the bar, around it goes from the lowest round to
the highest. All scales of time are logarithmic.
[benchmarks/measured.json](benchmarks/measured.json) has the values of all rounds. `make bench`
has further measurements, with targets.
"""


def picture(figure, prefix=""):
    path = f"{prefix}benchmarks/{figure.key}"
    return (
        f'<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="{path}-dark.svg">\n'
        f'  <img alt="{figure.title}" src="{path}-light.svg">\n</picture>\n'
    )


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(value):
    return time_name(value) if value is not None else "–"


def table_of(figure, values):
    if figure.groups:
        rows = [
            [
                f"{group}, {side.name}",
                *(cell(median(values, figure, side, place, group)) for place in PLACES),
            ]
            for group, sides in figure.groups.items()
            for side in sides
        ]
        return table(["", *PLACES.values()], rows)
    rows = [
        [name, *(cell(median(values, figure, side, point)) for side in figure.sides)]
        for point, name in figure.points.items()
    ]
    return table([figure.axis, *(side.name for side in figure.sides)], rows)


def main():
    results = json.loads((DIRECTORY / "measured.json").read_text())
    values, conditions = results["nanoseconds"], results["conditions"]
    below = "```text\n" + "".join(f"{key:8} {said}\n" for key, said in conditions.items()) + "```\n"
    parts = [INTRODUCTION]
    for figure in FIGURES:
        shown = table_of(figure, values)
        missing = (
            "\n–: not measured. It is not offered, or the kernel refused it.\n"
            if "–" in shown
            else ""
        )
        parts += [
            f"## {figure.title}\n",
            textwrap.fill(figure.text, 100) + "\n",
            picture(figure),
            shown + missing,
            below,
        ]
    PAGE.write_text("\n".join(parts))


main()
