"""The document that describes the API (OpenAPI 3.1): from the handlers, with every refusal that they may answer.

Parameters come from the framework; bodies and answers are described by what encodes them, so that an exact decimal is
described as the text that it is. Examples are of the small sample firm. Neighbour: ``resources.routes`` serves it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, get_origin

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.routes import HTTPRoute

from tieout.api.time_entries import Receipt
from tieout.api.versions import RETIRING
from tieout.api.webhooks import WebhookReceipt
from tieout.errors import CATALOGUE
from tieout.governance import schema_registry
from tieout.model.access import Scope as AccessScope
from tieout.web.guards import SCOPE_OF
from tieout.web.problems import PROBLEM_TYPE
from tieout.web.token_endpoint import IssuedToken, OAuthRefusal

Json: TypeAlias = dict[str, Any]

_JSON: Final = "application/json"
_PLACE: Final = "#/components/schemas/{name}"
_REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("TIE-API-008", "The request makes no sense as it is."),
    401: ("TIE-API-002", "Nobody is known by these credentials."),
    403: ("TIE-API-010", "Whoever asks does not hold the scope, or may not do this."),
    404: ("TIE-API-007", "It is not there, or not for whoever asks."),
    409: ("TIE-DESK-005", "It has changed, was decided, or is under way."),
    412: ("TIE-API-016", "It has changed since it was read."),
    413: ("TIE-API-003", "It is too large."),
    415: ("TIE-API-006", "The body is of another kind."),
    422: ("TIE-DESK-002", "It is understood and cannot be done."),
    429: ("TIE-API-011", "There were too many requests; Retry-After says how long to wait."),
    503: ("TIE-STORE-001", "The database is away; nothing was stored, and it may be sent again."),
}
_NO_CONTENT: Final = 204
_BY_HAND: Final[Mapping[str, object]] = {
    "submit_time": Receipt,
    "receive_webhook": WebhookReceipt,
    "issue_token": IssuedToken,
    "read_readiness": dict[str, str],
}
"""What is told by handlers that encode it themselves."""
_MEDIA_TYPES: Final[Mapping[str, str]] = {"read_metrics": "text/plain", "stream_events": "text/event-stream"}
_TOKEN_FORM: Final[Json] = {
    "type": "object",
    "properties": {
        "grant_type": {"const": "client_credentials"},
        "client_id": {"type": "string"},
        "client_secret": {"type": "string"},
        "scope": {"type": "string", "description": "Scopes with spaces between them; all that are held without it."},
    },
    "required": ["grant_type"],
}
_OPEN: Final[Mapping[str, tuple[int, ...]]] = {
    "read_health": (),
    "read_readiness": (),
    "list_schemas": (),
    "list_event_types": (),
    "read_schema": (400, 404),
    "read_async_api": (),
    "issue_token": (413, 429, 503),
    "receive_webhook": (400, 401, 404, 413, 429, 503),
}
"""What needs no credentials, or other ones than a token, and which problems it answers."""
_READS: Final = (400, 401, 403, 404, 409, 429, 503)
_WRITES: Final = (*_READS, 413, 422)
_NOT_FOUND: Final = 404
_DECIDES: Final = frozenset({"approve", "refuse"})
"""What takes If-Match."""
_MAY_MISS: Final = frozenset({"read_tie_out", "list_tie_out_lines"})
_NO_KEY: Final = frozenset({"issue_token", "receive_webhook", "subscribe", "replace_subscription_secret"})
_TIME: Final = (400, 401, 409, 413, 415, 422, 503)

EXAMPLES: Final[Mapping[str, Json]] = {
    "submit_time": {
        "time_entries": [
            {
                "source_id": "ts-4711",
                "version": 1,
                "state": "approved",
                "person": "ada@example.com",
                "project": "P-100",
                "work_date": "2026-11-03",
                "hours": "7.5",
                "billable": True,
                "narrative": "Interface design",
            }
        ]
    },
    "act_on_items": {"action": "assign", "items": [1, 2], "assignee": "Bob Stone", "reason": "His team"},
    "propose": {"kind": "exclude", "items": [1], "reason": "Entered twice"},
    "propose_mapping": {
        "table": "legal_entities",
        "source": "Acme USA",
        "target": "US01",
        "valid_from": "2026-01-01",
        "reason": "Its new name",
    },
    "approve": {"content_hash": "0" * 64, "reason": "Agreed with the project lead"},
    "refuse": {"reason": "It was worked"},
    "subscribe": {"name": "planning tool", "url": "https://planning.example.com/tieout", "types": ["record.changed"]},
    "replay_subscription": {"after": 4711},
    "pause_subscription": {"paused": True},
}
"""A body for each operation that takes one."""


class DescribingPlugin(JsonRenderPlugin):
    """Serves the framework's document as ``described`` makes it."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        """The document as JSON."""
        return super().render(request, described(openapi_schema, request.app.routes))


