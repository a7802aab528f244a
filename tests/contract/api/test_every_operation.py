"""What holds for every operation alike: other entities' rows are not there, and bodies are what they may be."""

import re
from typing import Any, Final

import pytest
from tests.contract.api.world import EVERYTHING, known_paths
from tests.integration.api.conftest import Api

from tieout.api.description import EXAMPLES
from tieout.api.time_entries import MAX_BODY_BYTES
from tieout.model.access import Scope

OF_THE_FIRM = ("/v1/clients", "/v1/systems", "/schema")
"""Nobody's legal entity: seen by whoever sees any."""
NOBODY: Final = "01234567-89ab-7def-8123-456789abcdef"
BODIES = sorted(EXAMPLES.keys() - {"submit_time"})
"""Time is stored whatever it looks like; its limits are tried beside its own tests."""


def operations(api: Api) -> dict[str, tuple[str, str]]:
    """Method and path by operation id."""
    document = api.client.get("/schema/openapi.json").json()
    return {
        operation["operationId"]: (method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def address_of(path: str, known: dict[str, dict[str, Any]]) -> str:
    """The path with what exists, or else with what does not."""
    return re.sub(r"\{(\w+)\}", lambda name: str(known.get(path, {}).get(name.group(1), NOBODY)), path)


def body_of(operation: str, known: dict[str, dict[str, Any]]) -> Any:
    """The example, about what exists."""
    item = known["/v1/exceptions/items/{item_id}"]["item_id"]
    example = EXAMPLES[operation]
    return example | {"items": [item]} if "items" in example else example


def test_what_is_of_another_legal_entity_is_not_there_for_any_operation(filled: Api) -> None:
    known = known_paths(filled)
    german = filled.token_of(*((scope, "DE01") for scope, _ in EVERYTHING))
    everybody = filled.token_of(*EVERYTHING)
    tried = []
    for operation, (method, path) in operations(filled).items():
        names = known.get(path, {})
        about_items = "items" in EXAMPLES.get(operation, {})
        if path.startswith(OF_THE_FIRM) or not (names or about_items):
            continue
        body = body_of(operation, known) if operation in EXAMPLES else None
        address = path.format(**names)
        refused = filled.client.request(method, address, json=body, headers=german)
        assert refused.status_code == 404, f"{operation}: {refused.text}"
        if method == "get":
            assert filled.client.get(address, headers=everybody).status_code == 200, operation
        tried.append(operation)
    assert {"read_item", "read_delivery", "read_projects", "approve", "refuse", "act_on_items", "propose"} <= set(tried)


@pytest.mark.parametrize("operation", BODIES)
def test_a_body_with_more_than_it_has_with_too_much_or_too_deep_is_refused(filled: Api, operation: str) -> None:
    known = known_paths(filled)
    method, path = operations(filled)[operation]
    address = address_of(path, known)
    header = filled.token_of(*EVERYTHING) | {"content-type": "application/json"}

    def status(**what: Any) -> int:
        return filled.client.request(method, address, headers=header, **what).status_code

    assert status(json=body_of(operation, known) | {"approved_by": "me", "entity_id": 1}) == 400
    deep = b'{"reason":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert status(content=deep) == 400
    assert status(content=b" " * (MAX_BODY_BYTES + 1)) == 413
    assert status(content=b" " * MAX_BODY_BYTES) == 400


def test_scopes_are_asked_for_by_every_operation_that_needs_a_token(filled: Api) -> None:
    known = known_paths(filled)
    nothing = filled.token_of((Scope.TIME_SUBMIT, None))
    document = filled.client.get("/schema/openapi.json").json()
    closed = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if operation["security"]
    }
    for operation, (method, path) in operations(filled).items():
        if operation in closed - {"submit_time"}:
            body = body_of(operation, known) if operation in EXAMPLES else None
            answer = filled.client.request(method, address_of(path, known), json=body, headers=nothing)
            assert answer.status_code == 403, operation
