"""Webhooks of the local company: made over the API, signed with their own key, logged, and posted to their address.

What is posted is an older kind of body with fields, as a webhook has that was made without events. Each is tried three
times; what never arrived stays in the log, as with the vendor. Neighbours: ``bamboo_hr`` calls ``tell`` after a change.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

import aiohttp
import msgspec

from tieout.connect.simulator.control import SentWebhook
from tieout.connect.simulator.state import State
from tieout.connectors.bamboohr.simulator.rows import FTE_FIELD, Employee, Json, instant

FIRST_KEY: Final = "simulated-webhook-key-0f6b"
_FIELDS: Final = {
    "id": "eeid",
    "firstName": "firstName",
    "lastName": "lastName",
    "preferredName": "preferredName",
    "workEmail": "email",
    "status": "status",
    "hireDate": "hireDate",
    "terminationDate": "terminationDate",
    "jobTitle": "jobInformationJobTitle",
    "department": "jobInformationDepartment",
    "division": "jobInformationDivision",
    "location": "jobInformationLocation",
    "supervisor": "jobInformationReportsTo",
    "supervisorEId": "supervisorEid",
    "standardHoursPerWeek": "standardHoursPerWeek",
    "lastChanged": "lastChanged",
    FTE_FIELD: FTE_FIELD,
}
"""Fields as this endpoint names them, by their names in the dataset."""
_ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.2
_TIMEOUT_S: Final = 5.0


class Wanted(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A webhook as it is asked for; ``post_fields`` gives each posted field the name that it is posted under."""

    name: str
    monitor_fields: list[str]
    post_fields: dict[str, str]
    url: str
    format: str = "json"
    include_company_domain: bool = False


class Webhooks:
    """All webhooks of the company."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._posting: set[asyncio.Task[None]] = set()

    def fill(self) -> None:
        """The webhook that the company has from the beginning: under the names of the dataset, with no address yet."""
        wanted = Wanted(name="Tieout", monitor_fields=sorted(_FIELDS), post_fields=_FIELDS, url="")
        self._store(1, FIRST_KEY, wanted)

    def make(self, wanted: Wanted) -> dict[str, Json]:
        """A new webhook, with the key that is shown this one time."""
        row_id = self._state.bump("webhooks") + 1
        key = secrets.token_hex(16)
        self._store(row_id, key, wanted)
        return {**self._shown(row_id, wanted), "privateKey": key}

    def change(self, row_id: int, wanted: Wanted) -> dict[str, Json] | None:
        """The webhook after its change, None where there is none."""
        held = self._state.row("select private_key from webhook where id = ?", (row_id,))
        if held is None:
            return None
        self._store(row_id, held["private_key"], wanted)
        return self._shown(row_id, wanted)

    def listed(self) -> list[Json]:
        """All webhooks, without their keys."""
        rows = self._state.rows("select id, body from webhook order by id")
        return [self._shown(row["id"], msgspec.json.decode(row["body"], type=Wanted)) for row in rows]

    def log(self, row_id: int) -> list[Json]:
        """What a webhook has posted."""
        rows = self._state.rows("select * from delivery where webhook_id = ? order by id", (row_id,))
        return [{"webhookId": row_id, "lastAttempted": instant(row["sent"]), "payload": row["body"]} for row in rows]

    def sent(self) -> Sequence[SentWebhook]:
        """Everything that was signed and posted, in order."""
        return [
            SentWebhook(headers=_headers(row["sent"], row["signature"]), body=row["body"], sent_at=instant(row["sent"]))
            for row in self._state.rows("select * from delivery order by id")
        ]

    def tell(self, action: str, employee: Employee, *, at: int) -> None:
        """Sign what happened for every webhook, and post it where an address is known and a loop runs."""
        for row in self._state.rows("select * from webhook order by id"):
            wanted = msgspec.json.decode(row["body"], type=Wanted)
            body = msgspec.json.encode(_body(action, employee, wanted)).decode()
            signature = sign(row["private_key"], body.encode(), str(at))
            self._state.run(
                "insert into delivery (webhook_id, sent, signature, body) values (?, ?, ?, ?)",
                (row["id"], at, signature, body),
            )
            self._post(wanted.url, _headers(at, signature), body)

    async def posted(self) -> None:
        """Wait until everything that is being posted has arrived or was given up."""
        await asyncio.gather(*self._posting)

    def _post(self, url: str, headers: Mapping[str, str], body: str) -> None:
        if not url:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        task = loop.create_task(_deliver(url, headers, body))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    def _store(self, row_id: int, key: str, wanted: Wanted) -> None:
        self._state.run(
            "insert into webhook (id, private_key, body) values (?, ?, ?) "
            "on conflict (id) do update set private_key = excluded.private_key, body = excluded.body",
            (row_id, key, msgspec.json.encode(wanted)),
        )

    def _shown(self, row_id: int, wanted: Wanted) -> dict[str, Json]:
        last = self._state.row("select max(sent) as sent from delivery where webhook_id = ?", (row_id,))
        return {
            "id": row_id,
            "name": wanted.name,
            "created": "2026-01-02 08:00:00",
            "lastSent": None if last is None or last["sent"] is None else instant(last["sent"]),
            "monitorFields": [*wanted.monitor_fields],
            "postFields": {**wanted.post_fields},
            "url": wanted.url,
            "format": wanted.format,
        }


def sign(key: str, body: bytes, timestamp: str) -> str:
    """The signature of a body posted at ``timestamp``."""
    return hmac.new(key.encode(), body + timestamp.encode(), hashlib.sha256).hexdigest()


def _headers(sent: int, signature: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "x-bamboohr-signature": signature,
        "x-bamboohr-timestamp": str(sent),
    }


def _body(action: str, employee: Employee, wanted: Wanted) -> dict[str, Json]:
    fields: dict[str, Json] = {
        posted: {"value": employee.fields.get(_FIELDS.get(name, name))} for name, posted in wanted.post_fields.items()
    }
    told: dict[str, Json] = {
        "id": str(employee.id),
        "action": action,
        "timestamp": instant(employee.changed),
        "changedFields": [] if action == "Deleted" else [*wanted.monitor_fields],
        "fields": {} if action == "Deleted" else fields,
    }
    return {"employees": [told]}


async def _deliver(url: str, headers: Mapping[str, str], body: str) -> None:
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(timeout=timeout) as client:
        for attempt in range(_ATTEMPTS):
            try:
                async with client.post(url, headers=headers, data=body.encode()) as answer:
                    if answer.ok:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(_PAUSE_S * 2**attempt)
