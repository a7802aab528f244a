"""What is written to Float: clients, projects, their status and demand, as the API wants them. Pure.

Of a project Float takes name, code, client, days, status and a budget of hours. A budget of money is not written, as
Float keeps it in a currency of its own account; contract, rate card and service line have no place; the project manager
is a login that only people give, so that it is written where ``fields`` name its key. What cannot be written is refused
in words and never cut. Neighbours: ``write`` and ``demand`` send these, ``outcome_codes`` judges the answers.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from tieout.connect.json_codec import JsonValue
from tieout.connect.outcome import Rejected, RejectionCode
from tieout.model.command import UpsertCustomer, UpsertProject

Value = str | int | Decimal | None | dict[str, list[dict[str, int | None]]]

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_NAME_CHARS: Final = 200
_CODE_CHARS: Final = 32
_BUDGET_OF_HOURS: Final = 1
_STATUSES: Final[dict[str, dict[str, Value]]] = {
    "proposed": {"status": 0, "active": 1},
    "approved": {"status": 1, "active": 1},
    "provisioning": {"status": 1, "active": 1},
    "active": {"status": 2, "active": 1},
    "on_hold": {"status": 1, "active": 1},
    "delivery_complete": {"status": 3, "active": 1},
    "financially_closed": {"status": 3, "active": 1},
    "archived": {"status": 3, "active": 0},
}
"""Draft, tentative, confirmed and completed, and whether a project is active or archived (reference "Projects")."""

_TEXTS: Final = frozenset({"color", "default_hourly_rate"})
_NUMBERS: Final = frozenset({"non_billable", "all_pms_schedule", "locked_task_list", "project_manager", "stage_id"})


def encode(body: Mapping[str, Value]) -> bytes:
    """A body as JSON; hours are numbers."""
    return _ENCODER.encode(body)


def refused_customer(command: UpsertCustomer, name: str) -> Rejected | None:
    """Why a client cannot be written under ``name``, or None."""
    if not command.code or any(one.isspace() or one in "[]" for one in command.code):
        return _invalid(f"The code {command.code!r} cannot end a client's name: it is empty, or has blanks or brackets")
    if not command.name.strip() or len(name) > _NAME_CHARS:
        return _invalid(f"The name {name!r} is empty or longer than the {_NAME_CHARS} characters that Float takes")
    if command.fields:
        return _invalid(f"A client of Float has no field {', '.join(sorted(command.fields))}: it has a name only")
    return None


def refused_project(command: UpsertProject) -> Rejected | None:
    """Why a project cannot be written, or None."""
    if not command.code or len(command.code) > _CODE_CHARS:
        return _invalid(
            f"The code {command.code!r} is empty or longer than the {_CODE_CHARS} characters that Float takes"
        )
    if not command.name.strip() or len(command.name) > _NAME_CHARS:
        return _invalid(f"The name {command.name!r} is empty or longer than {_NAME_CHARS} characters")
    if command.starts is not None and command.ends is not None and command.ends <= command.starts:
        return _invalid(f"It ends before {command.ends}, which is not after its start on {command.starts}")
    for name, value in command.fields.items():
        if name not in _TEXTS | _NUMBERS:
            known = ", ".join(sorted(_TEXTS | _NUMBERS))
            return _invalid(f"A project of Float has no field {name!r} that the hub may fill; there are {known}")
        if name in _NUMBERS and not value.isdecimal():
            return _invalid(f"The field {name!r} of a project takes a whole number, not {value!r}")
    return None if command.status is None else refused_status(command.status)


def refused_status(status: str) -> Rejected | None:
    """Why a status cannot be written, or None."""
    return None if status in _STATUSES else _invalid(f"The status {status!r} means nothing in Float")


def to_project(command: UpsertProject, *, client_key: int, notes: str) -> dict[str, Value]:
    """All that a project says in Float; raises KeyError for a status that was not checked."""
    body: dict[str, Value] = {
        "name": command.name,
        "project_code": command.code,
        "client_id": client_key,
        "notes": notes,
    }
    if command.starts is not None:
        body["start_date"] = command.starts.isoformat()
    if command.ends is not None:
        body["end_date"] = day_before(command.ends).isoformat()
    if command.status is not None:
        body |= _STATUSES[command.status]
    if command.budget_hours is not None:
        body |= budget_of(command.budget_hours)
    for name, value in command.fields.items():
        body[name] = int(value) if name in _NUMBERS else value
    return body


def to_status(status: str, *, notes: str) -> dict[str, Value]:
    """What a status says in Float; raises KeyError for one that was not checked."""
    return {**_STATUSES[status], "notes": notes}


def budget_of(hours: Decimal) -> dict[str, Value]:
    """A budget of hours."""
    return {"budget_type": _BUDGET_OF_HOURS, "budget_total": hours}


def differing(body: Mapping[str, Value], held: Mapping[str, JsonValue]) -> dict[str, Value]:
    """The members of ``body`` that ``held`` does not say yet."""
    return {name: value for name, value in body.items() if name not in held or not _same(held[name], value)}


def day_before(day: date) -> date:
    """The last day of a span that ends before ``day``."""
    return day - timedelta(days=1)


def _same(held: JsonValue, wanted: Value) -> bool:
    if isinstance(wanted, Decimal):
        return isinstance(held, str | int | Decimal) and not isinstance(held, bool) and _number(held) == wanted
    return held == wanted


def _number(text: str | int | Decimal) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _invalid(words: str) -> Rejected:
    return Rejected(code=RejectionCode.INVALID, words=f"{words}.")
