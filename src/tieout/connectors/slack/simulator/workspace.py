"""A simulated workspace: two channels that the app is a member of, one that it is not, and an archived one."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Final, TypeAlias

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from tieout.connect.simulator.base import Simulator
from tieout.connect.simulator.control import ConnectionSheet, Holding
from tieout.connect.simulator.drift import Drift
from tieout.connect.simulator.faults import Fault, FaultKind

TOKEN: Final = "xoxb-simulated-7c2f9e51d0ab"  # noqa: S105 - a made-up one
FINANCE: Final = "C0FINANCE1"
OPERATIONS: Final = "C0OPERATE2"
_FOREIGN: Final = "C0SECRET03"
_ARCHIVED: Final = "C0ARCHIVE4"
_BLOCK_CHARS: Final = {"header": 150, "section": 3000}
_MOST_FIELDS: Final = 10
_MOST_TEXT: Final = 40_000
_DEFAULT_LIMIT: Final = "100"
_SCHEMA: Final = """
create table if not exists message (
    id integer primary key autoincrement, channel text not null, ts text not null, reference text, body blob not null);
create index if not exists message_channel on message (channel, ts);
"""
Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
_FAULT_ERRORS: Final = {
    FaultKind.TOKEN_EXPIRED: "invalid_auth",
    FaultKind.FORBIDDEN: "missing_scope",
    FaultKind.NOT_FOUND: "channel_not_found",
    FaultKind.UNPROCESSABLE: "invalid_blocks",
    FaultKind.OK_WITH_ERROR_BODY: "internal_error",
}
_Answer = Callable[[web.Request], Awaitable[web.Response]]


class RefusedError(Exception):
    """The vendor's error code; status 200 all the same."""


class SlackSimulator(Simulator):
    """A local workspace."""

    name: ClassVar[str] = "slack"
    schema: ClassVar[str] = _SCHEMA
    unsupported_faults: ClassVar[frozenset[FaultKind]] = frozenset(
        {FaultKind.PARTIAL_BATCH, FaultKind.ALTER_AMOUNT, FaultKind.ALTER_CURRENCY, FaultKind.CONFLICT}
    )
    drift: ClassVar[Drift] = Drift(enums=(), required=("ok", "ts", "channel"), retyped=("ts", "ok"))

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """The two methods that are played."""
        return [
            web.post("/api/chat.postMessage", _vendor(self._post)),
            web.get("/api/conversations.history", _vendor(self._history)),
        ]

    def seed(self, firm_dir: Path) -> None:
        """Empty channels; a firm's masters mean nothing here."""
        del firm_dir
        self.state.run("delete from message", ())

    def fault_response(self, fault: Fault) -> web.Response:
        """Failures come with status 200 and a code; only limits and outages have a status."""
        if fault.kind is FaultKind.HTTP_429:
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429)
        if fault.kind in {FaultKind.HTTP_500, FaultKind.HTTP_503}:
            return web.Response(text="upstream unavailable", status=500 if fault.kind is FaultKind.HTTP_500 else 503)
        return _refused(_FAULT_ERRORS[fault.kind])

    def connection_sheet(self, base_url: str) -> ConnectionSheet:
        """Settings and secrets for the connector."""
        return ConnectionSheet(
            settings={"base_url": f"{base_url}/api", "channels": f"{FINANCE}; {OPERATIONS}"},
            secrets={"bot_token": TOKEN},
            address=FINANCE,
        )

    def object_counts(self) -> dict[str, int]:
        """Messages in all channels."""
        row = self.state.row("select count(*) as n from message", ())
        return {"message": 0 if row is None else int(row["n"])}

    def holdings(self) -> Iterable[Holding]:
        """Every message that an app left a reference beside, as people see it."""
        for row in self.state.rows("select * from message where reference is not null order by id", ()):
            yield Holding(
                kind="send_notice",
                reference=row["reference"],
                id=f"{row['channel']}:{row['ts']}",
                code=row["channel"],
                facts=_seen(msgspec.json.decode(row["body"])),
            )

    async def _post(self, request: web.Request) -> web.Response:
        body = _object(await request.read())
        channel = body.get("channel")
        _check_channel(channel)
        _check_content(body)
        metadata = body.get("metadata")
        reference = None
        if metadata is not None:
            if not isinstance(metadata, dict) or not isinstance(metadata.get("event_payload"), dict):
                raise RefusedError("invalid_metadata_format")
            payload = metadata["event_payload"]
            reference = payload.get("reference") if isinstance(payload, dict) else None
        now = self.now().timestamp()
        with self.state.transaction() as rows:
            made = rows.execute(
                "insert into message (channel, ts, reference, body) values (?, '', ?, ?)",
                (channel, reference, msgspec.json.encode(body)),
            ).lastrowid
            ts = f"{int(now)}.{made:06d}"
            rows.execute("update message set ts = ? where id = ?", (ts, made))
        message: Json = {"type": "message", "text": body.get("text", ""), "ts": ts, "blocks": body.get("blocks", [])}
        return _json({"ok": True, "channel": channel, "ts": ts, "message": message})

    async def _history(self, request: web.Request) -> web.Response:
        channel = request.query.get("channel")
        _check_channel(channel)
        limit = int(request.query.get("limit", _DEFAULT_LIMIT))
        before = int(request.query.get("cursor") or 2**60)
        oldest = float(request.query.get("oldest", "0"))
        shows = request.query.get("include_all_metadata") == "true"
        until = self.visible_until().timestamp() if self.read_lag_s else None
        rows = self.state.rows(
            "select * from message where channel = ? and id < ? order by id desc limit ?", (channel, before, limit + 1)
        )
        messages: list[Json] = []
        for row in rows[:limit]:
            sent_at = float(row["ts"])
            if sent_at < oldest or (until is not None and sent_at > until):
                continue
            body = msgspec.json.decode(row["body"])
            message: dict[str, Json] = {"type": "message", "text": body.get("text", ""), "ts": row["ts"]}
            if shows and "metadata" in body:
                message["metadata"] = body["metadata"]
            messages.append(message)
        more = len(rows) > limit
        cursor = str(rows[limit - 1]["id"]) if more else ""
        return _json({"ok": True, "messages": messages, "has_more": more, "response_metadata": {"next_cursor": cursor}})