def described(document: Json, routes: Sequence[Any]) -> Json:
    """``document``, of the framework, with bodies, answers, refusals and examples of all handlers of ``routes``."""
    handlers = dict(_operations(routes))
    types = _types_of(handlers.values())
    schemas, components = msgspec.json.schema_components(list(types), ref_template=_PLACE)
    by_type = dict(zip(types, schemas, strict=True))
    paths = {
        path: {
            method: _operation(path, operation, handlers[operation["operationId"]], by_type)
            for method, operation in methods.items()
        }
        for path, methods in document["paths"].items()
    }
    return {
        **document,
        "paths": paths,
        "components": {
            "securitySchemes": document["components"]["securitySchemes"],
            "schemas": {**components, **_taken(), "Problem": _problem_schema()},
            "responses": {f"Problem{status}": _problem(status, *words) for status, words in _REFUSALS.items()},
        },
    }


def statuses(operation: str, path: str, *, is_write: bool) -> tuple[int, ...]:
    """The refusals that an operation may answer with."""
    if operation in _OPEN:
        return _OPEN[operation]
    if operation == "submit_time":
        return _TIME
    wanted = _WRITES if is_write else _READS
    if operation in _DECIDES:
        wanted = (*wanted, 412)
    may_miss = is_write or "{" in path or operation in _MAY_MISS
    return wanted if may_miss else tuple(one for one in wanted if one != _NOT_FOUND)


def scopes_of(handler: HTTPRouteHandler) -> list[AccessScope]:
    """What whoever asks must hold."""
    if handler.operation_id == "submit_time":
        return [AccessScope.TIME_SUBMIT]
    return [SCOPE_OF[one] for one in handler.guards or () if one in SCOPE_OF]


def _operations(routes: Sequence[Any]) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                if isinstance(handler.operation_id, str):
                    yield handler.operation_id, handler


def _types_of(handlers: Iterable[HTTPRouteHandler]) -> tuple[object, ...]:
    """Every type of a body or an answer, each once."""
    found: dict[object, None] = {IssuedToken: None, OAuthRefusal: None, Receipt: None, WebhookReceipt: None}
    for handler in handlers:
        found |= {one: None for one in (_answer_type(handler), _body_type(handler)) if one is not None}
    return tuple(found)


def _answer_type(handler: HTTPRouteHandler) -> object:
    """What is encoded as the answer; None where the handler makes the answer itself, or there is none."""
    named = _BY_HAND.get(str(handler.operation_id))
    if named is not None:
        return named
    annotation: object = handler.parsed_fn_signature.return_type.annotation
    plain = annotation is None or annotation is type(None)
    made = isinstance(annotation, type) and issubclass(annotation, Response)
    return None if plain or made or get_origin(annotation) is Response else annotation


def _body_type(handler: HTTPRouteHandler) -> object:
    field = handler.parsed_fn_signature.parameters.get("data")
    return None if field is None else field.annotation


def _operation(path: str, operation: Json, handler: HTTPRouteHandler, schemas: Mapping[object, Json]) -> Json:
    name = operation["operationId"]
    is_write = "GET" not in handler.http_methods
    answers: Json = {
        str(one): {"$ref": f"#/components/responses/Problem{one}"} for one in statuses(name, path, is_write=is_write)
    }
    described_one = {key: value for key, value in operation.items() if key != "requestBody"} | {
        "responses": _success(operation, handler, schemas) | answers | _own_refusals(name, schemas),
        "parameters": [*map(_parameter, operation.get("parameters") or ()), *_headers(handler)],
        "deprecated": name in RETIRING,
        "security": [] if name in _OPEN else [{"token": [one.value for one in scopes_of(handler)]}],
    }
    body = _body(name, _body_type(handler), schemas)
    return described_one if body is None else described_one | {"requestBody": body}


