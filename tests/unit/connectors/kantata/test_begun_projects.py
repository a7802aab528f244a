"""A project that a write of the hub has begun and not finished is not told as one."""

import msgspec
import pytest

from tieout.connectors.kantata.masters import workspaces
from tieout.model.reported import ReportedRecord


def page(reference: str) -> bytes:
    row = {
        "id": "31",
        "title": "Data platform",
        "updated_at": "2026-11-25T15:26:58Z",
        "created_at": "2026-11-25T15:26:58Z",
        "currency": "USD",
        "archived": False,
        "budgeted": False,
        "external_reference_ids": ["9"],
    }
    referred = {
        "id": "9",
        "service_name": "tieout",
        "service_model": "upsert_project",
        "service_model_ref": reference,
        "subject_id": "31",
    }
    return msgspec.json.encode(
        {
            "count": 1,
            "results": [{"key": "workspaces", "id": "31"}],
            "workspaces": {"31": row},
            "external_references": {"9": referred},
        }
    )


@pytest.mark.parametrize(("reference", "told"), [("TIE-1:unfinished", []), ("TIE-1", ["31"]), ("their own", ["31"])])
def test_it_is_told_once_the_write_is_finished(reference: str, told: list[str]) -> None:
    assert [one.source_id for one in workspaces(page(reference)) if isinstance(one, ReportedRecord)] == told
