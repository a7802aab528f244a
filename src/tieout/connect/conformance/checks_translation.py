"""Checks of the translator: canonical words say exactly what the vendor said, or that it cannot be understood."""

from decimal import Decimal
from functools import partial
from typing import Final

import msgspec
from iso4217 import Currency

from tieout.connect.conformance.bench import Bench, latest
from tieout.connect.conformance.check import Catalogue, reads, reads_time
from tieout.connect.conformance.fixture_firm import DST_DATES
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.source import Page, Unreadable, kind_of
from tieout.errors import ContractError, TransientError
from tieout.model.reported import RecordType, ReportedRecord, ReportedTime

CHECKS: Final = Catalogue()
_BROKEN_TEXT: Final = ("not_a_number", "duplicate_key", "nested", "truncated", "bad_utf8")


@CHECKS.check(reads)
async def every_record_has_an_id_and_a_version(bench: Bench) -> None:
    """Every item has a source id, a version, and is unique by its id within one reading."""
    for name, pages in (await bench.read_everything()).items():
        keys: list[tuple[str, str, int]] = []
        for item in bench.translate(pages):
            expect(not isinstance(item, Unreadable), f"{name}: an item of the fixture firm is unreadable: {item}")
            if isinstance(item, Unreadable):
                continue
            expect(item.source_id.strip(), f"{name}: an item has no source id")
            expect(item.version > 0, f"{name}: item {item.source_id} has version {item.version}")
            keys.append((kind_of(item), item.source_id, item.version))
        contradictions = {(kind, key) for kind, key, _ in keys}
        versions = {(kind, key): version for kind, key, version in keys}
        expect(
            all(version == versions[kind, key] for kind, key, version in keys) and len(contradictions) == len(versions),
            f"{name}: one record has several versions in one reading",
        )


@CHECKS.check(reads)
async def translation_is_pure(bench: Bench) -> None:
    """Translating a stored payload again, in any order, gives the same items and touches no wire."""
    pages = [page for name in bench.objects for page in await bench.read(name)]
    requests = len(bench.exchanges)
    forwards = [list(bench.translate([page])) for page in pages]
    backwards = [list(bench.translate([page])) for page in reversed(pages)]
    expect(forwards == backwards[::-1], "the same payload is translated differently the second time")
    expect(len(bench.exchanges) == requests, "the translator talked to the system")
    for page, items in zip(pages, forwards, strict=True):
        expect(
            page.item_count is None or page.item_count == len(items),
            f"{page.object}: {page.item_count} items announced, {len(items)} translated",
        )


@CHECKS.check(reads)
async def canonical_values_survive_storage(bench: Bench) -> None:
    """What was translated can be stored and read back equal: no value is outside its type."""
    for name in bench.objects:
        for item in bench.translate(await bench.read(name)):
            kind = type(item)
            again = msgspec.json.decode(msgspec.json.encode(item), type=kind)
            expect(again == item, f"{name}: {item} is not equal after storage")


@CHECKS.check(reads_time)
async def work_dates_stay_on_days_when_clocks_change(bench: Bench) -> None:
    """A work date is a civil date: on the days when clocks change it is the day that was keyed."""
    keyed = {one.notes: one.work_date for one in bench.site.entries if one.work_date in DST_DATES}
    found = 0
    for pages in (await bench.time_objects()).values():
        for item in bench.translate(pages):
            if isinstance(item, ReportedTime) and item.narrative in keyed:
                found += 1
                expect(
                    item.work_date.isoformat() == keyed[item.narrative],
                    f"{item.narrative!r} was keyed on {keyed[item.narrative]} and is read as {item.work_date}",
                )
    expect(found >= len(keyed), f"{found} of {len(keyed)} entries of such days were read")


@CHECKS.check(reads)
async def rates_are_exact_in_every_currency(bench: Bench) -> None:
    """Rates of currencies with no, two and three decimals come back exactly, each with its currency."""
    records = [item for item in await _records(bench) if item.type in {RecordType.COST_RATE, RecordType.RATE_LINE}]
    if not records:
        raise NotApplicableError("the connector reads no rates")
    got = {(item.type, _currency_of(item), _decimal(item.fields.get("price"))) for item in records}
    firm = bench.site.firm
    if any(kind is RecordType.COST_RATE for kind, _, _ in got):
        for person in firm.people:
            for rate in person.cost_rates:
                wanted = (RecordType.COST_RATE, rate.currency, _major(rate.amount_minor, rate.currency))
                expect(wanted in got, f"cost rate {wanted[2]} {wanted[1]} is not read as such")
    prices = {price for kind, _, price in got if kind is RecordType.RATE_LINE}
    for card in firm.rate_cards if prices else ():
        for line in card.lines:
            price = _major(line.amount_minor, card.currency)
            expect(price in prices, f"bill rate {price} {card.currency} is not read as such")


