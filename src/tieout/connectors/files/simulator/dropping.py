"""The files that the payroll office leaves: people, cost rates, public holidays. Each as such offices write them."""

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Final

import openpyxl  # type: ignore[import-untyped]  # it has no types of its own

from tieout.connect.simulator.seed import SeedFirm, SeedPerson

_EXPONENTS: Final = {"JPY": 0, "KRW": 0, "BHD": 3, "KWD": 3, "TND": 3}


def drop_payroll(folder: Path, firm: SeedFirm) -> None:
    """Fill ``folder``: two numbered files of rates, one of people, one workbook of holidays."""
    people = [one for one in firm.people if one.cost_rates]
    middle = len(people) // 2
    for number, part in enumerate((people[:middle], people[middle:]), start=1):
        (folder / f"RATES_{number:04d}.csv").write_bytes(_rates(part))
    (folder / "PEOPLE.txt").write_bytes(_people(firm))
    _holidays(folder / "HOLIDAYS.xlsx", firm)


def _rates(people: list[SeedPerson]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(("PersNr", "Satz", "Waehrung", "GueltigAb", "GueltigBis"))
    total, count = Decimal(0), 0
    for person in people:
        for rate in person.cost_rates:
            amount = Decimal(rate.amount_minor).scaleb(-_EXPONENTS.get(rate.currency, 2))
            total, count = total + amount, count + 1
            writer.writerow((person.key, _comma(amount), rate.currency, _german(rate.starts), _german(rate.ends)))
    writer.writerow(("SUMME", str(count), _comma(total), "", ""))
    return out.getvalue().encode("cp1252")


def _people(firm: SeedFirm) -> bytes:
    lines = [
        f"{one.key:<12}{one.name:<40}{one.email:<48}{one.employed_from:<10}{one.employed_to or '':<10}"
        for one in firm.people
    ]
    return ("\n".join([*lines, f"END{len(lines):>7}"]) + "\n").encode()


def _holidays(path: Path, firm: SeedFirm) -> None:
    book = openpyxl.Workbook()
    page = book.active
    if page is None:
        raise RuntimeError("a new workbook has no page")
    page.append(("Country", "Day", "Name"))
    for one in firm.holidays:
        page.append((one.country, one.day, one.name))
    book.save(path)


def _comma(amount: Decimal) -> str:
    return f"{amount:f}".replace(".", ",")


def _german(day: str | None) -> str:
    return "" if day is None else ".".join(reversed(day.split("-")))
