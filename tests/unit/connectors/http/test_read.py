"""Any way of signing in and of cutting lists reads the same; nothing is lost between pages, walks and readers."""

import pytest
from tests.unit.connectors.http.server import CLIENTS, HEAD, Server

from tieout.connect.simulator.control import DeleteTimeEntry, PutClient
from tieout.connect.simulator.faults import Fault, FaultKind
from tieout.connect.simulator.seed import SeedClient
from tieout.connect.source import Translated
from tieout.connectors.http.client import RestClient
from tieout.connectors.http.parsing import parse_definition
from tieout.connectors.http.simulator.rest_server import CLIENT_ID, USER
from tieout.errors import AccessError, ContractError, TransientError
from tieout.model.reported import ReportedRecord, ReportedState, ReportedTime

AUTHS = {
    "bearer": 'kind = "bearer"',
    "basic": f'kind = "basic"\nuser = "{USER}"',
    "header": 'kind = "header"\nheader = "X-Api-Key"',
    "oauth2": f'kind = "oauth2"\nclient_id = "{CLIENT_ID}"\ntoken_path = "/oauth/token"',
    "oauth2 in the body": (
        f'kind = "oauth2"\nclient_id = "{CLIENT_ID}"\ntoken_path = "/oauth/token"\nclient_in = "body"\nscope = "all"'
    ),
}
PAGINGS = {
    "page": '{ kind = "page", param = "page", size_param = "per_page", size = 2 }',
    "offset": '{ kind = "offset", param = "offset", size_param = "limit", size = 2 }',
    "cursor": '{ kind = "cursor", param = "cursor", size_param = "limit", next = "meta.next_cursor", size = 2 }',
    "link": '{ kind = "link", size_param = "limit", size = 2 }',
}
CHANGED = 'changed = { param = "updated_since" }\noverlap_s = 60.0'


def names(found: list[Translated]) -> set[str]:
    return {str(one.fields["name"]) for one in found if isinstance(one, ReportedRecord)}


def clients(paging: str, more: str = "") -> str:
    return HEAD + CLIENTS.format(paging=paging, more=more)


def client(number: int) -> SeedClient:
    return SeedClient(code=f"N-{number}", name=f"Client {number}", entity="US01", currency="USD")


@pytest.mark.parametrize("auth", AUTHS.values(), ids=AUTHS.keys())
async def test_every_way_of_signing_in_reads_and_shows_no_secret(server: Server, auth: str) -> None:
    definition = clients(PAGINGS["page"]).replace('kind = "bearer"', auth)
    _, found = await server.read("clients", definition=definition)
    assert len(found) == 4
    assert not [one for one in server.exchanges for secret in ("simulated-", "Basic ") if secret in repr(one)]


@pytest.mark.parametrize("kind", PAGINGS)
@pytest.mark.parametrize("more", ["", CHANGED], ids=["whole", "changes"])
async def test_every_way_of_cutting_a_list_reads_all_of_it(server: Server, kind: str, more: str) -> None:
    server.change(*(PutClient(client=client(number)) for number in range(7)))
    pages, found = await server.read("clients", definition=clients(PAGINGS[kind], more))
    assert len(names(found)) == 11
    assert len(pages) > 4
    again, _ = await server.read("clients", pages[-1].next_cursor, definition=clients(PAGINGS[kind], more))
    assert again == []


@pytest.mark.parametrize("kind", PAGINGS)
async def test_a_reader_that_dies_after_every_page_reads_all_of_it(server: Server, kind: str) -> None:
    server.change(*(PutClient(client=client(number)) for number in range(7)))
    connector, connection = server.configured(clients(PAGINGS[kind], CHANGED))
    assert connector.open_source is not None
    assert connector.translator is not None
    seen: set[str] = set()
    cursor: str | None = None
    for _ in range(40):
        source = connector.open_source(connection)
        page = await anext(source.read("clients", cursor), None)
        await source.aclose()
        if page is None:
            break
        seen |= names(list(connector.translator.translate("clients", page.payload)))
        cursor = page.next_cursor
    assert len(seen) == 11


@pytest.mark.parametrize("kind", ["page", "offset"])
async def test_items_that_move_within_one_instant_while_they_are_counted_are_found(server: Server, kind: str) -> None:
    instant = 1_790_000_000_000_000
    server.simulator.state.run("update item set changed = ? where collection = 'clients'", (instant,))
    for number in range(6):
        server.simulator._rows.put_client(client(number), at=instant)
    connector, connection = server.configured(clients(PAGINGS[kind], CHANGED))
    assert connector.open_source is not None
    assert connector.translator is not None
    source = connector.open_source(connection)
    seen: set[str] = set()
    async for page in source.read("clients", None):
        if not seen:
            server.change(
                PutClient(client=client(0)),
                PutClient(client=SeedClient(code="C-US01", name="Moved away", entity="US01", currency="USD")),
            )
        seen |= names(list(connector.translator.translate("clients", page.payload)))
    await source.aclose()
    assert {f"Client {number}" for number in range(6)} | {"Moved away"} <= seen


