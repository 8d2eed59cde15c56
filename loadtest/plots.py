"""Line charts as inline SVG. Pure; every text is escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

COLOURS = ("#1f6feb", "#d4622a", "#2a9d5c", "#9a4fc4", "#b58a00", "#5b6470")
_WIDTH, _HEIGHT = 760, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 34
_TICKS = 5


class Line(NamedTuple):
    """A named line of points."""

    name: str
    points: Sequence[tuple[float, float]]


def chart(
    lines: Sequence[Line], unit: str, across: str, across_ticks: Sequence[tuple[float, str]] | None = None
) -> str:
    """A chart from zero up. `across_ticks`: places and labels on the horizontal axis; else round numbers."""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points]
    if not xs:
        return "<p>nothing was measured</p>"
    left = min(xs)
    right = max(*xs, left + 1e-9)
    step = nice_step(max(ys, default=0.0) / _TICKS)
    top = step * max(1, math.ceil(max(ys, default=0.0) / step))
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def across_at(x: float) -> float:
        return _LEFT + width * (x - left) / (right - left)

    def up_at(y: float) -> float:
        return _TOP + height * (1 - y / top)

    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(unit)}">']
    for number in range(round(top / step) + 1):
        y = up_at(number * step)
        parts.append(f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" class="up">{number * step:g}</text>')
    if across_ticks is None:
        wide = nice_step((right - left) / _TICKS)
        first = math.ceil(left / wide)
        across_ticks = [(at * wide, f"{at * wide:g}") for at in range(first, int(right / wide) + 1)]
    for x, label in across_ticks:
        parts.append(f'<text x="{across_at(x):.1f}" y="{_HEIGHT - 16}" class="across">{escape(label)}</text>')
    parts.append(f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 3}" class="up">{escape(across)}</text>')
    for number, line in enumerate(lines):
        points = " ".join(f"{across_at(x):.1f},{up_at(y):.1f}" for x, y in line.points)
        parts.append(f'<polyline points="{points}" stroke="{COLOURS[number % len(COLOURS)]}"/>')
    parts.append("</svg>")
    legend = "".join(
        f'<span><i style="background:{COLOURS[number % len(COLOURS)]}"></i>{escape(line.name)}</span>'
        for number, line in enumerate(lines)
    )
    return f'<div class="legend">{legend}<b>{escape(unit)}</b></div>' + "".join(parts)


def nice_step(raw: float) -> float:
    """The next of 1, 2, 5, 10, … that is not smaller."""
    if raw <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
