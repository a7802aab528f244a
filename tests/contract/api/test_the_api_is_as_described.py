"""Whatever is sent to the API, it answers as its description says, and never with a defect of its own.

Requests are made from the description by Schemathesis: valid ones and broken ones, to ids that exist and to others.
``make fuzz-api`` sends many more of them than the tests do. The stream of events never ends and is tried elsewhere.
"""

import os
from collections.abc import Iterator
from typing import Any, Final

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, strategies
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.contract.api.world import EVERYTHING, known_paths
from tests.integration.api.conftest import Api

from tieout.api.keys import create_key
from tieout.model.access import Role
from tieout.runtime.ids import SystemIds
from tieout.storage.pool import connect

EXAMPLES: Final = int(os.environ.get("TIEOUT_FUZZ_EXAMPLES", "4"))
MAY_BE_REFUSED: Final = frozenset({"list_tie_out_lines"})
"""It asks for four names at once, which no generator hits."""
ENDLESS: Final = frozenset({"stream_events"})
CREDENTIALS: Final = frozenset({"authorization", "cookie", "x-csrf-token"})
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
MINUTE_S: Final = 61.0
REFUSED_FROM: Final = 400


class Fuzzer:
    """Sends what is made from the description, as a program that may do everything."""

    def __init__(self, api: Api) -> None:
        self.api = api
        document = api.client.get("/schema/openapi.json").json()
        self.schema = schemathesis.openapi.from_dict(document)
        self.known = known_paths(api)
        with connect(api.url) as conn:
            now = api.hub.clock.now()
            self.key = create_key(conn, name="fuzz", system="timeapp", key_id=SystemIds().new_id(), now=now)
        self.answers: dict[str, set[int]] = {}

    def operations(self) -> Iterator[APIOperation[Any, Any, Any, Any]]:
        """Every operation that ends."""
        for found in self.schema.get_all_operations():
            assert isinstance(found, Ok), found
            operation = found.ok()
            if operation.definition.raw["operationId"] not in ENDLESS:
                yield operation

    def known_operations(self) -> set[str]:
        """Reads that have something to tell: lists, and what is known by its id."""
        return {
            str(operation.definition.raw["operationId"])
            for operation in self.operations()
            if operation.method == "get" and ("{" not in operation.path or operation.path in self.known)
        } - MAY_BE_REFUSED

    def fuzz(self, operation: APIOperation[Any, Any, Any, Any]) -> None:
        """Send valid and broken requests; each operation by a program of its own, which has its quota."""
        self.api.hub.clock.advance(MINUTE_S)
        name = str(operation.definition.raw["operationId"])
        header = self._header(name)
        seen = self.answers.setdefault(name, set())

        @hypothesis.given(case=self._cases(operation))
        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        def send(case: Case[Any]) -> None:
            answer = self._send(case.as_transport_kwargs(base_url="http://testserver.local"), header)
            seen.add(answer.status_code)
            case.validate_response(answer, checks=CHECKS)

        send()

    def _send(self, made: dict[str, Any], header: dict[str, str]) -> httpx.Response:
        """Send a request as it was made, with credentials that hold."""
        own = {
            name: str(value).encode("latin-1", "replace")
            for name, value in dict(made["headers"] or {}).items()
            if name.lower() not in CREDENTIALS
        }
        body = made.get("data")
        form = isinstance(body, dict)
        answer = self.api.client.request(
            made["method"],
            made["url"],
            params=made.get("params"),
            headers=own | {name: value.encode() for name, value in header.items()},
            json=made.get("json"),
            data=body if form else None,
            content=None if form else body,
        )
        answer.request.read()
        return answer

    def _cases(self, operation: APIOperation[Any, Any, Any, Any]) -> strategies.SearchStrategy[Case[Any]]:
        made = [operation.as_strategy(GenerationMode.POSITIVE)]
        if operation.path in self.known:
            made.insert(0, operation.as_strategy(GenerationMode.POSITIVE, path_parameters=self.known[operation.path]))
        if list(operation.iter_parameters()) or operation.body:
            made.append(operation.as_strategy(GenerationMode.NEGATIVE))
        return strategies.one_of(made)

    def _header(self, operation: str) -> dict[str, str]:
        if operation == "submit_time":
            return {"authorization": f"Bearer {self.key}"}
        if operation == "approve":
            return self.api.person("carl", (Role.CONTROLLER, None))
        return self.api.token_of(*EVERYTHING)


@pytest.mark.timeout(3600)
def test_no_request_meets_a_defect_and_every_answer_is_described(filled: Api) -> None:
    fuzzer = Fuzzer(filled)
    for operation in fuzzer.operations():
        fuzzer.fuzz(operation)
    reached = {name for name, seen in fuzzer.answers.items() if any(one < REFUSED_FROM for one in seen)}
    assert fuzzer.known_operations() <= reached
