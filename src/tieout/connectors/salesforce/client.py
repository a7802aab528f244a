"""Requests to one Salesforce org, and nothing else: sign-in, queries, rows, collections, composite, the Bayeux door.

Neighbours: ``read``, ``change_feed`` and ``write`` call it; ``tieout.connect.http`` carries it. Answers to writes are
given back as they are, for ``outcome_codes`` to judge; answers to reads become bodies or errors here.

A token has no told lifetime; a 401 is what says that it ended, and then it is renewed once. Calls go to the address
that the token names, which must be Salesforce's or the one that was configured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict_as
from tieout.connect.token import IssuedToken, TokenKeeper
from tieout.connectors.salesforce.manifest import API_VERSION, JWT_BEARER, MANIFEST
from tieout.connectors.salesforce.options import Options
from tieout.connectors.salesforce.outcome_codes import ALLOCATION_USED_UP, body_of, errors_of
from tieout.connectors.salesforce.records import BayeuxMessage, SalesforceDescription, SalesforceToken
from tieout.errors import AccessError, ConfigurationError, TransientError

TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105 - a path
DATA_PATH: Final = f"/services/data/{API_VERSION}"
STREAMING_PATH: Final = f"/cometd/{API_VERSION.removeprefix('v')}"
SKEW: Final = timedelta(minutes=15)
"""How far our clock may be ahead, where an answer does not tell the server's."""

_ASSERTION_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_LIFETIME: Final = timedelta(minutes=3)
_OWN_DOMAINS: Final = (".salesforce.com", ".salesforce.mil")
_JSON: Final = {"Content-Type": "application/json"}
_OK: Final = 200
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


class Answer(msgspec.Struct, frozen=True):
    """The body of a good answer, and the server's own time when it gave it."""

    body: bytes
    at: datetime


