"""Secrets planted wherever one can be configured come out nowhere: no log, error, probe, table, export or file."""

import asyncio
import base64
import json
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from httpx import Response
from litestar.testing import TestClient
from tests.worlds.inbound_database import Hub
from tests.worlds.inbound_firm import firm as small_firm

from tieout.api.app import application
from tieout.api.keys import create_key
from tieout.connect.conformance.bench import LocalThrottle
from tieout.connect.connector import installed_connectors, load_connector
from tieout.errors import TieoutError
from tieout.governance import access, api_clients, audit, secret_store, sign_in
from tieout.governance.access import Act, Right
from tieout.governance.master_key import MasterKeys
from tieout.model.access import Scope
from tieout.model.firm import AnchorPlace, AuditPolicy, Environment, SystemConfig
from tieout.runtime.anchoring import anchor_head
from tieout.runtime.clock import SystemClock
from tieout.runtime.connection_check import check_connection
from tieout.runtime.ids import SystemIds
from tieout.runtime.secrets import store_of
from tieout.storage.pool import connect, in_transaction, sync_pool
from tieout.web.entrance import Entrance
from tieout.web.site import Provider, Site

STATUSES = (400, 401, 500)
SETTINGS = {
    "bamboohr": {"base_url": "{url}"},
    "email": {"server": "127.0.0.1:9", "sender": "hub@example.com", "username": "hub"},
    "float": {"contact": "ops@example.com", "base_url": "{url}"},
    "kantata": {"base_url": "{url}"},
    "netsuite": {"account_id": "1", "client_id": "c", "certificate_id": "k", "base_url": "{url}"},
    "salesforce": {"base_url": "{url}", "client_id": "c", "username": "u"},
    "slack": {"channels": "C0123456789", "base_url": "{url}"},
    "teams": {},
    "tryton": {"base_url": "{url}", "database": "d", "user": "u", "journal": "GEN"},
}
TAKES = {"slack": "send_notice", "teams": "send_notice", "email": "send_notice", "netsuite": "post_journal"}
UNREACHED = {"files": "its place is a folder or an SFTP server", "http": "what it asks is a definition of the firm"}


