"""Geometry of the pictures: bands, branches and bars as numbers that templates put into SVG.

Pure; floats are coordinates only, never figures.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from tieout.console.readers.streams import Stream

_WIDTH: Final = 1000
_MIDDLE: Final = 30
_THICKEST: Final = 44
_THINNEST: Final = 1.5
_KNOT_Y: Final = 82
_LEAST_KNOT, _LARGEST_KNOT = 3.5, 9.0
_BASE: Final = 120
_LEAST_SLOTS: Final = 16


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """What leaves the band: a curve of ``width``, and the knot at its end."""

    path: str
    width: float
    x: float
    y: float
    radius: float


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """A stream as a picture: the outline of its band, a stop per station, and a branch where work is stuck."""

    width: int
    height: int
    outline: str
    stops: list[tuple[float, float, float]]
    branches: list[Branch]


def band(stream: Stream) -> Band:
    """The picture of ``stream``: as wide at each station as what has come so far, relative to the first."""
    largest = max((one.size for one in stream.stations), default=Decimal(0))
    thick = [_thickness(one.size, largest) for one in stream.stations]
    column = _WIDTH / max(1, len(thick))
    xs = [at * column + 6 for at in range(len(thick))]
    ends = [*xs, float(_WIDTH)]
    thick.append(thick[-1] if thick else 0)
    branches = [
        _branch(x + 0.30 * column, thick[at] / 2, _thickness(lost.size, largest), lost.size, largest)
        for at, x in enumerate(xs)
        for lost in stream.stations[at].stuck[:1]
    ]
    return Band(
        width=_WIDTH,
        height=_KNOT_Y + 12 if branches else _MIDDLE * 2,
        outline=_outline(ends, thick, column),
        stops=[(x, _MIDDLE - thick[at] / 2 - 3, _MIDDLE + thick[at] / 2 + 3) for at, x in enumerate(xs)],
        branches=branches,
    )


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One week: rectangles as (class, y, height) from the base line up."""

    x: float
    width: float
    parts: list[tuple[str, float, float]]
    label: str
    title: str


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """Hours by week; ``now_x`` is where this week begins, None where it lies outside."""

    width: int
    height: int
    base: int
    bars: list[Bar]
    now_x: float | None
    top_label: str


def week_bars(weeks: Sequence[tuple[date, Decimal, Decimal, Decimal]], *, this_week: date) -> Bars:
    """Recorded, firmly and softly booked hours of each week, stacked."""
    highest = max((recorded + hard + soft for _, recorded, hard, soft in weeks), default=Decimal(0))
    slot = _WIDTH / max(_LEAST_SLOTS, len(weeks))
    bars = []
    for at, (week, recorded, hard, soft) in enumerate(weeks):
        parts: list[tuple[str, float, float]] = []
        top = float(_BASE)
        for name, hours in (("", recorded), ("firm-part", hard), ("soft-part", soft)):
            height = float(hours / highest) * (_BASE - 12) if highest else 0.0
            if height:
                top -= height
                parts.append((name, round(top, 1), round(height, 1)))
        bars.append(
            Bar(
                x=round(at * slot, 1),
                width=round(slot * 0.72, 1),
                parts=parts,
                label=f"{week:%d %b}" if at % max(1, len(weeks) // 9) == 0 else "",
                title=f"Week of {week:%d %b %Y}: {recorded:g} h recorded, {hard:g} h firm, {soft:g} h soft",
            )
        )
    now_at = next((at for at, one in enumerate(weeks) if one[0] >= this_week), None)
    return Bars(
        width=_WIDTH,
        height=_BASE + 20,
        base=_BASE,
        bars=bars,
        now_x=None if now_at is None else round(now_at * slot - slot * 0.14, 1),
        top_label=f"{highest:,.0f} h",
    )


def _thickness(size: Decimal, largest: Decimal) -> float:
    if not largest or size <= 0:
        return _THINNEST
    return max(_THINNEST, float(size / largest) * _THICKEST)


def _outline(xs: Sequence[float], thick: Sequence[float], column: float) -> str:
    """Along the upper edge to the right and along the lower one back, narrowing between two stations."""
    upper = [f"M{xs[0]:.1f},{_MIDDLE - thick[0] / 2:.1f}"]
    lower: list[str] = []
    for at in range(len(xs) - 1):
        turn, there = xs[at] + 0.45 * column, xs[at] + 0.8 * column
        bend = (turn + there) / 2
        before, after = thick[at] / 2, thick[at + 1] / 2
        upper.append(
            f"L{turn:.1f},{_MIDDLE - before:.1f}C{bend:.1f},{_MIDDLE - before:.1f} {bend:.1f},{_MIDDLE - after:.1f} "
            f"{there:.1f},{_MIDDLE - after:.1f}L{xs[at + 1]:.1f},{_MIDDLE - after:.1f}"
        )
        lower.append(
            f"L{there:.1f},{_MIDDLE + after:.1f}C{bend:.1f},{_MIDDLE + after:.1f} {bend:.1f},{_MIDDLE + before:.1f} "
            f"{turn:.1f},{_MIDDLE + before:.1f}L{xs[at]:.1f},{_MIDDLE + before:.1f}"
        )
    return "".join([*upper, f"L{xs[-1]:.1f},{_MIDDLE + thick[-1] / 2:.1f}", *reversed(lower), "Z"])


def _branch(x: float, half: float, width: float, size: Decimal, largest: Decimal) -> Branch:
    share = float(size / largest) if largest else 0.0
    radius = min(_LARGEST_KNOT, _LEAST_KNOT + share * 24)
    start = _MIDDLE + half - width / 2
    end_x, end_y = x + 46, float(_KNOT_Y)
    return Branch(
        path=f"M{x:.1f},{start:.1f}C{x + 34:.1f},{start:.1f} {x + 16:.1f},{end_y:.1f} {end_x:.1f},{end_y:.1f}",
        width=round(width, 1),
        x=end_x,
        y=end_y,
        radius=round(radius, 1),
    )
