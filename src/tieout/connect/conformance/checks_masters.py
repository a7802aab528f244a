"""Checks of the masters that a sink writes, and of own fields on whatever it writes.

A master is made once and then changed, once whatever is lost, whole, or refused.
What the target holds is found by business code and compared with the command, fact by fact, as far as the target can
hold it. Neighbours: ``fixture_masters`` makes the commands, ``checks_idempotency`` proves their classes.
"""

import asyncio
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Final

import msgspec

from tieout.connect.conformance.bench import Bench, with_lines
from tieout.connect.conformance.check import Catalogue, posts, writes
from tieout.connect.conformance.fixture_masters import (
    MASTERS,
    PRICE,
    Master,
    code_of,
    facts_of,
    new_code,
)
from tieout.connect.conformance.harness import ShowsMasters
from tieout.connect.conformance.score import NotApplicableError, expect
from tieout.connect.conformance.survey import objects_of, read_kinds
from tieout.connect.manifest import IdempotencyClass
from tieout.connect.outcome import Accepted, AlreadyDone, Outcome, Rejected, RejectionCode, RetryLater
from tieout.connect.simulator.control import Holding, Switches
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.model.command import kind_of
from tieout.model.journal import PostJournal
from tieout.model.reported import ReportedRecord

CHECKS: Final = Catalogue()
_DONE: Final = (Accepted, AlreadyDone)
_MOST_STEPS: Final = 8
_MOST_REPEATS: Final = 4
_LONGEST_LAG_TRIED_S: Final = 5.0
_LAG_MARGIN_S: Final = 0.5
_NO_SUCH_FIELD: Final = "no_such_field_of_this_account"
_WITH_FIELDS: Final = ("upsert_customer", "upsert_project", "upsert_task", "upsert_contract")


async def _is_made_once_and_then_changed(bench: Bench, *, command: str) -> None:
    first = await MASTERS[command].make(bench)
    made = _ref_of(await bench.write_one(first), f"a plain {command}")
    _expect_held(bench, first)
    second = MASTERS[command].changed(bench, first)
    early = await bench.find(second)
    expect(early is None, f"a look-up of a reference that was never written finds {early}: another version")
    changed = _ref_of(await bench.write_one(second), f"a changed {command}")
    expect(changed == made, f"it was made as {made} and changed as {changed}: another object")
    _expect_held(bench, second)
    found = await bench.find(second)
    if found is None and _class(bench, command) is not IdempotencyClass.L:
        return
    expect(found is not None and found.count == 1, f"the look-up of what was written last finds {found}")
    expect(found is not None and found.ref == changed, f"the look-up names {found}, the outcome {changed}")


async def _comes_back(bench: Bench, *, command: str) -> None:
    kind = MASTERS[command].kind
    await objects_of(bench, kind)
    first = await MASTERS[command].make(bench)
    second = MASTERS[command].changed(bench, first)
    ref = _ref_of(await bench.write_one(first), f"a plain {command}")
    ref = _ref_of(await bench.write_one(second), f"a changed {command}") or ref
    living = (await read_kinds(bench, kind)).living(kind)
    expect(ref in living, f"the outcome names {ref}, and no {kind} is read under that id")
    item = living.get(ref)
    wanted = {name: getattr(second, name, None) for name in ("name", "code", "currency")} | _dates(second)
    if isinstance(item, ReportedRecord):
        wrong = {
            name: (value, item.fields[name])
            for name, value in wanted.items()
            if value is not None and item.fields.get(name) is not None and item.fields[name] != value
        }
        expect(not wrong, f"what was written is read as something else (written, read): {wrong}")


def _dates(command: Master) -> dict[str, str]:
    found = {name: getattr(command, name, None) for name in ("starts", "ends")}
    return {name: day.isoformat() for name, day in found.items() if day is not None}


async def _is_whole_wherever_it_is_cut(bench: Bench, *, command: str) -> None:
    declared = _class(bench, command)
    if declared is IdempotencyClass.N:
        raise NotApplicableError("a write of class N is never repeated by the machine")
    before = bench.site.status().writes
    wanted = await MASTERS[command].make(bench)
    _ref_of(await bench.write_one(wanted), f"a plain {command}")
    steps = min(bench.site.status().writes - before, _MOST_STEPS)
    for step in range(steps):
        for fault in (FaultKind.COMMIT_THEN_DROP, FaultKind.DROP):
            wanted = await _next(bench, command, wanted)
            bench.site.force(Fault(kind=fault, on="write", skip=step))
            cut = await bench.write_one(wanted)
            bench.site.calm()
            found = await bench.find(wanted)
            if found is None or declared is not IdempotencyClass.L:
                again = await bench.write_one(wanted)
                known = isinstance(again, Rejected) and again.code is RejectionCode.CONFLICT
                where = f"{fault} at request {step + 1} of {steps} ({cut})"
                expect(isinstance(again, _DONE) or known, f"after {where}, writing again became {again}")
            _expect_held(bench, wanted, f"after {fault} at request {step + 1} of {steps}: ")


