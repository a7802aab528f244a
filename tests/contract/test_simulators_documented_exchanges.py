"""Simulators play what vendors document, and connectors ask only what vendors document.

Exchanges that name rows of an account (``{customer}``) are replayed beside each connector, where its rows are known.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import entry_points

import httpx
import pytest

from tieout.connect.conformance import harness_for
from tieout.connect.conformance.bench import Bench, Numbers
from tieout.connect.conformance.harness import Site
from tieout.connect.http import HttpClient
from tieout.connect.simulator.exchanges import DocumentedExchange, DocumentedExchanges, documented_exchanges
from tieout.connect.simulator.server import SIMULATOR_GROUP
from tieout.model.command import SendNotice, kind_of

SIMULATORS = sorted(
    entry.name
    for entry in entry_points(group=SIMULATOR_GROUP)
    if harness_for(entry.name).connector.manifest.speaks_http
)
DOCUMENTED: dict[str, dict[str, DocumentedExchanges]] = {
    name: documented_exchanges(f"tieout.connectors.{name}") for name in SIMULATORS
}
FILES = [
    pytest.param(document, id=f"{name}/{file}") for name in SIMULATORS for file, document in DOCUMENTED[name].items()
]


@pytest.fixture(scope="module", params=SIMULATORS)
def opened(request: pytest.FixtureRequest) -> Iterator[tuple[str, Bench]]:
    name: str = request.param
    harness = harness_for(name)
    with harness.open() as site:
        yield name, Bench(harness.connector, site, Numbers(name))


@contextmanager
def noted_requests() -> Iterator[list[httpx.Request]]:
    """Every request of a connector as it is sent, with what exchanges hide."""
    seen: list[httpx.Request] = []
    exchange = HttpClient._exchange

    async def noted(self: HttpClient, call: object) -> object:
        seen.append(call.request)  # type: ignore[attr-defined]
        return await exchange(self, call)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HttpClient, "_exchange", noted)
        yield seen


@asynccontextmanager
async def signed_in(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """A plain client that carries the authorisation that the connector was given."""
    with noted_requests() as seen:
        if bench.objects:
            await bench.read_first_page(bench.objects[0])
        else:
            await bench.write_one(bench.plain())
    told = [one.headers["Authorization"] for one in seen if one.headers.get("Authorization")]
    base_url = bench.site.sheet().settings.get("base_url", str(seen[-1].url.copy_with(raw_path=b"/")))
    async with httpx.AsyncClient(base_url=base_url, headers={"Authorization": told[-1]} if told else {}) as client:
        yield client


def test_every_simulator_is_held_to_documented_exchanges() -> None:
    assert SIMULATORS
    assert [name for name in SIMULATORS if not DOCUMENTED[name]] == []


@pytest.mark.parametrize("document", FILES)
def test_every_file_cites_its_page_and_says_what_is_not_confirmed(document: DocumentedExchanges) -> None:
    assert document.source.site
    assert document.source.page
    assert all(sentence.endswith(".") for sentence in document.unconfirmed)
    assert len({exchange.title for exchange in document.exchanges}) == len(document.exchanges) > 0


async def test_a_simulator_answers_as_its_vendor_documents(opened: tuple[str, Bench]) -> None:
    name, bench = opened
    replayed = 0
    problems: list[str] = []
    async with signed_in(bench) as client:
        exchanges = [one for document in DOCUMENTED[name].values() for one in document.exchanges]
        for exchange in exchanges:
            if exchange.needs_rows:
                continue
            replayed += 1
            problems += [f"{exchange.title}: {words}" for words in await replay(client, exchange)]
    assert replayed > 0
    assert problems == []


async def replay(client: httpx.AsyncClient, exchange: DocumentedExchange) -> list[str]:
    answers = []
    for request in (*exchange.before, exchange.request):
        headers = dict(request.headers)
        if not request.authorized:
            headers["Authorization"] = "Bearer unknown"
        content = bytes(request.body) or None
        if content is not None:
            headers.setdefault("Content-Type", "application/json")
        answers.append(
            await client.request(
                request.method, request.path, params=request.query, headers=headers, content=content, data=request.form
            )
        )
    told, documented = answers[-1], exchange.answer
    problems = [] if told.status_code == documented.status else [f"status {told.status_code}: {told.text[:200]}"]
    problems += [
        f"header {name} is {told.headers.get(name)!r}"
        for name, part in documented.headers.items()
        if part not in told.headers.get(name, "")
    ]
    return problems or documented.misfits(told.content)


async def test_a_connector_asks_only_what_its_vendor_documents(opened: tuple[str, Bench]) -> None:
    name, bench = opened
    with noted_requests() as requests:
        await use_everything(bench)
    prefix = httpx.URL(bench.site.sheet().settings.get("base_url", "")).path.rstrip("/")
    asked = {(one.method, pattern(one.url.path.removeprefix(prefix))) for one in requests}
    documented = {
        (request.method, pattern(request.path))
        for document in DOCUMENTED[name].values()
        for exchange in document.exchanges
        for request in (*exchange.before, exchange.request)
    }
    assert asked - documented == set()


async def use_everything(bench: Bench) -> None:
    site: Site = bench.site
    site.calm()
    await bench.read_everything()
    command = bench.plain()
    if bench.manifest.write(kind_of(command)) is None:
        return
    await bench.write_one(command)
    await bench.find(command)
    if isinstance(command, SendNotice):
        return
    await bench.postings(command.entity, command.accounting_date, command.accounting_date)


def pattern(path: str) -> str:
    """A path with its ids left out: ``/journalEntry/17`` and ``/journalEntry/{journal}`` are one request."""
    return re.sub(r"(?<=/)(?:eid:[^/]+|\d+|\{\w+\})(?=[/.]|$)", "*", path)