def _check_channel(channel: object) -> None:
    if channel == _FOREIGN:
        raise RefusedError("not_in_channel")
    if channel == _ARCHIVED:
        raise RefusedError("is_archived")
    if channel not in {FINANCE, OPERATIONS}:
        raise RefusedError("channel_not_found")


def _check_content(body: dict[str, Json]) -> None:
    text, blocks = body.get("text"), body.get("blocks")
    if not text and not blocks:
        raise RefusedError("no_text")
    if isinstance(text, str) and len(text) > _MOST_TEXT:
        raise RefusedError("msg_too_long")
    for block in blocks if isinstance(blocks, list) else ():
        if not isinstance(block, dict) or block.get("type") not in _BLOCK_CHARS:
            raise RefusedError("invalid_blocks")
        fields = block.get("fields", [])
        if not isinstance(fields, list) or len(fields) > _MOST_FIELDS:
            raise RefusedError("invalid_blocks")
        most = _BLOCK_CHARS[str(block["type"])]
        if not all(1 <= len(one) <= most for one in _texts(block)):
            raise RefusedError("invalid_blocks")


def _texts(block: dict[str, Json]) -> list[str]:
    fields = block.get("fields", [])
    objects = [block["text"]] if "text" in block else []
    objects += fields if isinstance(fields, list) else []
    return [str(one.get("text", "")) for one in objects if isinstance(one, dict)]


def _seen(body: dict[str, Json]) -> dict[str, str]:
    """What people see: header, text, fields, and the address behind a link."""
    facts: dict[str, str] = {}
    blocks = body.get("blocks")
    for block in blocks if isinstance(blocks, list) else ():
        if not isinstance(block, dict):
            continue
        texts = _texts(block)
        text = block.get("text")
        if block["type"] == "header":
            facts["subject"] = texts[0]
        elif "fields" in block:
            facts |= {f"fact:{name}": value for name, _, value in (one.partition("\n") for one in texts)}
        elif isinstance(text, dict) and text.get("type") == "mrkdwn":
            address = texts[0].strip("<>").partition("|")[0]
            facts["link"] = address.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        else:
            facts["body"] = texts[0]
    return facts


def _vendor(handler: _Answer) -> Handler:
    """What every method shares: the bearer token, and refusals with status 200."""

    async def answer(request: web.Request) -> web.StreamResponse:
        authorization = request.headers.get("Authorization", "")
        if not authorization:
            return _refused("not_authed")
        if authorization != f"Bearer {TOKEN}":
            return _refused("invalid_auth")
        try:
            return await handler(request)
        except RefusedError as refusal:
            return _refused(str(refusal))

    return answer


def _object(content: bytes) -> dict[str, Json]:
    try:
        body: Json = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise RefusedError("invalid_json") from error
    if not isinstance(body, dict):
        raise RefusedError("invalid_json")
    return body


def _refused(code: str) -> web.Response:
    return _json({"ok": False, "error": code})


def _json(value: Json) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