async def _next(bench: Bench, command: str, last: Master) -> Master:
    """Another object, or, of one that is always there (a project's status), the version that says something else."""
    fresh = await MASTERS[command].make(bench)
    return MASTERS[command].changed(bench, fresh) if facts_of(fresh) == facts_of(last) else fresh


async def _is_found_within_the_lag(bench: Bench, *, command: str) -> None:
    lag_s = bench.manifest.read_your_write_lag_s
    if not 0 < lag_s <= _LONGEST_LAG_TRIED_S:
        raise NotApplicableError("no lag is declared, or one too long to try here")
    wanted = await MASTERS[command].make(bench)
    bench.site.switch(Switches(read_lag_s=lag_s))
    outcome = await bench.write_one(wanted)
    for _ in range(_MOST_REPEATS):
        if not isinstance(outcome, RetryLater):
            break
        await asyncio.sleep(lag_s + _LAG_MARGIN_S)
        outcome = await bench.write_one(wanted)
    _ref_of(outcome, f"a plain {command}")
    await asyncio.sleep(lag_s + _LAG_MARGIN_S)
    expect(await bench.find(wanted) is not None, f"a look-up does not see it {lag_s} s after it was written")


async def _own_fields_arrive(bench: Bench, *, command: str) -> None:
    given = bench.site.sheet().custom_fields.get(command, {})
    if not given:
        raise NotApplicableError("the account has no fields of its own that this command may fill")
    wanted = msgspec.structs.replace(await MASTERS[command].make(bench), fields=dict(given))
    _ref_of(await bench.write_one(wanted), f"{command} with {', '.join(given)}")
    held = _held(bench, wanted)
    expect(len(held) == 1, f"the target holds it {len(held)} times")
    for name, value in given.items():
        there = held[0].facts.get(f"field:{name}")
        expect(_plain(there) == _plain(value), f"field {name} was sent as {value!r} and is held as {there!r}")


async def _unknown_fields_are_refused(bench: Bench, *, command: str) -> None:
    wanted = msgspec.structs.replace(await MASTERS[command].make(bench), fields={_NO_SUCH_FIELD: "x"})
    outcome = await bench.write_one(wanted)
    if isinstance(outcome, Rejected):
        expect(_NO_SUCH_FIELD in outcome.words, f"the refusal does not name the field: {outcome.words!r}")
        expect(not _held(bench, wanted), "a refused command left an object")
        return
    expect(isinstance(outcome, _DONE), f"a field that the account does not have became {outcome}")
    kept = [one for one in _held(bench, wanted) if f"field:{_NO_SUCH_FIELD}" in one.facts]
    expect(kept, "a field that the account does not have was dropped without a word")


async def _own_dimensions(bench: Bench, dimensions: Mapping[str, str]) -> tuple[PostJournal, Outcome]:
    plain = bench.journal()
    lines = [msgspec.structs.replace(one, dimensions=dict(dimensions)) for one in plain.lines]
    wanted = with_lines(plain, lines)
    return wanted, await bench.write_one(wanted)


@CHECKS.check(posts)
async def own_dimensions_arrive_with_a_journal(bench: Bench) -> None:
    """Dimensions of the account's own, on the lines of a journal, arrive with their values."""
    given = bench.site.sheet().custom_fields.get("post_journal", {})
    if not given:
        raise NotApplicableError("the account has no dimensions of its own that a journal may fill")
    wanted, outcome = await _own_dimensions(bench, given)
    _ref_of(outcome, f"a journal with {', '.join(given)}")
    held = bench.site.holdings(wanted.reference)
    expect(len(held) == 1, f"the target holds it {len(held)} times")
    for name, value in given.items():
        there = held[0].facts.get(f"field:{name}")
        expect(there == value, f"dimension {name} was sent as {value!r} and is held as {there!r}")


@CHECKS.check(posts)
async def an_unknown_dimension_is_refused_in_words(bench: Bench) -> None:
    """A journal with a dimension that the account does not have is refused in words."""
    given = bench.site.sheet().custom_fields.get("post_journal", {})
    if not given:
        raise NotApplicableError("the account has no dimensions of its own that a journal may fill")
    wanted, outcome = await _own_dimensions(bench, {_NO_SUCH_FIELD: "x"})
    expect(isinstance(outcome, Rejected), f"a journal with an unknown dimension became {outcome}")
    expect(isinstance(outcome, Rejected) and _NO_SUCH_FIELD in outcome.words, "the refusal does not name it")
    expect(not bench.site.holdings(wanted.reference), "a refused journal is recorded")


