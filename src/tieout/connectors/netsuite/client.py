"""Requests to SuiteTalk REST, and nothing else: sign-in, records, SuiteQL, asynchronous jobs.

Neighbours: ``read``, ``write`` and ``directory`` call it; ``tieout.connect.http`` carries it. Answers to writes are
given back as they are, for ``outcome_codes`` to judge; answers to reads become values or errors here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from tieout.connect.connector import Connection
from tieout.connect.http import HttpAnswer
from tieout.connect.json_codec import decode_strict, decode_strict_as, shape_strict
from tieout.connect.manifest import Limits
from tieout.connect.token import IssuedToken, TokenKeeper
from tieout.connectors.netsuite.manifest import PAGE_SIZE
from tieout.connectors.netsuite.options import Options
from tieout.connectors.netsuite.outcome_codes import LIMIT_CODES, NO_ACCESS_CODES, error_of
from tieout.connectors.netsuite.queries import KeysetQuery
from tieout.connectors.netsuite.records import (
    NetSuiteJob,
    NetSuiteJournal,
    NetSuiteQueryPage,
    NetSuiteSchema,
    NetSuiteTaskList,
    NetSuiteToken,
)
from tieout.errors import AccessError, ConfigurationError, ContractError, TransientError

TOKEN_PATH: Final = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 - a path
RECORD_PATH: Final = "/services/rest/record/v1"
QUERY_PATH: Final = "/services/rest/query/v1/suiteql"
JOB_PATH: Final = "/services/rest/async/v1/job"
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFETIME: Final = timedelta(minutes=5)
_EC_ALGORITHMS: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_OK: Final = 200
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_SERVER_ERROR: Final = 500
_TOO_MANY: Final = 429

_Row = TypeVar("_Row")
_Shape = TypeVar("_Shape")


class NetSuiteClient:
    """One open connection to an account: its HTTP client and its access token."""

    def __init__(self, connection: Connection, options: Options) -> None:
        self._options = options
        self._clock = connection.clock
        self._http = connection.open_http(Limits(concurrency=options.concurrency), base_url=options.base_url)
        self._key, self._algorithm = _signing_key(options)
        self._token = TokenKeeper(self._fetch_token, connection.clock)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    # "POST Request to the Token Endpoint and the Access Token Response", "The Request Token Structure"
    async def _fetch_token(self) -> IssuedToken:
        now = self._clock.now()
        claims = {
            "iss": self._options.client_id,
            "scope": "rest_webservices",
            "aud": f"{self._options.base_url}{TOKEN_PATH}",
            "iat": int(now.timestamp()),
            "exp": int((now + _ASSERTION_LIFETIME).timestamp()),
        }
        header = {"typ": "JWT", "alg": self._algorithm, "kid": self._options.certificate_id}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": jwt.encode(header, claims, self._key, algorithms=[self._algorithm]),
        }
        answer = await self._http.request(
            "POST",
            TOKEN_PATH,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            content=urlencode(form).encode(),
            read_only=True,
        )
        if answer.status >= _SERVER_ERROR or answer.status == _TOO_MANY:
            raise _transient(answer, "The token endpoint")
        if answer.status != _OK:
            raise AccessError(
                code="TIE-NETSUITE-004",
                message=f"NetSuite refused the client's certificate (HTTP {answer.status}): "
                f"{self._http.redactor.hide(answer.body.decode(errors='replace'))[:300]}",
            )
        if not answer.is_json:
            raise _transient(answer, "The token endpoint")
        issued = decode_strict_as(answer.body, NetSuiteToken)
        self._http.redactor.learn(issued.access_token)
        return IssuedToken(value=issued.access_token, expires_at=now + timedelta(seconds=int(issued.expires_in)))

    async def _signed(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
        read_only: bool | None = None,
    ) -> HttpAnswer:
        """One request with a good token: a refused token is renewed once, by one of all that wait."""
        signed = dict(headers or {})

        async def send(token: str) -> HttpAnswer:
            signed["Authorization"] = f"Bearer {token}"
            return await self._http.request(
                method, path, headers=signed, params=params, content=content, read_only=read_only
            )

        token = await self._token.current()
        answer = await send(token)
        if answer.status == _UNAUTHORIZED:
            answer = await send(await self._token.renew(token))
        return answer

    # "Executing SuiteQL Queries Through REST Web Services"
    async def query_page(self, query: KeysetQuery, after: Sequence[str]) -> bytes:
        """One page of a query, byte for byte; raises TransientError, AccessError or ContractError."""
        answer = await self._signed(
            "POST",
            QUERY_PATH,
            headers={"Content-Type": "application/json", "Prefer": "transient"},
            params={"limit": str(PAGE_SIZE), "offset": "0"},
            content=msgspec.json.encode({"q": query.page(after)}),
            read_only=True,
        )
        return _read(answer, "SuiteQL")

    async def rows(self, query: KeysetQuery, row_type: type[_Row]) -> list[_Row]:
        """All rows of a query; raises TransientError, AccessError or ContractError."""
        found: list[_Row] = []
        after: tuple[str, ...] = ()
        while True:
            page = page_of(await self.query_page(query, after))
            found += [_shaped(item, row_type) for item in page.items]
            if not page.has_more or not page.items:
                return found
            after = keys_after(page, query, after)

    # "Working with Records": POST creates; the external id in the body must be new
    async def create(self, record: str, body: bytes) -> HttpAnswer:
        """Create one record."""
        return await self._signed("POST", f"{RECORD_PATH}/{record}", headers=_WRITE_HEADERS, content=body)

    # "Using the Upsert Operation": PUT on eid: creates or updates
    async def upsert(self, record: str, external_id: str, body: bytes) -> HttpAnswer:
        """Create or update one record by its external id."""
        path = f"{RECORD_PATH}/{record}/eid:{quote(external_id, safe='')}"
        return await self._signed("PUT", path, headers=_WRITE_HEADERS, content=body)

    # "Working with Records": PATCH updates what is named
    async def update(self, record: str, key: str, body: bytes) -> HttpAnswer:
        """Change one record by its internal id."""
        path = f"{RECORD_PATH}/{record}/{quote(key, safe='')}"
        return await self._signed("PATCH", path, headers=_WRITE_HEADERS, content=body)

    # "Getting a Record Instance": by external id, sublists inline; sees what was written at once
    async def journal_by_reference(self, reference: str) -> NetSuiteJournal | None:
        """A journal by our reference; raises TransientError, AccessError or ContractError."""
        return await self._record(f"journalEntry/eid:{quote(reference, safe='')}", NetSuiteJournal)

    async def record_by_reference(self, record: str, reference: str) -> str | None:
        """The internal id of a record by our reference; errors as above."""
        found = await self._record(f"{record}/eid:{quote(reference, safe='')}", _Identified)
        return None if found is None else found.id

    # "Working with Resource Metadata": the account's own view of a record type, its custom fields included
    async def schema(self, record: str) -> NetSuiteSchema:
        """The members of a record type; raises TransientError, AccessError or ContractError."""
        answer = await self._signed(
            "GET", f"{RECORD_PATH}/metadata-catalog/{record}", headers={"Accept": "application/schema+json"}
        )
        return decode_strict_as(_read(answer, "The metadata catalogue"), NetSuiteSchema)

    async def _record(self, path: str, shape: type[_Shape]) -> _Shape | None:
        answer = await self._signed("GET", f"{RECORD_PATH}/{path}", params={"expandSubResources": "true"})
        if answer.status == _NOT_FOUND and (error := error_of(answer.body)) and error.code == "NONEXISTENT_ID":
            return None
        return decode_strict_as(_read(answer, "The record service"), shape)

    # "Batch Operations", "Sending an Asynchronous Request Using an Idempotency Key"
    async def submit_batch(self, record: str, items: Sequence[msgspec.Raw], *, idempotency_key: str) -> HttpAnswer:
        """Hand in records to be created in the background."""
        headers = {
            **_WRITE_HEADERS,
            "Content-Type": "application/vnd.oracle.resource+json; type=collection",
            "Prefer": "respond-async",
            "X-NetSuite-Idempotency-Key": idempotency_key,
        }
        body = msgspec.json.encode({"items": items})
        return await self._signed("POST", f"{RECORD_PATH}/{record}", headers=headers, content=body)

    # "Polling for the Status of a Completed Asynchronous Request"
    async def job_is_over(self, location: str) -> bool | None:
        """Whether a job is done; None when the account does not know it. Raises as other reads do."""
        answer = await self._signed("GET", _path_of(location))
        if answer.status == _NOT_FOUND:
            return None
        return decode_strict_as(_read(answer, "The async service"), NetSuiteJob).completed

    # "Getting the Result of an Executed Request"
    async def task_answers(self, location: str, places: Sequence[int]) -> list[HttpAnswer]:
        """What the records at ``places`` (from 0) of a batch would have been answered; raises as other reads do."""
        listed = await self._signed("GET", f"{_path_of(location)}/task")
        tasks = decode_strict_as(_read(listed, "The async service"), NetSuiteTaskList).items
        paths = []
        for place in places:
            if place >= len(tasks):
                raise ContractError(
                    code="TIE-NETSUITE-002", message=f"Job {location} lists {len(tasks)} tasks, not one per record."
                )
            paths.append(f"{_path_of(location)}/task/{tasks[place].key(place)}/result")
        return list(await asyncio.gather(*(self._signed("GET", path) for path in paths)))


class _Identified(msgspec.Struct, frozen=True):
    id: str


_WRITE_HEADERS: Final = {
    "Content-Type": "application/json",
    # A misspelt or missing custom column must fail, not be left out in silence.
    "X-NetSuite-PropertyNameValidation": "Error",
    "X-NetSuite-PropertyValueValidation": "Error",
}


def page_of(payload: bytes) -> NetSuiteQueryPage:
    """A page of SuiteQL; raises ContractError."""
    return shape_strict(decode_strict(payload), NetSuiteQueryPage)


def keys_after(page: NetSuiteQueryPage, query: KeysetQuery, after: tuple[str, ...]) -> tuple[str, ...]:
    """The keys of the last row, after which the next page begins; ``after``, those before this page, where it has none.

    Raises ContractError where a key is missing, and where the page ends where it began: that walk would never end.
    """
    if not page.items:
        return after
    item = page.items[-1]
    values = [item.get(name) if isinstance(item, dict) else None for name in query.names]
    keys = tuple(value for value in values if isinstance(value, str))
    if len(keys) < len(values):
        raise ContractError(
            code="TIE-NETSUITE-002", message=f"A row of SuiteQL has no {' or '.join(query.names)} to go on from."
        )
    if keys == after:
        raise ContractError(
            code="TIE-NETSUITE-002",
            message=f"SuiteQL gave rows up to {' and '.join(after)} when asked for those after.",
        )
    return keys


def _shaped(item: object, row_type: type[_Row]) -> _Row:
    try:
        return msgspec.convert(item, row_type)
    except msgspec.ValidationError as error:
        raise ContractError(
            code="TIE-NETSUITE-002", message=f"A row of SuiteQL is not as documented: {error}."
        ) from error


def _read(answer: HttpAnswer, service: str) -> bytes:
    """The body of a good answer to a read; raises TransientError, AccessError or ContractError."""
    spoiled = answer.status != _OK or b'"o:errorDetails"' in answer.body
    error = error_of(answer.body) if spoiled else None
    if error is None and answer.status == _OK and answer.is_json:
        return answer.body
    code = "" if error is None else error.code
    words = f"{service} answered HTTP {answer.status} {code}: {'' if error is None else error.detail[:300]}".rstrip(
        ": "
    )
    if answer.status in {_UNAUTHORIZED, _FORBIDDEN} or code in NO_ACCESS_CODES:
        raise AccessError(code="TIE-NETSUITE-004", message=f"{words}.")
    if error is None or code == "UNEXPECTED_ERROR" or code in LIMIT_CODES or answer.status >= _SERVER_ERROR:
        raise _transient(answer, words)
    raise ContractError(code="TIE-NETSUITE-002", message=f"{words}.")


def _transient(answer: HttpAnswer, words: str) -> TransientError:
    return TransientError(
        code="TIE-NETSUITE-005",
        message=f"{words} (HTTP {answer.status}).",
        retry_after_s=answer.retry_after_s,
    )


def _path_of(location: str) -> str:
    """The path of a job's address; raises ContractError for an address that is not a job's."""
    path = urlsplit(location).path
    if not path.startswith(JOB_PATH + "/"):
        raise ContractError(code="TIE-NETSUITE-002", message=f"{location[:200]!r} is not the address of a job.")
    return path


def _signing_key(options: Options) -> tuple[ECKey | RSAKey, str]:
    """The private key and the algorithm that fits it; raises ConfigurationError."""
    for kind in (ECKey, RSAKey):
        try:
            key = kind.import_key(options.private_key)
        except (JoseError, ValueError, TypeError):
            continue
        if not key.is_private:
            break
        if isinstance(key, RSAKey):
            return key, "PS256"
        algorithm = _EC_ALGORITHMS.get(key.curve_name)
        if algorithm is not None:
            return key, algorithm
    raise ConfigurationError(
        code="TIE-NETSUITE-003",
        message="The secret private_key is no private key in PEM that NetSuite takes (EC P-256, P-384, P-521 or RSA).",
    )
