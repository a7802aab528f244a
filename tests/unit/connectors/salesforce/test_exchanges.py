"""The local org answers every documented exchange in the documented shape, those that name its rows included."""

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.unit.connectors.salesforce.account import DATA_PATH, Account

from tieout.connect.simulator.exchanges import DocumentedExchange, DocumentedRequest, documented_exchanges

CASES = [
    pytest.param(exchange, id=f"{file.removesuffix('.json')}: {exchange.title}")
    for file, document in documented_exchanges("tieout.connectors.salesforce").items()
    for exchange in document.exchanges
]


@pytest.mark.parametrize("exchange", CASES)
async def test_the_org_answers_as_documented(account: Account, exchange: DocumentedExchange) -> None:
    rows = await rows_of(account)
    for request in exchange.before:
        assert (await send(account, request, rows)).status_code < 300
    answer = await send(account, exchange.request, rows)
    assert answer.status_code == exchange.answer.status, answer.text
    for name, part in exchange.answer.headers.items():
        assert part in answer.headers[name]
    assert exchange.answer.misfits(answer.content) == []


async def rows_of(account: Account) -> dict[str, str]:
    """The ids and secrets of this org that exchanges name."""
    now = datetime.now(UTC)
    handshake = await account.api.post("/cometd/60.0", json=[{"channel": "/meta/handshake", "version": "1.0"}])
    return {
        "client_id": account.sheet.settings["client_id"],
        "client_secret": account.sheet.secrets["client_secret"],
        "assertion": assertion(account),
        "opportunity": await account.key("Opportunity", "Deal_Number__c", "D-1"),
        "hour_ago": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}+00:00",
        "now": f"{now:%Y-%m-%dT%H:%M:%S}+00:00",
        "client": handshake.json()[0]["clientId"],
        "locator": await locator(account),
    }


def assertion(account: Account) -> str:
    claims = {
        "iss": account.sheet.settings["client_id"],
        "sub": "tieout@northwind.example",
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    }
    key = RSAKey.import_key(account.simulator.tokens.private_key())
    return jwt.encode({"alg": "RS256"}, claims, key, algorithms=["RS256"])


async def locator(account: Account) -> str:
    """Where the rest of an answer of more than 200 rows is."""
    for half in range(2):
        records = [{"attributes": {"type": "Product2"}, "Name": f"Role {half}-{place}"} for place in range(120)]
        body = {"allOrNone": False, "records": records}
        assert (await account.api.post(f"{DATA_PATH}/composite/sobjects", json=body)).status_code == 200
    answer = await account.api.get(
        f"{DATA_PATH}/query/",
        params={"q": "SELECT Id FROM Product2"},
        headers={"Sforce-Query-Options": "batchSize=200"},
    )
    return str(answer.json()["nextRecordsUrl"]).rpartition("/")[2]


async def send(account: Account, request: DocumentedRequest, rows: dict[str, str]) -> httpx.Response:
    body = msgspec.json.decode(bytes(request.body)) if bytes(request.body) else None
    text = json.dumps({**msgspec.structs.asdict(request), "body": body})
    for name, value in rows.items():
        text = text.replace(f"{{{name}}}", value)
    assert re.search(r'"\{[a-z_]+\}"', text) is None
    filled: dict[str, Any] = json.loads(text)
    headers = {"Content-Type": "application/json"} if filled.get("body") is not None else {}
    headers |= filled["headers"]
    if not filled["authorized"]:
        headers["Authorization"] = "Bearer unknown"
    content = json.dumps(filled["body"]).encode() if filled.get("body") is not None else None
    return await account.api.request(
        filled["method"],
        filled["path"],
        params=filled["query"] or None,
        content=content,
        data=filled["form"],
        headers=headers,
    )