def _success(operation: Json, handler: HTTPRouteHandler, schemas: Mapping[object, Json]) -> Json:
    status = next(one for one in operation["responses"] if one.startswith("2"))
    told = _answer_type(handler)
    media_type = _MEDIA_TYPES.get(operation["operationId"], _JSON)
    words = str(operation.get("summary") or "Done")
    if handler.status_code == _NO_CONTENT:
        return {status: {"description": words}}
    schema = {} if told is None else schemas[told]
    answer: Json = {"description": words, "content": {media_type: {"schema": schema}}}
    if "GET" not in handler.http_methods or media_type != _JSON:
        return {status: answer}
    tag = {"ETag": {"description": "Changes when what is told changes.", "schema": {"type": "string"}}}
    return {status: answer | {"headers": tag}, "304": {"description": "It is as `If-None-Match` says.", "headers": tag}}


def _own_refusals(name: str, schemas: Mapping[object, Json]) -> Json:
    """The token endpoint refuses as OAuth has it."""
    if name != "issue_token":
        return {}
    content = {_JSON: {"schema": schemas[OAuthRefusal]}}
    return {str(status): {"description": "Refused (RFC 6749, 5.2)", "content": content} for status in (400, 401)}


def _headers(handler: HTTPRouteHandler) -> list[Json]:
    """Headers that every operation of its kind understands."""
    text = {"type": "string"}
    if "GET" in handler.http_methods:
        words = "The ETag of an answer that is there already: 304 where nothing changed."
        return [{"name": "If-None-Match", "in": "header", "required": False, "schema": text, "description": words}]
    if "POST" not in handler.http_methods or handler.operation_id in _NO_KEY:
        return []
    words = "A string in quotes, new for each request: the same request again has no effect and the same answer."
    key = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": text, "description": words}
    return [key | {"example": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}]


def _parameter(parameter: Json) -> Json:
    """The parameter without the null that no query can say."""
    schema = dict(parameter["schema"])
    choices = [one for one in schema.pop("oneOf", []) if one.get("type") != "null"]
    if len(choices) == 1:
        schema |= choices[0]
    elif choices:
        schema["oneOf"] = choices
    return {**parameter, "schema": schema}


def _body(name: str, told: object, schemas: Mapping[object, Json]) -> Json | None:
    if name == "receive_webhook":
        return {"required": True, "description": "As the vendor has it.", "content": {_JSON: {"schema": {}}}}
    if name == "issue_token":
        return {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": _TOKEN_FORM}}}
    if name == "submit_time":
        one = {"$ref": _PLACE.format(name="ReportedTime")}
        batch = {
            "type": "object",
            "properties": {"time_entries": {"type": "array", "items": one, "minItems": 1}},
            "required": ["time_entries"],
        }
        schema: Json = {"anyOf": [one, batch]}
    elif told is None:
        return None
    else:
        schema = schemas[told]
    content: Json = {"schema": schema}
    return {"required": True, "content": {_JSON: content | ({"example": EXAMPLES[name]} if name in EXAMPLES else {})}}


def _taken() -> Json:
    """The published schema of a time entry, with what it is made of, as components."""
    schema = schema_registry.find("object/time_entry").schema
    moved = msgspec.json.encode(schema["$defs"]).replace(b"#/$defs/", b"#/components/schemas/")
    return msgspec.json.decode(moved, type=Json)


def _problem(status: int, code: str, words: str) -> Json:
    example = {"type": "about:blank", "title": CATALOGUE[code].title, "status": status, "detail": words, "code": code}
    content = {PROBLEM_TYPE: {"schema": {"$ref": _PLACE.format(name="Problem")}, "example": example}}
    return {"description": words, "content": content}


def _problem_schema() -> Json:
    texts = {name: {"type": "string"} for name in ("type", "title", "detail")}
    return {
        "type": "object",
        "description": "A refusal (RFC 9457); `code` is of the reference of errors and never changes.",
        "properties": texts | {"status": {"type": "integer"}, "code": {"type": "string", "pattern": "^TIE-"}},
        "required": ["type", "title", "status", "detail", "code"],
    }
