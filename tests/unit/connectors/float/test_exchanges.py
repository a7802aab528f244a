"""The local account answers every documented exchange in the documented shape, those that name its rows included."""

import httpx
import pytest
from tests.unit.connectors.float.account import Account, OpenAccount, booking

from tieout.connect.simulator.exchanges import DocumentedExchange, DocumentedRequest, documented_exchanges

CASES = [
    pytest.param(exchange, id=f"{file.removesuffix('.json')}: {exchange.title}")
    for file, document in documented_exchanges("tieout.connectors.float").items()
    for exchange in document.exchanges
]


@pytest.mark.parametrize("exchange", CASES)
async def test_the_account_answers_as_documented(open_account: OpenAccount, exchange: DocumentedExchange) -> None:
    account = await open_account([booking("one")])
    rows = {
        "client": await first(account, "/clients", "client_id"),
        "project": await first(account, "/projects", "project_id"),
        "person": await first(account, "/people", "people_id"),
        "role": await first(account, "/roles", "id"),
        "allocation": await first(account, "/tasks", "task_id"),
    }
    for request in exchange.before:
        assert (await send(account, request, rows)).is_success
    answer = await send(account, exchange.request, rows)
    assert answer.status_code == exchange.answer.status, answer.text
    for name, part in exchange.answer.headers.items():
        assert part in answer.headers[name]
    assert exchange.answer.misfits(answer.content) == []


async def first(account: Account, path: str, member: str) -> int:
    return int((await account.api.get(path)).json()[0][member])


async def send(account: Account, request: DocumentedRequest, rows: dict[str, int]) -> httpx.Response:
    path, body = request.path, bytes(request.body).decode()
    for name, row_id in rows.items():
        path, body = path.replace(f"{{{name}}}", str(row_id)), body.replace(f'"{{{name}}}"', str(row_id))
    assert "{" not in path
    return await account.api.request(
        request.method,
        path,
        params=request.query or None,
        headers={} if request.authorized else {"Authorization": "Bearer unknown"},
        content=body or None,
    )
