"""Taking Salesforce's answers apart: rows of a query, parts of a composite answer, deletions of a window.

Pure, and used on both ways: ``read`` sees from an answer where to go on, ``mapping`` later what the same bytes say.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from tieout.connect.json_codec import JsonValue, decode_strict, shape_strict
from tieout.connectors.salesforce.fields import UnmappableError, instant_of
from tieout.connectors.salesforce.outcome_codes import failure_of, raw_errors
from tieout.connectors.salesforce.records import SalesforceDeletedWindow
from tieout.errors import ContractError

_DATA: Final = "/services/data/"
_FIRST_ERROR: Final = 400


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one answer to a query; ``next_url`` leads to more of them."""

    rows: Sequence[JsonValue]
    next_url: str | None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a composite answer."""

    status: int
    body: JsonValue


def rows_of(payload: bytes) -> Rows:
    """The rows of the answer to one query; raises ContractError where it is none."""
    return query_rows(decode_strict(payload))


def query_rows(value: JsonValue) -> Rows:
    """The rows of a decoded answer to a query; raises ContractError where it is none."""
    found = _object(value, "a query's answer")
    rows, done, following = found.get("records"), found.get("done"), found.get("nextRecordsUrl")
    if not isinstance(rows, list) or not isinstance(done, bool):
        raise unreadable("a query's answer has no records, or does not say whether they are all")
    if done:
        return Rows(rows=rows, next_url=None)
    if not isinstance(following, str) or not following.startswith(_DATA):
        raise unreadable("a query's answer is not complete and does not say where the rest is")
    return Rows(rows=rows, next_url=following)


def parts_of(payload: bytes) -> dict[str, Part]:
    """The parts of a composite answer by their reference, in order; raises ContractError where it is none."""
    parts = _object(decode_strict(payload), "a composite answer").get("compositeResponse")
    if not isinstance(parts, list):
        raise unreadable("a composite answer has no parts")
    found: dict[str, Part] = {}
    for one in parts:
        part = _object(one, "a part of a composite answer")
        name, status = part.get("referenceId"), part.get("httpStatusCode")
        if not isinstance(name, str) or not isinstance(status, int) or isinstance(status, bool) or name in found:
            raise unreadable("a part of a composite answer does not say which it is and how it went")
        found[name] = Part(status=status, body=part.get("body"))
    return found


def rows_in_parts(payload: bytes, wanted: Sequence[str], *, what: str) -> Mapping[str, Rows]:
    """The rows of each of several queries; raises for a part that failed as ``outcome_codes.failure_of`` says."""
    parts = parts_of(payload)
    for name, part in parts.items():
        if part.status >= _FIRST_ERROR or raw_errors(part.body):
            raise failure_of(raw_errors(part.body), f"{what} ({name})", status=part.status, body=payload)
    missing = [name for name in wanted if name not in parts]
    if missing:
        raise unreadable(f"a composite answer has no part {missing[0]}")
    return {name: query_rows(part.body) for name, part in parts.items()}


def deletions_of(payload: bytes) -> list[JsonValue]:
    """The deleted records of a window; raises ContractError where the answer is none."""
    rows = _object(decode_strict(payload), "a window of deletions").get("deletedRecords")
    if not isinstance(rows, list):
        raise unreadable("a window of deletions has no records")
    return rows


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """What a window of deletions covers: ``known_from`` is the first instant of which deletions are still known."""

    known_from: datetime
    covered_to: datetime


def window_of(payload: bytes) -> Window:
    """What a window of deletions covers; raises ContractError where it does not say so."""
    told = shape_strict(decode_strict(payload), SalesforceDeletedWindow)
    try:
        return Window(
            known_from=instant_of(told.earliest_date_available, "earliestDateAvailable"),
            covered_to=instant_of(told.latest_date_covered, "latestDateCovered"),
        )
    except UnmappableError as error:
        raise unreadable(f"of a window of deletions {error}") from error


def _object(value: JsonValue, what: str) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise unreadable(f"{what} is no object")
    return value


def unreadable(why: str) -> ContractError:
    """The error for an answer that is not as Salesforce documents it."""
    return ContractError(code="TIE-SALESFORCE-002", message=f"An answer of Salesforce cannot be read: {why}.")