class Subrequest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One question of several that are asked in one request; its answer is found by ``reference_id``."""

    url: str
    reference_id: str
    method: str = "GET"


class SalesforceClient:
    """One open connection to an org: its HTTP client, its token and where the org is."""

    def __init__(self, connection: Connection, options: Options) -> None:
        self._connection = connection
        self._options = options
        self._base_url = _base_url(connection)
        self._instance_url = self._base_url
        _setting(connection, "client_id")
        self._key: RSAKey | None = None
        if options.auth_flow == JWT_BEARER:
            _setting(connection, "username")
            self._key = _signing_key(connection)
        else:
            _secret(connection, "client_secret")
        self._http = connection.open_http(MANIFEST.limits, base_url=self._base_url)
        self._token = TokenKeeper(self._fetch_token, connection.clock)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    # "OAuth 2.0 Client Credentials Flow", "OAuth 2.0 JWT Bearer Flow" for Server-to-Server Integration
    async def _fetch_token(self) -> IssuedToken:
        answer = await self._http.request(
            "POST",
            TOKEN_PATH,
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            content=urlencode(self._credentials()).encode(),
            read_only=True,
        )
        if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY or (answer.ok and not answer.is_json):
            raise TransientError(
                code="TIE-SALESFORCE-005",
                message=f"The token endpoint of Salesforce answered HTTP {answer.status}.",
                retry_after_s=answer.retry_after_s,
            )
        if answer.status != _OK:
            words = self._http.redactor.hide(answer.body.decode(errors="replace"))[:300]
            raise AccessError(
                code="TIE-SALESFORCE-004",
                message=f"Salesforce refused the connected app (HTTP {answer.status}): {words}",
            )
        issued = decode_strict_as(answer.body, SalesforceToken)
        self._http.redactor.learn(issued.access_token)
        self._instance_url = _checked_instance(issued.instance_url, self._base_url)
        return IssuedToken(value=issued.access_token)

    def _credentials(self) -> dict[str, str]:
        client_id = _setting(self._connection, "client_id")
        if self._key is None:
            return {
                "grant_type": "client_credentials",
                "client_id": client_id,
                "client_secret": _secret(self._connection, "client_secret"),
            }
        claims = {
            "iss": client_id,
            "sub": _setting(self._connection, "username"),
            "aud": _setting(self._connection, "audience"),
            "exp": int((self._connection.clock.now() + _ASSERTION_LIFETIME).timestamp()),
        }
        assertion = jwt.encode({"alg": "RS256"}, claims, self._key, algorithms=["RS256"])
        return {"grant_type": _ASSERTION_GRANT, "assertion": assertion}

    async def _signed(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        read_only: bool | None = None,
        timeout_s: float | None = None,
    ) -> HttpAnswer:
        """One request with a good token: a refused token is renewed once, by one of all that wait."""

        async def send(token: str) -> HttpAnswer:
            return await self._http.request(
                method,
                f"{self._instance_url}{path}",
                headers={"Accept": "application/json", **(headers or {}), "Authorization": f"Bearer {token}"},
                content=content,
                read_only=read_only,
                timeout_s=timeout_s,
            )

        token = await self._token.current()
        answer = await send(token)
        if answer.status == _UNAUTHORIZED:
            answer = await send(await self._token.renew(token))
        if any(one.error_code == ALLOCATION_USED_UP for one in ([] if answer.ok else errors_of(answer.body))):
            # Every further request would be refused too, and those of all other programs with ours.
            told_s = answer.retry_after_s
            wait_s = float(self._options.allocation_wait_s) if told_s is None else told_s
            await self._http.penalise(wait_s)
            return replace(answer, retry_after_s=wait_s)
        return answer

    async def _read(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, content: bytes | None = None
    ) -> Answer:
        answer = await self._signed(method, path, headers=headers, content=content, read_only=True)
        where = path.partition("?")[0]
        return Answer(body_of(answer, f"{method} {where}"), self._server_time(answer))

    # "Query", "QueryAll": the latter tells deleted records too
    async def query_all(self, soql: str) -> Answer:
        """The first answer to a query; raises TransientError, AccessError or ContractError."""
        return await self._read("GET", query_url(soql), headers=self._page_header())

    # "Query More Results": ``nextRecordsUrl`` of the answer before
    async def query_more(self, url: str) -> Answer:
        """The next answer to a query; raises as ``query_all`` does, and LocatorGoneError where it is not kept."""
        return await self._read("GET", url, headers=self._page_header())

    # "Send Multiple Requests Using Composite"
    async def composite(self, questions: Sequence[Subrequest]) -> Answer:
        """The answers to several questions in one; raises as ``query_all`` does for the request as a whole."""
        content = msgspec.json.encode({"allOrNone": False, "compositeRequest": questions})
        return await self._read("POST", f"{DATA_PATH}/composite", headers=_JSON, content=content)

    # "sObject Get Deleted"
    async def deleted(self, vendor_object: str, *, starts: datetime, ends: datetime) -> Answer:
        """The records of an object that were deleted in a window; raises as ``query_all`` does."""
        window = urlencode({"start": _iso(starts), "end": _iso(ends)})
        return await self._read("GET", f"{DATA_PATH}/sobjects/{vendor_object}/deleted/?{window}")

    # "sObject Describe"
    async def describe(self, vendor_object: str) -> SalesforceDescription:
        """What the org says of an object; raises as ``query_all`` does."""
        answer = await self._read("GET", f"{DATA_PATH}/sobjects/{vendor_object}/describe")
        return decode_strict_as(answer.body, SalesforceDescription)

    # Page "Insert or Update (Upsert) a Record Using an External ID"
    async def upsert(self, vendor_object: str, field: str, value: str, body: Mapping[str, object]) -> HttpAnswer:
        """Create or update the one record with this external id."""
        path = f"{DATA_PATH}/sobjects/{vendor_object}/{field}/{quote(value, safe='')}"
        return await self._write("PATCH", path, body)

    # "Update a Record"
    async def update(self, vendor_object: str, key: str, body: Mapping[str, object]) -> HttpAnswer:
        """Change one record."""
        return await self._write("PATCH", f"{DATA_PATH}/sobjects/{vendor_object}/{key}", body)

    # "Upsert Records Using sObject Collections"
    async def upsert_many(self, vendor_object: str, field: str, records: Sequence[Mapping[str, object]]) -> HttpAnswer:
        """Create or update records of one object by an external id, each for itself."""
        path = f"{DATA_PATH}/composite/sobjects/{vendor_object}/{field}"
        return await self._write("PATCH", path, {"allOrNone": False, "records": records})

    # "Update Multiple Records with Fewer Round-Trips"
    async def update_many(self, records: Sequence[Mapping[str, object]]) -> HttpAnswer:
        """Change records, each for itself."""
        return await self._write("PATCH", f"{DATA_PATH}/composite/sobjects", {"allOrNone": False, "records": records})

    async def _write(self, method: str, path: str, body: Mapping[str, object]) -> HttpAnswer:
        return await self._signed(method, path, headers=_JSON, content=msgspec.json.encode(body))

    # "How the Client Connects": the Bayeux protocol over HTTP
    async def bayeux(self, message: Mapping[str, object], *, timeout_s: float) -> list[BayeuxMessage]:
        """The answers to one Bayeux message, events among them; raises as ``query_all`` does."""
        answer = await self._signed(
            "POST",
            STREAMING_PATH,
            headers=_JSON,
            content=msgspec.json.encode([message]),
            read_only=True,
            timeout_s=timeout_s,
        )
        return decode_strict_as(body_of(answer, f"POST {STREAMING_PATH}"), list[BayeuxMessage])

    def _page_header(self) -> dict[str, str]:
        return {"Sforce-Query-Options": f"batchSize={self._options.page_size}"}

    def _server_time(self, answer: HttpAnswer) -> datetime:
        """The server's clock in an answer; where it tells none, ours less what it may be ahead."""
        told = answer.headers.get("date")
        try:
            found = None if told is None else parsedate_to_datetime(told)
        except ValueError:
            found = None
        return self._connection.clock.now() - SKEW if found is None else found.astimezone(UTC)