async def test_a_change_and_a_deletion_are_read_from_the_cursor_on(server: Server) -> None:
    pages, found = await server.read("time_entries")
    before = {one.source_id: one for one in found if isinstance(one, ReportedTime)}
    entry = server.simulator.state.row("select key, id from item where collection = 'time_entries' limit 1")
    assert entry is not None
    server.change(DeleteTimeEntry(key=entry["key"]))
    _, after = await server.read("time_entries", pages[-1].next_cursor)
    told = {one.source_id: one for one in after if isinstance(one, ReportedTime)}
    gone = told[str(entry["id"])]
    assert gone.state is ReportedState.DELETED
    assert gone.version > before[str(entry["id"])].version


async def test_a_link_that_is_no_longer_known_starts_the_walk_again(server: Server) -> None:
    definition = clients(PAGINGS["cursor"], CHANGED)
    pages, _ = await server.read("clients", definition=definition)
    stale = pages[0].next_cursor.replace('"token":"', '"token":"AAAA')
    _, found = await server.read("clients", stale, definition=definition)
    assert len(names(found)) == 4


async def test_a_link_to_another_host_is_refused_and_no_credential_goes_there(server: Server) -> None:
    _, connection = server.configured()
    client = RestClient(connection, parse_definition(clients(PAGINGS["link"])))
    for link in ("http://127.0.0.2/v1/clients", "https://evil.example/v1/clients", "//evil.example/v1/clients"):
        with pytest.raises(ContractError) as refused:
            await client.follow(link, after="/v1/clients")
        assert "credentials go to" in refused.value.message
    for link in ("/v1/clients?limit=1", "?limit=1", f"{server.base_url}/v1/clients?limit=1"):
        assert (await client.follow(link, after="/v1/clients")).status == 200
    await client.aclose()
    assert len({one.url for one in server.exchanges}) == 1


@pytest.mark.parametrize("kind", ["page", "offset"])
async def test_a_system_that_does_not_know_the_parameter_is_not_read_for_ever(server: Server, kind: str) -> None:
    definition = clients(PAGINGS[kind].replace(f'param = "{kind}"', 'param = "seite"'))
    with pytest.raises(ContractError) as refused:
        await server.read("clients", definition=definition)
    assert "does not know the parameter 'seite'" in refused.value.message


async def test_items_that_come_in_no_order_of_change_stop_the_walk_loudly(server: Server) -> None:
    server.change(*(PutClient(client=client(number)) for number in range(7)))
    definition = clients(PAGINGS["page"], CHANGED).replace('path = "updated_at"', 'path = "id", format = "integer"')
    definition = definition.replace('param = "updated_since"', 'param = "after", format = "integer"')
    server.simulator.state.run("update item set changed = changed - id * 1000000 where collection = 'clients'")
    with pytest.raises(ContractError) as refused:
        await server.read("clients", definition=definition)
    assert "order of its changes" in refused.value.message


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.HTTP_429, TransientError),
        (FaultKind.HTTP_503, TransientError),
        (FaultKind.OK_WITH_ERROR_BODY, TransientError),
        (FaultKind.HTML_PAGE, TransientError),
        (FaultKind.FORBIDDEN, AccessError),
        (FaultKind.NOT_FOUND, AccessError),
        (FaultKind.UNPROCESSABLE, ContractError),
    ],
)
async def test_an_answer_that_is_no_page_is_the_error_that_it_means(
    server: Server, kind: FaultKind, error: type[Exception]
) -> None:
    server.simulator.plan.force(Fault(kind=kind, retry_after="9"))
    with pytest.raises(error) as raised:
        await server.read("clients", definition=clients(PAGINGS["page"]))
    if kind is FaultKind.HTTP_429:
        assert isinstance(raised.value, TransientError)
        assert raised.value.retry_after_s == 9
        assert "too many requests" in raised.value.message


async def test_a_refused_client_is_an_access_error(server: Server) -> None:
    definition = clients(PAGINGS["page"]).replace('kind = "bearer"', AUTHS["oauth2"].replace(CLIENT_ID, "nobody"))
    with pytest.raises(AccessError):
        await server.read("clients", definition=definition)


async def test_a_position_of_another_connector_or_an_unknown_object_is_refused(server: Server) -> None:
    for object_name, cursor in (("clients", "17"), ("payslips", None)):
        with pytest.raises(ContractError):
            await server.read(object_name, cursor)


async def test_hours_are_exact_and_dates_are_read_in_their_form(server: Server) -> None:
    _, found = await server.read("time_entries")
    first = next(one for one in found if isinstance(one, ReportedTime) and one.narrative.startswith("Entry 0,"))
    assert (str(first.hours), first.work_date.isoformat()) == ("0.2500", "2026-03-08")
