"""A simulated workflow behind its address: whoever has the signature may post a card.

A card shows no reference; what was posted under one is told by the tracking id of the run, which only the oracle reads.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

import msgspec
from aiohttp import web

from tieout.connect.simulator.base import Simulator
from tieout.connect.simulator.control import ConnectionSheet, Holding
from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.faults import Fault, FaultKind

SIGNATURE: Final = "simulated-Q9t0Vd2mS8x1ZkLr4bNa"
PATH: Final = "/workflows/simulated5f0c9d/triggers/manual/paths/invoke"
_TRACKED_BY: Final = "x-ms-client-tracking-id"
_VERSION: Final = "2016-06-01"
_MOST_BYTES: Final = 28 * 1024
_CARD: Final = "application/vnd.microsoft.card.adaptive"
_ESCAPED: Final = re.compile(r"\\([\\*_\[\]#`~])")
_SCHEMA: Final = """
create table if not exists card (id integer primary key autoincrement, reference text, content blob not null);
"""
Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
_FAULT_ANSWERS: Final = {
    FaultKind.HTTP_429: (429, "TooManyRequests", "Rate limit is exceeded."),
    FaultKind.HTTP_500: (500, "InternalServerError", "Encountered internal server error."),
    FaultKind.HTTP_503: (503, "ServiceUnavailable", "The service is unavailable."),
    FaultKind.TOKEN_EXPIRED: (401, "DirectApiAuthorizationRequired", "The request must be authenticated."),
    FaultKind.FORBIDDEN: (403, "AuthorizationFailed", "The client does not have authorization."),
    FaultKind.NOT_FOUND: (404, "WorkflowNotFound", "The workflow could not be found."),
    FaultKind.UNPROCESSABLE: (400, "InvalidRequestContent", "The request content is not valid."),
    FaultKind.OK_WITH_ERROR_BODY: (200, "InternalServerError", "Encountered internal server error."),
}


class TeamsSimulator(Simulator):
    """One workflow and its channel."""

    name: ClassVar[str] = "teams"
    schema: ClassVar[str] = _SCHEMA
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset(
        {FaultKind.PARTIAL_BATCH, FaultKind.ALTER_AMOUNT, FaultKind.ALTER_CURRENCY, FaultKind.CONFLICT}
    )
    drift: ClassVar[Drift] = Drift(enums=(), required=(), retyped=())

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The one address."""
        return [web.post(PATH, self._receive)]

    def seed(self, firm_dir: Path) -> None:
        """An empty channel; a firm's masters mean nothing here."""
        del firm_dir
        self.state.run("delete from card", ())

    def fault_response(self, fault: Fault) -> web.Response:
        """The platform's errors."""
        return _error(*_FAULT_ANSWERS[fault.kind])

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """The whole address is the secret."""
        query = f"api-version={_VERSION}&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIGNATURE}"
        return ConnectionSheet(settings={}, secrets={"webhook_url": f"{base_url}{PATH}?{query}"})

    def object_counts(self) -> dict[str, int]:
        """Cards in the channel."""
        row = self.state.row("select count(*) as n from card", ())
        return {"card": 0 if row is None else int(row["n"])}

    def holdings(self) -> Iterable[Holding]:
        """Every card, as people see it."""
        for row in self.state.rows("select * from card where reference is not null order by id", ()):
            yield Holding(
                kind="send_notice",
                reference=row["reference"],
                id=str(row["id"]),
                facts=_seen(msgspec.json.decode(row["content"])),
            )

    async def _receive(self, request: web.Request) -> web.Response:
        if request.query.get("sig") != SIGNATURE:
            return _error(401, "DirectApiAuthorizationRequired", "The request must be authenticated.")
        content = await request.read()
        if len(content) > _MOST_BYTES:
            return _error(413, "RequestEntityTooLarge", "The request content is too large.")
        card = _card(content)
        if card is None:
            return _error(400, "InvalidRequestContent", "The request content is not valid.")
        with self.state.transaction() as rows:
            made = rows.execute(
                "insert into card (reference, content) values (?, ?)",
                (request.headers.get(_TRACKED_BY), msgspec.json.encode(card)),
            ).lastrowid
        return web.Response(status=202, headers={"x-ms-workflow-run-id": f"0858{made:020d}"})


def _card(content: bytes) -> dict[str, Json] | None:
    """The card in a message; None for anything else."""
    try:
        body: Json = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None
    if not isinstance(body, dict):
        return None
    attachments = body.get("attachments")
    if body.get("type") != "message" or not isinstance(attachments, list) or len(attachments) != 1:
        return None
    (attachment,) = attachments
    if not isinstance(attachment, dict) or attachment.get("contentType") != _CARD:
        return None
    card = attachment.get("content")
    return card if isinstance(card, dict) and card.get("type") == "AdaptiveCard" else None


def _seen(card: dict[str, Json]) -> dict[str, str]:
    """What people see: the first text, the second, the facts, and where the button leads."""
    body = card.get("body")
    elements = [one for one in body if isinstance(one, dict)] if isinstance(body, list) else []
    texts = [_ESCAPED.sub(r"\1", str(one.get("text"))) for one in elements if one.get("type") == "TextBlock"]
    seen = dict(zip(("subject", "body"), texts, strict=False))
    for element in elements:
        facts = element.get("facts")
        for fact in facts if isinstance(facts, list) else ():
            if isinstance(fact, dict):
                seen[f"fact:{fact.get('title')}"] = _ESCAPED.sub(r"\1", str(fact.get("value")))
    actions = card.get("actions")
    for action in actions if isinstance(actions, list) else ():
        if isinstance(action, dict) and action.get("type") == "Action.OpenUrl":
            seen["link"] = str(action.get("url"))
    return seen


def _error(status: int, code: str, message: str) -> web.Response:
    return web.Response(
        body=msgspec.json.encode({"error": {"code": code, "message": message}}),
        status=status,
        content_type="application/json",
    )
