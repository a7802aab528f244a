"""The local account answers every documented exchange in the documented shape.

A shape is a JSON value in which a text names a type (``integer?`` may be null, ``=word`` is that very word) and ``*``
stands for every member. Members beyond the shape are allowed, as the vendor allows itself to add some.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from importlib.resources import files
from typing import Any

import pytest
from tests.unit.connectors.kantata.account import Account, OpenAccount, seed_entry

FILES = sorted(
    (one for one in files("tieout.connectors.kantata").joinpath("exchanges").iterdir() if one.name.endswith(".json")),
    key=lambda one: one.name,
)
CASES = [
    pytest.param(exchange, id=f"{one.name.removesuffix('.json')}: {exchange['title']}")
    for one in FILES
    for exchange in json.loads(one.read_text())["exchanges"]
]


@pytest.mark.parametrize("file", FILES, ids=lambda one: str(one.name))
def test_every_file_of_exchanges_cites_its_page(file: Any) -> None:
    document = json.loads(file.read_text())
    assert document["source"]["page"]
    assert document["exchanges"]
    assert all(one.endswith(".") for one in document["unconfirmed"])


@pytest.mark.parametrize("exchange", CASES)
async def test_the_account_answers_as_documented(open_account: OpenAccount, exchange: dict[str, Any]) -> None:
    account = await open_account([seed_entry("a"), seed_entry("b", notes="Draft", approved=False)])
    ids = await known_ids(account)
    for request in exchange.get("before", []):
        assert (await send(account, request, ids))[0] < 300
    status, body = await send(account, exchange["request"], ids)
    assert status == exchange["answer"]["status"]
    if "shape" in exchange["answer"]:
        assert list(misfits(body, exchange["answer"]["shape"], "answer")) == []


async def known_ids(account: Account) -> dict[str, str]:
    entries = await account.rows("time_entries")
    set_versions = await account.rows("rate_card_set_versions")
    return {
        "time_entry": await account.entry_id("Draft"),
        "workspace": next(iter(entries.values()))["workspace_id"],
        "timesheet_submission": next(iter(await account.rows("timesheet_submissions"))),
        "rate_card": next(iter(await account.rows("rate_cards"))),
        "rate_card_set": next(iter(await account.rows("rate_card_sets"))),
        "rate_card_role": next(iter(await account.rows("rate_card_roles"))),
        "role": next(iter(await account.rows("roles"))),
        "rate_card_set_version": next(iter(set_versions)),
        "next_rate_card_set_version": str(max(map(int, set_versions)) + 1),
    }


async def send(account: Account, request: dict[str, Any], ids: dict[str, str]) -> tuple[int, Any]:
    text = json.dumps(request)
    for name, row_id in ids.items():
        text = text.replace(f"{{{name}}}", row_id)
    filled = json.loads(text)
    headers = {} if filled.get("authorized", True) else {"Authorization": "Bearer unknown"}
    answer = await account.api.request(
        filled["method"], filled["path"], params=filled.get("query"), json=filled.get("body"), headers=headers
    )
    return answer.status_code, answer.json() if answer.content else None


def misfits(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Everything in which ``value`` is not as its shape says."""
    if isinstance(shape, str):
        if not fits(value, shape):
            yield f"{where} is {value!r}, documented is {shape}"
    elif type(value) is not type(shape):
        yield f"{where} is {value!r}, documented is {type(shape).__name__}"
    elif isinstance(shape, list):
        for place, one in enumerate(value):
            yield from misfits(one, shape[0], f"{where}[{place}]")
    else:
        documented = dict.fromkeys(value, shape["*"]) if "*" in shape else shape
        for name, inner in documented.items():
            yield from misfits(value.get(name, "missing"), inner, f"{where}.{name}")


def fits(value: Any, shape: str) -> bool:
    if shape.startswith("="):
        return bool(value == shape[1:])
    if shape.endswith("?"):
        return value is None or fits(value, shape[:-1])
    return KINDS[shape](value)


def is_date(value: Any) -> bool:
    return isinstance(value, str) and len(value) == len("2026-08-12") and date.fromisoformat(value) is not None


def is_instant(value: Any) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None


KINDS: dict[str, Callable[[Any], bool]] = {
    "integer": lambda value: type(value) is int,
    "boolean": lambda value: type(value) is bool,
    "string": lambda value: isinstance(value, str) and value != "missing",
    "date": is_date,
    "instant": is_instant,
}
