"""``tieout contract``: the published schemas and events, and the test of what a consumer relies on."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from tieout.cli.options import HOME, AsJson, Home, actor
from tieout.cli.output import Words, print_json
from tieout.connect.http import HttpClient, HttpSettings
from tieout.connect.json_codec import decode_strict
from tieout.connect.manifest import Limits
from tieout.connect.redaction import Redactor
from tieout.connect.throttle import NoThrottle
from tieout.errors import ContractError
from tieout.governance import schema_registry
from tieout.governance.consumer_contract import (
    ConsumerContract,
    Kept,
    RequestNeed,
    check_answer,
    check_schemas,
    read_contract,
)
from tieout.inbound import vendor_schemas
from tieout.model.event_catalogue import EVENTS
from tieout.runtime.clock import SystemClock
from tieout.runtime.installation import open_installation
from tieout.storage.pool import connect, in_transaction

app = typer.Typer(
    help="Published schemas and events, and what consumers rely on.", no_args_is_help=True, add_completion=False
)


@app.callback()
def group() -> None:
    """Published schemas and events, and what consumers rely on."""


@app.command("schemas")
def schemas(
    subject: Annotated[str | None, typer.Argument(help="One subject, such as event/time.posted: its schema.")] = None,
    version: Annotated[int | None, typer.Option(min=1, help="The version; the newest by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """The subjects that are published, or the JSON Schema of one."""
    if subject is not None:
        print_json(schema_registry.find(subject, version).schema)
        return
    found = schema_registry.published()
    if as_json:
        print_json(found)
        return
    words = Words(whole=True)
    for one in found:
        line = schema_registry.described(one.schema).partition("\n")[0]
        words.print(f"{one.subject:<38} v{one.version}  {one.direction.value:<6} {line}")


@app.command("events")
def events(as_json: AsJson = False) -> None:
    """The events that the hub tells: key, order, version and what reading again gives."""
    if as_json:
        print_json(
            [
                {name: getattr(one, name) for name in ("name", "version", "title", "subject", "order", "replay")}
                for one in EVENTS.values()
            ]
        )
        return
    words = Words(whole=True)
    for one in EVENTS.values():
        words.print(f"{one.name:<28} v{one.version}  {one.subject:<22} {one.title}")


@app.command("test")
def try_contracts(
    files: Annotated[list[Path], typer.Argument(help="Contracts of consumers (TOML).")],
    url: Annotated[str | None, typer.Option(help="A running hub that their requests are tried on.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try what consumers rely on: schemas offline, requests on a hub. Exit code 1 when something is not kept.

    The token for the hub comes from the environment, TIEOUT_TOKEN.
    """
    kept: list[Kept] = []
    for path in files:
        contract = read_contract(path)
        kept += check_schemas(contract)
        if url is not None:
            kept += asyncio.run(_try_requests(contract, url))
        else:
            kept += [
                Kept(consumer=contract.consumer, need=f"{one.method} {one.path}", problems=("it needs --url",))
                for one in contract.request
            ]
    if as_json:
        print_json(kept)
    else:
        _print(Words(whole=True), kept)
    if any(one.problems for one in kept):
        raise typer.Exit(code=1)


@app.command("vendors")
def vendors(
    home: Home = HOME,
    system: Annotated[str | None, typer.Option(help="Only the changes of this system.")] = None,
    as_json: AsJson = False,
) -> None:
    """What each vendor's objects look like by now, and what is different from before. Exit code 1 with open changes."""
    clock = SystemClock()
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        while in_transaction(conn, lambda cur: vendor_schemas.learn(cur, now=clock.now())):
            pass
        known = in_transaction(conn, vendor_schemas.objects)
        changes = in_transaction(conn, lambda cur: vendor_schemas.open_changes(cur, system=system))
    if as_json:
        print_json({"objects": known, "changes": changes})
    else:
        words = Words(whole=True)
        for one in known:
            words.print(f"{one.system:<16}{one.object:<28}{one.field_count:>6} fields{one.message_count:>9} messages")
        for change in changes:
            words.print(f"{change.system} {change.object} {change.path} {change.words} (message {change.message_id})")
        words.print(f"{len(changes)} changes that nobody has acknowledged.")
    if changes:
        raise typer.Exit(code=1)


@app.command("acknowledge")
def acknowledge(
    system: Annotated[str, typer.Argument(help="The system, as the firm names it.")],
    reason: Annotated[str, typer.Option(help="What came of looking at them, for the audit log.")],
    home: Home = HOME,
) -> None:
    """Say that somebody has looked at all open changes of a vendor's objects."""
    with open_installation(home) as installation, connect(installation.url, autocommit=True) as conn:
        count = in_transaction(
            conn,
            lambda cur: vendor_schemas.acknowledge(
                cur, system=system, actor=actor(), reason=reason, now=SystemClock().now()
            ),
        )
    Words(whole=True).print(f"{count} changes of {system} are acknowledged.")


async def _try_requests(contract: ConsumerContract, url: str) -> list[Kept]:
    token = os.environ.get("TIEOUT_TOKEN", "")
    client = HttpClient(
        HttpSettings(),
        base_url=url,
        account="contract",
        limits=Limits(),
        throttle=NoThrottle(),
        clock=SystemClock(),
        redactor=Redactor([token] if token else []),
    )
    try:
        return [await _try(contract, one, client, token) for one in contract.request]
    finally:
        await client.aclose()


async def _try(contract: ConsumerContract, need: RequestNeed, client: HttpClient, token: str) -> Kept:
    headers = {"accept": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    content = None
    if need.body is not None:
        content = msgspec.json.encode(need.body)
        headers["content-type"] = "application/json"
    answer = await client.request(need.method, need.path, headers=headers, content=content, read_only=True)
    body: object = None
    if answer.is_json:
        try:
            body = decode_strict(answer.body)
        except ContractError as error:
            return Kept(consumer=contract.consumer, need=f"{need.method} {need.path}", problems=(error.message,))
    return check_answer(contract, need, status=answer.status, body=body)


def _print(words: Words, kept: Sequence[Kept]) -> None:
    for one in kept:
        state = "kept" if not one.problems else "; ".join(one.problems)
        later = "" if one.newer is None else f" (version {one.newer} is out)"
        words.print(f"{one.consumer:<20} {one.need:<36} {state}{later}")
    broken = sum(bool(one.problems) for one in kept)
    words.print(f"{len(kept)} needs, {broken} not kept.")
