"""The plans of the fixture firm: deals, bookings, absences and holidays, on days that are easily got wrong.

Neighbours: ``fixture_firm`` puts them beside its masters, ``checks_plan`` and ``checks_records`` compare what comes
back. Both days of a span belong to it, as people plan; spans begin and end around the changes of clocks, of months and
of years, and on a leap day. Beside the awkward ones there are as many plain ones as fill a page and begin the next.
"""

from datetime import date, timedelta
from typing import Final

from tieout.connect.simulator.seed import SeedAssignment, SeedDeal, SeedDealLine, SeedHoliday, SeedTimeOff

WON: Final = "Closed Won"
LOST: Final = "Closed Lost"
CHANGED_AT: Final = "2026-08-10T06:00:00Z"
_BEYOND_A_PAGE: Final = 25
_CODES: Final = ("US01", "DE01", "JP01", "KW01")
_CURRENCIES: Final = {"US01": "USD", "DE01": "EUR", "JP01": "JPY", "KW01": "KWD"}
_FIRST_MONDAY: Final = date(2026, 4, 6)
_WORKING_DAYS: Final = 5

_SPANS: Final = (
    ("2026-03-06", "2026-03-09", 480, "hard"),
    ("2026-03-27", "2026-03-30", 450, "hard"),
    ("2026-10-23", "2026-10-26", 90, "soft"),
    ("2026-10-30", "2026-11-02", 240, "hard"),
    ("2026-02-27", "2026-03-02", 100, "soft"),
    ("2026-12-31", "2027-01-01", 30, "hard"),
)
"""First and last day, minutes a day and how firm: over each change of clocks, the end of February, and that of 2026."""

_ABSENCES: Final = (
    ("2026-03-06", "2026-03-09", "vacation", "approved", None),
    ("2026-03-30", "2026-03-30", "sick", "approved", 240),
    ("2026-10-23", "2026-10-26", "vacation", "requested", None),
    ("2026-11-02", "2026-11-02", "sick", "approved", None),
    ("2026-12-31", "2027-01-04", "vacation", "approved", None),
)


def fixture_assignments(page_size: int) -> list[SeedAssignment]:
    """Bookings of people; no two have the same days and minutes, and the notes of each are its own."""
    awkward = [
        _assignment(number, starts=starts, ends=ends, minutes=minutes, status=status)
        for number, (starts, ends, minutes, status) in enumerate(_SPANS)
    ]
    return awkward + [plain_assignment(number) for number in range(_plain(page_size))]


def plain_assignment(number: int) -> SeedAssignment:
    """Booking ``number`` of those that differ by their minutes only."""
    monday = _FIRST_MONDAY + timedelta(weeks=number % 20)
    return _assignment(
        len(_SPANS) + number,
        starts=monday.isoformat(),
        ends=(monday + timedelta(days=4)).isoformat(),
        minutes=60 + number,
        status="hard",
    )


