"""The pictures: as wide as what flows, a knot where it does not."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tieout.console.charts import band, week_bars
from tieout.console.readers.streams import Station, Stream, Stuck

OLD = datetime(2026, 10, 1, tzinfo=UTC)


def station(size: int, *stuck: Stuck) -> Station:
    return Station(name="S", size=Decimal(size), count=size, unit="entries", path="/", values={}, stuck=stuck)


def knot(size: int) -> Stuck:
    return Stuck(size=Decimal(size), words="held", count=size, path="/", values={}, oldest=OLD)


def stream(*stations: Station) -> Stream:
    return Stream(key="s", title="S", note="", measure="hours", stations=stations)


def test_a_stop_is_as_high_as_its_share_of_the_first() -> None:
    stops = band(stream(station(100, knot(50)), station(50), station(50))).stops
    first, second, third = (bottom - top - 6 for _, top, bottom in stops)
    assert second == third == first / 2


def test_work_that_is_stuck_leaves_the_band_and_ends_in_a_knot() -> None:
    picture = band(stream(station(100, knot(20)), station(80)))
    assert len(picture.branches) == 1
    assert picture.branches[0].width == 44 * 0.2
    assert band(stream(station(100), station(100))).branches == []


def test_a_larger_share_makes_a_larger_knot() -> None:
    small, large = (band(stream(station(100, knot(size)), station(10))).branches[0].radius for size in (1, 20))
    assert small < large


def test_a_stream_without_anything_is_a_thin_line() -> None:
    picture = band(stream(station(0), station(0)))
    assert all(bottom - top - 6 == 1.5 for _, top, bottom in picture.stops)


def test_a_stream_says_since_when_its_oldest_is_stuck() -> None:
    assert stream(station(1, knot(1)), station(0)).oldest == OLD
    assert stream(station(1)).oldest is None


def test_hours_of_a_week_are_stacked_from_the_base_up() -> None:
    weeks = [
        (date(2026, 11, 23), Decimal(10), Decimal(20), Decimal(10)),
        (date(2026, 11, 30), Decimal(0), Decimal(0), Decimal(0)),
    ]
    bars = week_bars(weeks, this_week=date(2026, 11, 30))
    first, second = bars.bars
    assert [name for name, _, _ in first.parts] == ["", "firm-part", "soft-part"]
    assert first.parts[0][1] + first.parts[0][2] == bars.base
    assert sum(height for _, _, height in first.parts) == bars.base - 12
    assert second.parts == []
    assert bars.now_x is not None
    assert first.x < bars.now_x < second.x + second.width
