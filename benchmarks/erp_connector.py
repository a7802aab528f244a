"""The connector of the benchmarks' ERP stub, found by entry point like any other: the hub runs as it is.

It also translates the masters that the benchmarks hand in, as canonical records in JSON.
"""

from collections.abc import Mapping, Sequence

import msgspec

from benchmarks.erp_stub import MAX_ENTRIES
from tieout.connect.connector import Connection, Connector
from tieout.connect.http import HttpClient
from tieout.connect.manifest import IdempotencyClass, Limits, Manifest, Role, Setting, WriteCapability
from tieout.connect.outcome import Accepted, AlreadyDone, Found, FoundState, Outcome, RetryLater, Unknown
from tieout.connect.source import Translated
from tieout.errors import TransientError, UnknownOutcomeError
from tieout.model.command import Command
from tieout.model.journal import PostJournal
from tieout.model.reported import ReportedRecord

NAME = "benchmark_erp"
_OK = 200
_encoder = msgspec.json.Encoder()


class Answer(msgspec.Struct):
    """What the stub says of one journal."""

    ref: str
    known: bool


_answers = msgspec.json.Decoder(list[Answer])
_records = msgspec.json.Decoder(list[ReportedRecord])
_found = msgspec.json.Decoder(dict[str, str])


class Masters:
    """Canonical records as JSON."""

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """The records of a payload."""
        del object_name
        return _records.decode(payload)


def parts(commands: Sequence[Command]) -> list[list[Command]]:
    """Commands in their order, cut so that no request has more entries than the stub takes."""
    cut: list[list[Command]] = []
    room = 0
    for one in commands:
        count = one.entry_count if isinstance(one, PostJournal) else 1
        if not cut or count > room:
            cut.append([])
            room = MAX_ENTRIES
        cut[-1].append(one)
        room -= count
    return cut


class StubSink:
    """Posts journals to the stub, a request for every ``MAX_ENTRIES`` entries."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    async def write(self, commands: Sequence[Command]) -> Sequence[Outcome]:
        """One outcome per command."""
        outcomes: list[Outcome] = []
        for part in parts(commands):
            outcomes += await self._post(part)
        return outcomes

    async def _post(self, part: Sequence[Command]) -> list[Outcome]:
        try:
            answer = await self._http.request("POST", "/journals", content=_encoder.encode(part))
        except TransientError as error:
            return [RetryLater(reason=error.message)] * len(part)
        except UnknownOutcomeError as error:
            return [Unknown(reason=error.message)] * len(part)
        if answer.status != _OK:
            return [Unknown(reason=f"status {answer.status}")] * len(part)
        return [
            AlreadyDone(ref=one.ref) if one.known else Accepted(ref=one.ref) for one in _answers.decode(answer.body)
        ]

    async def find(self, command_kind: str, references: Sequence[str], *, entity: str) -> Mapping[str, Found]:
        """What the stub holds."""
        del command_kind, entity
        answer = await self._http.request("POST", "/find", content=_encoder.encode(references), read_only=True)
        return {
            reference: Found(reference=reference, ref=ref, state=FoundState.POSTED)
            for reference, ref in _found.decode(answer.body).items()
        }

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _open_sink(connection: Connection) -> StubSink:
    return StubSink(connection.open_http(Limits(), base_url=f"http://127.0.0.1:{connection.settings['port']}"))


MANIFEST = Manifest(
    name=NAME,
    title="Benchmark ERP",
    role=Role.ERP,
    api_version="1",
    writes=(WriteCapability(command="post_journal", idempotency=IdempotencyClass.U, max_batch=500),),
    settings=(Setting(name="port", description="Port of the stub."),),
    max_in_flight_s=5.0,
    claim="a stub of the benchmarks",
)
CONNECTOR = Connector(manifest=MANIFEST, translator=Masters(), open_sink=_open_sink)
