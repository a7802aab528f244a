"""The documents that describe the API and its events say what the handlers do, and programs can rely on them."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import schemathesis
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from tests.integration.api.conftest import Api
from tests.worlds import inbound_firm as world

from tieout.api.description import EXAMPLES
from tieout.api.resources.inventory import operations
from tieout.model.access import Scope
from tieout.model.event_catalogue import EVENTS

AT = "urn:description"


def openapi(api: Api) -> dict[str, Any]:
    answer = api.client.get("/schema/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def validator(document: dict[str, Any], pointer: str) -> jsonschema.Draft202012Validator:
    registry: Registry[Any] = Registry().with_resource(AT, DRAFT202012.create_resource(document))
    return jsonschema.Draft202012Validator({"$ref": f"{AT}#{pointer}"}, registry=registry)


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for one in part.values():
            yield from references(one)
    elif isinstance(part, list):
        for one in part:
            yield from references(one)


def at(document: dict[str, Any], reference: str) -> object:
    found: Any = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name.replace("~1", "/").replace("~0", "~")]
    return found


def test_the_description_is_openapi_and_names_every_operation(api: Api) -> None:
    document = openapi(api)
    schemathesis.openapi.from_dict(document).validate()
    described = {
        (operation["operationId"], method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert described == operations(api.client.app.routes)


def test_every_operation_says_who_may_ask_and_how_it_refuses(api: Api) -> None:
    for path, methods in openapi(api)["paths"].items():
        for operation in methods.values():
            assert operation["summary"], path
            if operation["security"]:
                assert {"400", "401"} <= operation["responses"].keys(), path
            if "{" in path and operation["operationId"] != "receive_webhook":
                assert "404" in operation["responses"], path


@pytest.mark.parametrize("operation", EXAMPLES)
def test_an_example_is_as_the_description_says(api: Api, operation: str) -> None:
    document = openapi(api)
    [(path, method)] = [
        (path, method)
        for path, methods in document["paths"].items()
        for method, one in methods.items()
        if one["operationId"] == operation
    ]
    place = path.replace("~", "~0").replace("/", "~1")
    pointer = f"/paths/{place}/{method}/requestBody/content/application~1json/schema"
    validator(document, pointer).validate(EXAMPLES[operation])


def test_the_events_that_are_told_are_as_the_event_document_says(api: Api) -> None:
    api.hub.take(world.said())
    document = api.client.get("/schema/asyncapi.json").json()
    assert document["asyncapi"] == "3.0.0"
    assert document["components"]["messages"].keys() == EVENTS.keys()
    for reference in references(document):
        assert at(document, reference), reference
    told = api.client.get("/v1/events", headers=api.token_of((Scope.EVENTS_READ, None))).json()["events"]
    assert told
    for one in told:
        name = one["type"].removeprefix("tieout.").rpartition(".v")[0]
        validator(document, f"/components/messages/{name}/payload").validate(one)
