"""Takes over what runs already: records of different systems that are one are made one, as a person decided in a file.

The file is CSV with the columns of ``COLUMNS``; ``tieout adopt`` writes it with an empty ``decision`` to be filled with
``yes`` or ``no``. What is confirmed releases whatever waited for it. Neighbour: ``records.adoption_store``.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TextIO

import msgspec
from psycopg import Cursor

from tieout.connect.spreadsheet import harmless
from tieout.desk import intake
from tieout.errors import ConfigurationError
from tieout.governance import audit, firm_version
from tieout.inbound import bookings_review, record_acceptance
from tieout.ledger.publication import publish
from tieout.model.clock import Clock
from tieout.records.adoption import Proposal
from tieout.records.adoption_store import Decision, decide
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import connect, in_transaction
from tieout.storage.wake import notify

COLUMNS: Final = (
    "type", "system", "key", "name", "kept_system", "kept_key", "kept_name", "score", "evidence", "decision",
)  # fmt: skip
_YES, _NO, _LATER = "yes", "no", ""


class Adopted(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of decisions did: how many records became one, how many pairs stay apart, and how many are open."""

    joined: int
    apart: int
    undecided: int
    released: int


def write_proposals(out: TextIO, proposals: Iterable[Proposal]) -> None:
    """The proposals as a file to decide on; text that a spreadsheet would run as a formula is quoted."""
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in proposals:
        gone, kept = next(iter(one.gone.keys.items())), next(iter(one.kept.keys.items()))
        row = (one.gone.type, *gone, one.gone.name, *kept, one.kept.name, str(one.score), one.evidence, _LATER)
        writer.writerow([harmless(cell) for cell in row])


def read_decisions(path: Path) -> tuple[list[Decision], int]:
    """The decisions of a file, and how many lines are undecided.

    Raises ConfigurationError TIE-RECORD-007 for a file that cannot be understood, naming the line.
    """
    decisions: list[Decision] = []
    undecided = 0
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            if not {"type", "system", "key", "kept_system", "kept_key", "decision"} <= set(reader.fieldnames or ()):
                raise _unreadable(path, 1, f"the columns are not {', '.join(COLUMNS)}")
            for row in reader:
                word = (row["decision"] or "").strip().casefold()
                if word not in {_YES, _NO, _LATER}:
                    raise _unreadable(path, reader.line_num, f"decision is {word!r}, not yes or no")
                if word == _LATER:
                    undecided += 1
                    continue
                decisions.append(_decision(row, is_one=word == _YES))
        except (csv.Error, UnicodeDecodeError) as error:
            raise _unreadable(path, reader.line_num + 1, str(error)) from error
    return decisions, undecided


def adopt(url: str, decisions: Sequence[Decision], *, undecided: int, actor: str, clock: Clock) -> Adopted:
    """Carry out ``decisions`` in one transaction; everything or nothing. Errors of ``adoption_store.decide``."""
    ids = SystemIds()
    with connect(url, autocommit=True) as conn:

        def work(cur: Cursor[tuple[object, ...]]) -> Adopted:
            now = clock.now()
            result = decide(cur, decisions, actor=actor, now=now, ids=ids)
            record_acceptance.settle_records(cur, result, now=now)
            record_acceptance.settle_matched(cur, now=now)
            bookings_review.request_merged(cur)
            published = publish(cur, firm=firm_version.current(conn), now=now)
            released = intake.release_waiting(
                cur,
                sorted(result.depends_on | published.depends_on),
                now=now,
                reason="Records became one.",
                actor=actor,
            )
            notify(cur, "lead_to_project")
            joined = sum(one.is_one for one in decisions)
            for one in decisions:
                audit.append(cur, _act(one, actor), now=now)
            return Adopted(joined=joined, apart=len(decisions) - joined, undecided=undecided, released=released)

        return in_transaction(conn, work)


def _act(decision: Decision, actor: str) -> audit.AuditEntry:
    return audit.AuditEntry(
        principal=actor,
        action="records.joined" if decision.is_one else "records.kept_apart",
        object_kind=decision.type,
        object_id=":".join(decision.gone),
        reason=decision.evidence,
        after={"kept": ":".join(decision.kept)},
    )


def _decision(row: dict[str, str], *, is_one: bool) -> Decision:
    return Decision(
        type=row["type"],
        gone=(row["system"], row["key"]),
        kept=(row["kept_system"], row["kept_key"]),
        is_one=is_one,
        evidence=row.get("evidence") or "",
    )


def _unreadable(path: Path, line: int, why: str) -> ConfigurationError:
    return ConfigurationError(code="TIE-RECORD-007", message=f"{path.name} line {line} cannot be read: {why}.")