class Echo(BaseHTTPRequestHandler):
    """A vendor that tells in its refusals all that it was sent, credentials included."""

    status = 401

    def _answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("content-length") or 0)).decode("utf-8", "replace")
        words = {"message": f"refused {self.path} {sent} {dict(self.headers)}", "errors": [{"detail": sent}]}
        body = json.dumps(words | {"error_description": words["message"], "title": str(dict(self.headers))}).encode()
        self.send_response(type(self).status)
        self.send_header("content-type", "application/json")
        self.send_header("x-bamboohr-error-message", str(dict(self.headers))[:2000])
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer  # noqa: N815 - names of the base class

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Say nothing."""


@pytest.fixture
def echo() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Planted:
    """What was planted, and where it was looked for."""

    canaries: dict[str, str] = field(default_factory=dict)
    looked_at: int = 0

    def plant(self, place: str, value: str) -> str:
        self.canaries[place] = value
        return value

    def look(self, where: str, text: str) -> None:
        """No canary in ``text``, in no spelling it could travel in."""
        self.looked_at += len(text)
        for place, value in self.canaries.items():
            for spelling in spellings(value):
                assert spelling not in text, f"the secret of {place} is in {where}"


def spellings(value: str) -> set[str]:
    lines = {line for line in value.splitlines() if len(line) > 40} or {value}
    return {
        spelled
        for one in lines
        for spelled in (one, quote(one, safe=""), base64.b64encode(one.encode()).decode(), one.encode().hex())
    }


def pem(kind: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "netsuite" else rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def canary_of(connector: str, name: str, echo: str) -> str:
    if name == "private_key":
        return pem(connector)
    if name == "webhook_url":
        return f"{echo}/workflows/canary-{connector}-{os.urandom(12).hex()}"
    return f"canary-{connector}-{name}-{os.urandom(12).hex()}"


def dump(url: str) -> Iterator[tuple[str, str]]:
    """Every row of every table as PostgreSQL writes it: bytes in hexadecimal, which is one of the spellings."""
    with connect(url) as conn:
        tables = conn.execute(
            """
            select format('%I.%I', schemaname, tablename) from pg_tables
             where schemaname not in ('pg_catalog', 'information_schema')
            """
        ).fetchall()
        for (table,) in tables:
            for (row,) in conn.execute(f"select t::text from {table} t".encode()):
                yield str(table), str(row)


@dataclass
class Place:
    """A hub with its home, its database and what was planted there."""

    hub: Hub
    url: str
    home: Path
    planted: Planted

    def store(self, name: str, value: str) -> str:
        act = Act(by="ada", now=SystemClock().now())
        keys = MasterKeys(self.home, {})
        with connect(self.url, autocommit=True) as conn:
            in_transaction(conn, lambda cur: secret_store.put(cur, keys, name, value, act))
        return f"store:{name}"


@pytest.fixture
def place(database_url: str, tmp_path: Path) -> Iterator[Place]:
    home = tmp_path / "home"
    home.mkdir()
    with connect(database_url, autocommit=True) as conn, store_of(database_url, home):
        yield Place(Hub(conn), database_url, home, Planted())


def systems(place: Place, echo: str) -> list[SystemConfig]:
    """One system of each connector, with a canary in each secret that it can have."""
    made = []
    assert {*SETTINGS, *UNREACHED} == set(installed_connectors())
    for name, given in SETTINGS.items():
        connector = load_connector(name)
        secrets = {
            one.name: place.store(
                f"{name}-{one.name}", place.planted.plant(f"{name}.{one.name}", canary_of(name, one.name, echo))
            )
            for one in connector.manifest.settings
            if one.secret
        }
        settings = {key: value.format(url=echo) for key, value in given.items()}
        made.append(
            SystemConfig(
                name=name,
                connector=name,
                account=name,
                environment=Environment.SANDBOX,
                settings=settings,
                secrets=secrets,
                takes=(TAKES[name],) if name in TAKES else (),
            )
        )
    return made


async def test_no_connector_tells_a_secret_whatever_a_vendor_says_back(
    place: Place, echo: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refusals = 0
    configured = systems(place, echo)
    for status in STATUSES:
        Echo.status = status
        for system in configured:
            try:
                async with asyncio.timeout(20):
                    probes = await check_connection(
                        system, throttle=LocalThrottle(), clock=SystemClock(), entities=["US01"]
                    )
            except TieoutError as error:
                place.planted.look(f"the error of {system.name}", f"{error!r} {error} {error.message}")
                continue
            refusals += sum(not one.ok for one in probes)
            place.planted.look(f"the probes of {system.name} at {status}", repr(probes))
    assert refusals > len(configured)
    told = capfd.readouterr()
    place.planted.look("the output", told.out + told.err)
    place.planted.look("the log", caplog.text)


def issued(place: Place) -> tuple[str, str]:
    """A program, a key and a link that the hub made, their secrets planted; returns id and secret of the program."""
    act, ids = Act(by="ada", now=SystemClock().now()), SystemIds()
    program_id, person_id = ids.new_id(), ids.new_id()
    with connect(place.url, autocommit=True) as conn, conn.transaction(), conn.cursor() as cur:
        client_id, secret = api_clients.add_client(cur, name="w", program_id=program_id, act=act)
        for scope in (Scope.SYSTEMS_READ, Scope.AUDIT_READ, Scope.MAPPINGS_READ):
            right = Right(what=scope)
            access.grant(cur, principal_id=program_id, right=right, grant_id=ids.new_id(), act=act)
        key = create_key(conn, name="k", system="api", key_id=ids.new_id(), now=act.now)
        access.add_person(cur, name="Ada", email="a@b.example", person_id=person_id, act=act)
        place.planted.plant("a link", sign_in.new_link(cur, principal_id=person_id, act=act))
    place.planted.plant("a program", secret)
    place.planted.plant("a key", key)
    return client_id, secret


def asked(place: Place, door_url: str, echo: str, names: list[str]) -> list[Response]:
    """What the doors answer to programs that hold secrets, and to those that try."""
    client_id, secret = issued(place)
    provider = Provider(issuer=echo, client_id="hub", client_secret=place.planted.plant("oidc", os.urandom(9).hex()))
    own, doors = sync_pool(place.url, application="t", size=3), sync_pool(door_url, application="t", size=3)
    app = application(own, SystemClock(), Entrance(pool=doors, home=place.home, site=Site(provider=provider)))
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    with TestClient(app, raise_server_exceptions=False) as client:
        token = client.post("/v1/oauth/token", data=form).json()["access_token"]
        header = {"authorization": f"Bearer {token}"}
        wrong = {"authorization": f"Bearer {secret}"}
        answers = [client.get(path, headers=header) for path in ("/v1/systems", "/v1/audit", "/v1/mappings", "/health")]
        assert [one.status_code for one in answers[:2]] == [200, 200]
        answers += [client.get(path, headers=wrong) for path in ("/v1/systems", "/v1/nothing")]
        answers.append(client.post("/v1/oauth/token", data=form | {"client_id": "client-unknown"}))
        answers += [client.post(f"/v1/webhooks/{name}", content=b"{}") for name in names]
        answers.append(client.get("/sign-in/oidc", follow_redirects=False))
    own.close()
    doors.close()
    place.planted.plant("a token", token)
    return answers


def test_no_table_export_answer_or_file_holds_a_secret(
    place: Place, door_url: str, echo: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    planted, configured = place.planted, systems(place, echo)
    whsec = planted.plant("audit.anchor", "whsec_" + base64.b64encode(os.urandom(24)).decode())
    anchors = (AnchorPlace(kind="webhook", place=f"{echo}/anchors", secret=place.store("anchor", whsec)),)
    base = small_firm()
    door = SystemConfig(name="api", connector="api", account="api", environment=Environment.SANDBOX)
    firm = msgspec.structs.replace(base, systems=(*base.systems, door, *configured), audit=AuditPolicy(anchors=anchors))
    place.hub.open_firm(firm)
    for one in asked(place, door_url, echo, [system.name for system in configured]):
        planted.look(f"the answer of {one.request.url.path}", f"{one.text} {dict(one.headers)}")
    [anchored] = anchor_head(place.url, firm, SystemClock())
    assert anchored.problem is not None
    planted.look("the outcome of anchoring", repr(anchored))
    for table, text in dump(place.url):
        planted.look(f"the table {table}", text)
    with connect(place.url) as conn:
        planted.look("the export of the audit log", repr(list(audit.links(conn))))
        planted.look("the list of secrets", repr(secret_store.listed(conn)))
    files = [path for path in place.home.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"master.key", "tokens.json"}
    for path in files:
        planted.look(str(path), path.read_bytes().decode("latin-1"))
    told = capfd.readouterr()
    planted.look("the output", told.out + told.err)
    planted.look("the log", caplog.text)
    assert planted.looked_at > 10_000


def test_a_canary_that_is_there_is_found(place: Place) -> None:
    value = place.planted.plant("erp.password", "canary-erp-4711-4711")
    with connect(place.url, autocommit=True) as conn:
        conn.execute("create table tieout.leak (content bytea)")
        conn.execute("insert into tieout.leak values (%s)", (b"before" + value.encode(),))
    rows = "\n".join(f"{table} {text}" for table, text in dump(place.url))
    with pytest.raises(AssertionError, match=r"the secret of erp\.password is in the tables"):
        place.planted.look("the tables", rows)
