"""The local company answers every documented exchange in the documented shape, with people, time off and holidays."""

import httpx
import pytest
from tests.unit.connectors.bamboohr.company import Company

from tieout.connect.simulator.exchanges import DocumentedExchange, DocumentedRequest, documented_exchanges

CASES = [
    pytest.param(exchange, id=f"{file.removesuffix('.json')}: {exchange.title}")
    for file, document in documented_exchanges("tieout.connectors.bamboohr").items()
    for exchange in document.exchanges
]


@pytest.mark.parametrize("exchange", CASES)
async def test_the_company_answers_as_documented(company: Company, exchange: DocumentedExchange) -> None:
    for request in exchange.before:
        await send(company, request)
    status, headers, body = await send(company, exchange.request)
    assert status == exchange.answer.status, body
    for name, part in exchange.answer.headers.items():
        assert part in headers[name.lower()]
    assert exchange.answer.misfits(body) == []


async def send(company: Company, request: DocumentedRequest) -> tuple[int, dict[str, str], bytes]:
    answer = await company.api.request(
        request.method,
        request.path,
        params=request.query,
        headers=request.headers,
        content=bytes(request.body) or None,
        auth=httpx.USE_CLIENT_DEFAULT if request.authorized else ("unknown", "x"),
    )
    return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, answer.content
