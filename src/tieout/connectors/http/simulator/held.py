"""What the REST server holds of a master, in the words that all systems are compared in; ``records`` shows it.

Last days become the first day after, the server's states those of a project, and what somebody added to a master
beyond its own members a field of its own.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from tieout.connectors.http.simulator.rows import EXPONENTS, PROJECT_STATES, Body, Json

_KeyOf: TypeAlias = Callable[[int], str | None]
_MINUTES: Final = 60
_STATES: Final = {word: state for state, word in PROJECT_STATES.items()}
_SAME: Final[Mapping[str, Mapping[str, str]]] = {
    "upsert_customer": {"name": "name", "currency": "currency", "tax_id": "vat"},
    "upsert_project": {
        "name": "title",
        "currency": "currency",
        "service_line": "service_line",
        "rate_card_code": "rate_card",
        "contract_number": "contract",
        "manager_email": "manager",
        "starts": "from",
    },
    "upsert_task": {
        "name": "title",
        "parent_wbs_code": "parent",
        "billable": "billable",
        "open_for_time": "open",
        "planned_hours": "hours",
        "starts": "from",
    },
    "upsert_rate_card": {"name": "name", "currency": "currency"},
    "upsert_employee": {"name": "last", "email": "mail"},
    "link_deal": {"project_code": "project", "project_status": "project_state", "link": "link"},
    "publish_demand": {"project_code": "project", "starts": "from", "budget_hours": "hours"},
}
"""Facts that are members as they stand."""

_MEMBERS: Final = frozenset(
    {
        *("budget", "client", "client_number", "contract", "country", "entity", "external_ref", "from", "hours"),
        *("lines", "manager", "number", "parent", "project", "state", "state_ref", "until", "wbs"),
    }
)
"""Members that are no field of somebody's own, beside those that are facts."""


def facts_of(kind: str, body: Body, client_number: _KeyOf) -> dict[str, str]:
    """The facts of one object of a command's kind; what is empty is left out."""
    same = _SAME.get(kind, {})
    told: dict[str, Json] = {name: body.get(member) for name, member in same.items()}
    if kind in {"upsert_project", "upsert_task", "publish_demand"}:
        told["ends"] = _day_after(body.get("until"))
    if kind in {"upsert_project", "set_project_status"}:
        told["status"] = _STATES.get(str(body.get("state")))
    if kind == "upsert_project":
        client = body.get("client")
        told["customer_code"] = client_number(client) if isinstance(client, int) else None
        told |= _budget(body)
    if kind == "publish_demand":
        told |= _lines(body)
    if kind in {"upsert_customer", "upsert_project", "upsert_task"}:
        own = body.keys() - _MEMBERS - set(same.values())
        told |= {f"field:{name}": body[name] for name in own}
    return {name: _word(value) for name, value in told.items() if value is not None}


def _budget(body: Body) -> dict[str, Json]:
    budget = body.get("budget")
    if not isinstance(budget, dict):
        return {}
    amount, exponent = budget.get("amount"), EXPONENTS.get(str(body.get("currency")), 2)
    minor = None if amount is None else str(int(Decimal(str(amount)).scaleb(exponent)))
    return {"budget_hours": budget.get("hours"), "budget_minor": minor}


def _lines(body: Body) -> dict[str, Json]:
    lines = body.get("lines")
    held = [one for one in lines if isinstance(one, dict)] if isinstance(lines, list) else []
    minutes = sum((Decimal(str(one["minutes"])) for one in held), Decimal(0))
    return {"lines": str(len(held)), "hours": f"{(minutes / _MINUTES).normalize():f}"}


def _day_after(last: Json) -> str | None:
    return None if last is None else (date.fromisoformat(str(last)) + timedelta(days=1)).isoformat()


def _word(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
