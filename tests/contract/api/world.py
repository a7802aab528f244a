"""Something behind every endpoint: what exists of US01, as the paths that name it, and rights to all of it."""

from typing import Any, Final

from tests.integration.api.conftest import Api

from tieout.api.resources.masters import RESOURCES
from tieout.model.access import Scope

EVERYTHING: Final = tuple((scope, None) for scope in Scope if scope not in {Scope.ACCESS_GRANT, Scope.TIME_SUBMIT})
"""What one program may hold at once."""


def known_paths(api: Api) -> dict[str, dict[str, Any]]:
    """Paths with parameters, and parameters that name something."""
    header = api.token_of(*EVERYTHING)

    def get(path: str) -> Any:
        return api.client.get(path, headers=header).json()

    item = get("/v1/exceptions/items")["items"][0]["item_id"]
    body = {"kind": "exclude", "items": [item], "reason": "entered twice"}
    proposal = api.client.post("/v1/exceptions/proposals", json=body, headers=header).json()["proposal_id"]
    found: dict[str, dict[str, Any]] = {
        "/v1/assignments/{booking_id}": {"booking_id": get("/v1/assignments")["assignments"][0]["id"]},
        "/v1/deliveries/{delivery_id}": {"delivery_id": 7},
        "/v1/deliveries/{delivery_id}/entries": {"delivery_id": 7},
        "/v1/exceptions/items/{item_id}": {"item_id": item},
        "/v1/exceptions/proposals/{proposal_id}": {"proposal_id": proposal},
        "/v1/exceptions/proposals/{proposal_id}/approval": {"proposal_id": proposal},
        "/v1/exceptions/proposals/{proposal_id}/refusal": {"proposal_id": proposal},
        "/v1/systems/{name}": {"name": "psa"},
        "/v1/systems/{name}/changes": {"name": "psa"},
        "/schema/{kind}/{name}": {"kind": "event", "name": "time.posted"},
    }
    for path in RESOURCES:
        for record in get(f"/v1/{path}")["records"][:1]:
            found |= {f"/v1/{path}/{{record_id}}{part}": {"record_id": record["id"]} for part in ("", "/facts")}
    return found