def _assignment(number: int, *, starts: str, ends: str, minutes: int, status: str) -> SeedAssignment:
    code = _CODES[number % len(_CODES)]
    return SeedAssignment(
        key=f"A-{number}",
        person=f"W-{code}-{1 + number // len(_CODES) % 2}",
        project=f"P-{code}",
        role=("Consultant", "Principal")[number // len(_CODES) % 2],
        starts=starts,
        ends=ends,
        minutes_per_day=minutes,
        status=status,
        notes=f"Booking {number}, naïve 設計",
        updated_at=CHANGED_AT,
    )


def fixture_time_off(page_size: int) -> list[SeedTimeOff]:
    """Absences of people; no two of one person have the same days."""
    awkward = [
        SeedTimeOff(
            key=f"O-{number}",
            person=f"W-{_CODES[number % len(_CODES)]}-1",
            starts=starts,
            ends=ends,
            kind=kind,
            status=status,
            minutes_per_day=minutes,
            updated_at=CHANGED_AT,
        )
        for number, (starts, ends, kind, status, minutes) in enumerate(_ABSENCES)
    ]
    return awkward + [plain_time_off(number) for number in range(_plain(page_size))]


def plain_time_off(number: int) -> SeedTimeOff:
    """Absence ``number`` of those that take one working day."""
    week, weekday = divmod(number, _WORKING_DAYS)
    day = (_FIRST_MONDAY + timedelta(weeks=week, days=weekday)).isoformat()
    return SeedTimeOff(
        key=f"O-{len(_ABSENCES) + number}",
        person=f"W-{_CODES[number % len(_CODES)]}-2",
        starts=day,
        ends=day,
        kind="vacation",
        updated_at=CHANGED_AT,
    )


def fixture_deals(page_size: int) -> list[SeedDeal]:
    """Deals at every kind of stage: two won with contract and lines, one lost, one open, one that says little."""
    return [
        _won("D-US01", "O'Brien & Sons: phase 1", "US01", amount_minor=123_456_78, close_date="2026-03-08"),
        _won("D-DE01", "Müller: Überführung", "DE01", amount_minor=99_999_999_99, close_date="2026-03-29"),
        SeedDeal(
            key="D-JP01",
            name="東京建設 基幹刷新",
            client="C-JP01",
            stage="Negotiation/Review",
            probability="75",
            amount_minor=12_345_678,
            currency="JPY",
            close_date="2026-12-31",
            entity="JP01",
            updated_at=CHANGED_AT,
        ),
        SeedDeal(
            key="D-KW01",
            name="مشروع المثال",
            client="C-KW01",
            stage=LOST,
            amount_minor=1,
            currency="KWD",
            close_date="2026-11-01",
            entity="KW01",
            updated_at=CHANGED_AT,
        ),
        *(plain_deal(number) for number in range(1 + _plain(page_size))),
    ]


def plain_deal(number: int) -> SeedDeal:
    """Deal ``number`` of those that nobody has filled in yet."""
    return SeedDeal(
        key=f"D-{number}",
        name=f"Enquiry {number}",
        client="C-US01",
        stage="Prospecting",
        probability="10",
        amount_minor=10_000_00 + number,
        currency="USD",
        close_date="2026-10-25",
        updated_at=CHANGED_AT,
    )


def _won(key: str, name: str, entity: str, *, amount_minor: int, close_date: str) -> SeedDeal:
    currency = _CURRENCIES[entity]
    return SeedDeal(
        key=key,
        name=name,
        client=f"C-{entity}",
        stage=WON,
        probability="100",
        amount_minor=amount_minor,
        currency=currency,
        close_date=close_date,
        entity=entity,
        service_line="Strategy",
        starts="2026-03-09",
        ends="2028-02-29",
        rate_card=f"RC-{currency}",
        contract=f"CT-{entity}",
        contract_status="Activated",
        po_number=f"PO-{entity}/7",
        tax_treatment="standard",
        updated_at=CHANGED_AT,
        lines=[
            SeedDealLine(
                key=f"{key}-1",
                role="Consultant",
                minutes=60 * 1_200 + 15,
                price_minor=17_550,
                starts="2026-03-09",
                ends="2026-10-31",
                location="Berlin",
                skills=["Consolidation", "会計"],
            ),
            SeedDealLine(
                key=f"{key}-2",
                role="Principal",
                minutes=60 * 80,
                price_minor=31_001,
                starts="2026-10-25",
                ends="2028-02-29",
            ),
        ],
    )


def fixture_holidays() -> list[SeedHoliday]:
    """One public holiday of each country."""
    return [
        SeedHoliday(country="US", day="2026-11-26", name="Thanksgiving Day"),
        SeedHoliday(country="DE", day="2026-10-03", name="Tag der Deutschen Einheit"),
        SeedHoliday(country="JP", day="2026-11-03", name="文化の日"),
        SeedHoliday(country="KW", day="2026-02-25", name="العيد الوطني"),
    ]


def _plain(page_size: int) -> int:
    """How many plain ones there are: none where nobody pages."""
    return page_size + _BEYOND_A_PAGE if page_size else 0