async def _unknown_is_refused(bench: Bench, *, command: str, member: str, code: RejectionCode | None) -> None:
    wanted = msgspec.structs.replace(await MASTERS[command].make(bench), **{member: new_code(bench)})
    outcome = await bench.write_one(wanted)
    expect(isinstance(outcome, Rejected), f"{command} with an unknown {member} became {outcome}")
    if isinstance(outcome, Rejected):
        expect(outcome.words.strip(), "the refusal has no words")
        expect(code in {None, outcome.code}, f"it is told as {outcome.code}, not as {code}")
    expect(not bench.site.holdings(wanted.reference), "a refused command is recorded")


def _class(bench: Bench, command: str) -> IdempotencyClass:
    capability = bench.manifest.write(command)
    if capability is None:
        raise NotApplicableError(f"the connector does not write {command}")
    return capability.idempotency


def _ref_of(outcome: Outcome, what: str) -> str:
    expect(isinstance(outcome, _DONE), f"{what} became {outcome}")
    ref = outcome.ref if isinstance(outcome, _DONE) else ""
    expect(ref, "the outcome names no id of the target")
    return ref


def _held(bench: Bench, command: Master) -> list[Holding]:
    """What the target holds of the command's object, whatever reference it carries."""
    site = bench.site
    if not isinstance(site, ShowsMasters):
        raise NotApplicableError("the system does not show the masters that it holds")
    masters = [one for one in site.masters() if one.kind == kind_of(command)]
    mine = [one for one in masters if one.code == code_of(command)]
    unnamed = any(one.code is None and one.reference == command.reference for one in masters)
    if not mine and (unnamed or (not masters and bench.site.holdings(command.reference))):
        raise NotApplicableError("the system does not show what it holds by business code")
    return mine


def _expect_held(bench: Bench, command: Master, where: str = "") -> None:
    """One object, and every fact that the target holds of it is the command's."""
    held = _held(bench, command)
    expect(len(held) == 1, f"{where}the target holds {code_of(command)} {len(held)} times")
    shows_prices = any(name.startswith(PRICE) for name in held[0].facts)
    for name, value in facts_of(command).items():
        there = held[0].facts.get(name)
        is_unseen = there is None and not (shows_prices and name.startswith(PRICE))
        expect(is_unseen or _plain(there) == _plain(value), f"{where}{name} was sent as {value!r}, is {there!r}")


def _plain(text: str | None) -> str | None:
    """A decimal in one form, so that 80 and 80.00 are equal."""
    try:
        return None if text is None else f"{Decimal(text).normalize():f}"
    except InvalidOperation:
        return text


_SAYS: Final[Mapping[str, str]] = {
    "is_made_once_and_then_changed": "written, and written again with changes under another reference, is one object.",
    "comes_back_in_a_read": "what was written is read under the id that the outcome named, and as it was written.",
    "is_whole_wherever_its_write_is_cut": "cut at each request and written again, it is one object with all facts.",
    "is_found_within_the_lag": "with reads as late as declared, a look-up after the lag sees it.",
}
_EXPERIMENTS: Final = {
    "is_made_once_and_then_changed": _is_made_once_and_then_changed,
    "comes_back_in_a_read": _comes_back,
    "is_whole_wherever_its_write_is_cut": _is_whole_wherever_it_is_cut,
    "is_found_within_the_lag": _is_found_within_the_lag,
}
for _command in MASTERS:
    for _name, _experiment in _EXPERIMENTS.items():
        CHECKS.add(
            name=f"{_command}_{_name}",
            proves=f"For {_command}: {_SAYS[_name]}",
            applies=writes(_command),
            experiment=partial(_experiment, command=_command),
        )
for _command in _WITH_FIELDS:
    CHECKS.add(
        name=f"own_fields_arrive_with_{_command}",
        proves=f"For {_command}: fields of the account's own arrive with their values.",
        applies=writes(_command),
        experiment=partial(_own_fields_arrive, command=_command),
    )
    CHECKS.add(
        name=f"an_unknown_field_of_{_command}_is_refused_in_words",
        proves=f"For {_command}: a field that the account does not have is refused in words, never dropped.",
        applies=writes(_command),
        experiment=partial(_unknown_fields_are_refused, command=_command),
    )
for _command, _member, _code in (
    ("upsert_project", "customer_code", RejectionCode.CUSTOMER_UNKNOWN),
    ("upsert_contract", "customer_code", RejectionCode.CUSTOMER_UNKNOWN),
    ("upsert_task", "project_code", RejectionCode.PROJECT_UNKNOWN),
    ("set_project_status", "project_code", RejectionCode.PROJECT_UNKNOWN),
    ("link_deal", "deal", None),
):
    CHECKS.add(
        name=f"{_command}_with_an_unknown_{_member.removesuffix('_code')}_is_refused",
        proves=f"For {_command}: an unknown {_member.removesuffix('_code')} is refused as such, in words.",
        applies=writes(_command),
        experiment=partial(_unknown_is_refused, command=_command, member=_member, code=_code),
    )