def query_url(soql: str) -> str:
    """The address of a query that tells deleted records too."""
    return f"{DATA_PATH}/queryAll/?{urlencode({'q': soql})}"


def _iso(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+00:00"


def _base_url(connection: Connection) -> str:
    return _setting(connection, "base_url").rstrip("/")


def _checked_instance(told: str, base_url: str) -> str:
    """Where the org is, as its token says; raises AccessError for an address that a token must not be sent to."""
    found, own = urlsplit(told), urlsplit(base_url)
    is_own = (found.scheme, found.hostname) == (own.scheme, own.hostname)
    if is_own or (found.scheme == "https" and (found.hostname or "").endswith(_OWN_DOMAINS)):
        return told.rstrip("/")
    raise AccessError(
        code="TIE-SALESFORCE-004", message=f"The token is for {told[:200]!r}, which is no address of Salesforce."
    )


def _setting(connection: Connection, name: str) -> str:
    value = connection.settings.get(name)
    if not value:
        raise _missing(connection, f"The setting {name}")
    return value


def _secret(connection: Connection, name: str) -> str:
    value = connection.secrets.get(name)
    if not value:
        raise _missing(connection, f"The secret {name}")
    return value


def _missing(connection: Connection, what: str) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-SALESFORCE-003", message=f"{what} of system {connection.system} is missing; Salesforce needs it."
    )


def _signing_key(connection: Connection) -> RSAKey:
    try:
        key = RSAKey.import_key(_secret(connection, "private_key"))
    except (JoseError, ValueError, TypeError):
        # Not chained: what the library says of a key that it cannot read is not ours to show.
        raise _no_key(connection) from None
    if not key.is_private:
        raise _no_key(connection)
    return key


def _no_key(connection: Connection) -> ConfigurationError:
    return ConfigurationError(
        code="TIE-SALESFORCE-003",
        message=f"The secret private_key of system {connection.system} is no RSA private key in PEM.",
    )
