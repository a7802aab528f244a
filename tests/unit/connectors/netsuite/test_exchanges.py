"""The local account answers every documented exchange in the documented shape.

A shape is a JSON value in which a text names a type (``=word`` is that very word). Members beyond it are allowed,
as the vendor allows itself to add some. Headers are compared by what they contain.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date
from importlib.resources import files
from typing import Any

import httpx
import pytest
from tests.unit.connectors.netsuite.account import Account, token_form

FILES = sorted(
    (one for one in files("tieout.connectors.netsuite").joinpath("exchanges").iterdir() if one.name.endswith(".json")),
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
async def test_the_account_answers_as_documented(account: Account, exchange: dict[str, Any]) -> None:
    ids = {
        "subsidiary": await account.key("subsidiary", externalid="US01"),
        "customer": await account.key("customer", entityid="ACME"),
        "project": await account.key("job", entityid="P-US"),
        "status": await account.key("jobstatus", name="On Hold"),
        "account": await account.key("account", acctnumber="1250"),
        "other_account": await account.key("account", acctnumber="4250"),
        "assertion": token_form(account.sheet)["client_assertion"],
    }
    for request in exchange.get("before", []):
        assert (await send(account, request, ids)).status_code < 300
    answer = await send(account, exchange["request"], ids)
    assert answer.status_code == exchange["answer"]["status"], answer.text
    for name, part in exchange["answer"].get("headers", {}).items():
        assert part in answer.headers[name]
    if "shape" in exchange["answer"]:
        assert list(misfits(answer.json(), exchange["answer"]["shape"], "answer")) == []


async def send(account: Account, request: dict[str, Any], ids: dict[str, str]) -> httpx.Response:
    text = json.dumps(request)
    for name, row_id in ids.items():
        text = text.replace(f"{{{name}}}", row_id)
    filled = json.loads(text)
    headers = {"Content-Type": "application/json"} if "body" in filled else {}
    headers |= filled.get("headers", {})
    if not filled.get("authorized", True):
        headers["Authorization"] = "Bearer unknown"
    content = json.dumps(filled["body"]).encode() if "body" in filled else None
    return await account.api.request(
        filled["method"],
        filled["path"],
        params=filled.get("query"),
        content=content,
        data=filled.get("form"),
        headers=headers,
    )


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
        for name, inner in shape.items():
            yield from misfits(value.get(name, "missing"), inner, f"{where}.{name}")


def fits(value: Any, shape: str) -> bool:
    if shape.startswith("="):
        return bool(value == shape[1:])
    return KINDS[shape](value)


def is_date(value: Any) -> bool:
    return isinstance(value, str) and date.fromisoformat(value) is not None


KINDS: dict[str, Callable[[Any], bool]] = {
    "integer": lambda value: type(value) is int,
    "boolean": lambda value: type(value) is bool,
    "string": lambda value: isinstance(value, str) and value != "missing",
    "list": lambda value: isinstance(value, list),
    "date": is_date,
    "*": lambda value: value != "missing",
}