@CHECKS.check(reads)
async def exchange_rates_are_exact(bench: Bench) -> None:
    """Exchange rates keep pair, date and every digit."""
    rates = [item for item in await _records(bench) if item.type is RecordType.FX_RATE]
    if not rates:
        raise NotApplicableError("the connector reads no exchange rates")
    got = {
        (str(one.fields["base"]), str(one.fields["quote"]), str(one.fields["rate_date"])): _decimal(one.fields["rate"])
        for one in rates
    }
    for rate in bench.site.firm.fx_rates:
        forwards = got.get((rate.base, rate.quote, rate.day))
        expect(
            forwards == Decimal(rate.rate),
            f"{rate.base}/{rate.quote} of {rate.day} is {rate.rate} and is read as {forwards}",
        )


@CHECKS.check(reads)
async def names_survive_in_any_script(bench: Bench) -> None:
    """Names keep every character: accents, apostrophes, ampersands, Japanese, Arabic."""
    got = {str(item.fields.get("name")) for item in await _records(bench)}
    clients = [one.name for one in bench.site.firm.clients]
    if not any(item.type is RecordType.CLIENT for item in await _records(bench)):
        raise NotApplicableError("the connector reads no clients")
    for name in clients:
        expect(name in got, f"client {name!r} is not read under its name")


@CHECKS.check(reads)
async def periods_are_half_open_and_tell_whether_they_are_closed(bench: Bench) -> None:
    """Accounting periods come with dates, the end exclusive, and the closed ones are told as closed."""
    periods = [item for item in await _records(bench) if item.type is RecordType.PERIOD]
    if not periods:
        raise NotApplicableError("the connector reads no periods")
    firm = bench.site.firm
    closed = {f"{month}-01" for entity in firm.entities for month in entity.closed_periods}
    open_months = {f"{month}-01" for entity in firm.entities for month in entity.periods} - closed
    for month in closed | open_months:
        told = {
            str(item.fields["state"]): str(item.fields["ends"]) for item in periods if item.fields["starts"] == month
        }
        expect(told, f"the period that starts on {month} is not read")
        expect("open" in told or month in closed, f"the open period of {month} is told as {', '.join(told)}")
        expect(month not in closed or set(told) - {"open"}, f"the closed period of {month} is told as open")
        expect(all(end.endswith("-01") for end in told.values()), f"the period of {month} does not end exclusively")


async def _drift_is_told(bench: Bench, *, variant: str) -> None:
    """Read everything through a drifted schema: each item is understood as before, or told as unreadable."""
    told = 0
    for name in bench.objects:
        before = latest(bench.translate(await bench.read(name)))
        bench.site.force(Fault(kind=FaultKind.SCHEMA_DRIFT, on="read", count=1_000, variant=variant))
        pages = await _read_what_comes(bench, name)
        bench.site.calm()
        if pages is None:
            told += 1
            continue
        for page in pages:
            try:
                items = list(bench.translator.translate(name, page.payload))
            except ContractError:
                told += 1
                continue
            told += sum(isinstance(item, Unreadable) for item in items)
            for key, item in latest(items).items():
                expect(
                    key not in before or item == before[key],
                    f"{name}: after the drift, {key} is silently read as something else",
                )
    expect(told, "the schema drifted and nothing was told as unreadable")


for _variant, _sentence in {
    "unknown_enum": "A word that the vendor never used before makes its item unreadable, never a default.",
    "missing": "A member that is no longer there makes its item unreadable, never a default.",
    "retyped": "A member of another type than documented makes its item unreadable; nothing is coerced.",
}.items():
    CHECKS.add(
        name=f"drift_{_variant}_is_told",
        proves=_sentence,
        applies=reads,
        experiment=partial(_drift_is_told, variant=_variant),
        fresh=True,
    )


@CHECKS.check(reads, fresh=True)
async def broken_text_is_a_contract_error(bench: Bench) -> None:
    """NaN, equal keys, deep nesting, half a page and bytes that are no text are refused as a whole, without a crash."""
    for name in bench.objects:
        for variant in _BROKEN_TEXT:
            bench.site.force(Fault(kind=FaultKind.SCHEMA_DRIFT, on="read", count=1_000, variant=variant))
            pages = await _read_what_comes(bench, name)
            bench.site.calm()
            for page in pages or ():
                try:
                    items = bench.translator.translate(name, page.payload)
                except ContractError:
                    continue
                understood = [item for item in items if not isinstance(item, Unreadable)]
                expect(not understood, f"{name}: {len(understood)} items were read from a payload with {variant}")


async def _read_what_comes(bench: Bench, name: str) -> list[Page] | None:
    """The pages of an object; None where the source itself refused what it got."""
    try:
        return await bench.read(name)
    except (ContractError, TransientError):
        return None


async def _records(bench: Bench) -> list[ReportedRecord]:
    found = [item for name in bench.objects for item in bench.translate(await bench.read(name))]
    return [item for item in found if isinstance(item, ReportedRecord)]


def _currency_of(item: ReportedRecord) -> str | None:
    currency = item.fields.get("currency")
    return None if currency is None else str(currency)


def _decimal(value: object) -> Decimal:
    return Decimal(str(value)).normalize()


def _major(amount_minor: int, currency: str) -> Decimal:
    return Decimal(amount_minor).scaleb(-(Currency(currency).exponent or 0)).normalize()
