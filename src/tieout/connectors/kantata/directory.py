"""Finds records of an account by their business codes, and reads what is needed before a write.

Kantata searches no custom field: the records of a collection are read with their custom fields, and what was found is
remembered while the sink is open; what was not found is read again each time. Neighbours: ``write`` asks,
``card_directory`` finds rate cards.
"""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Final

import msgspec

from tieout.connect.json_codec import decode_strict_as
from tieout.connect.read_again import read_again
from tieout.connectors.kantata.client import KantataClient
from tieout.connectors.kantata.records import Id

SERVICE: Final = "tieout"
_PAGE: Final = "200"


class _Value(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    custom_field_name: str | None = None
    display_value: str | None = None


class _Field(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str


class _Reference(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    service_model_ref: str
    subject_id: Id


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    custom_field_value_ids: list[Id] = []


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    results: list[dict[str, str]] = []
    workspaces: dict[str, _Row] = {}
    workspace_groups: dict[str, _Row] = {}
    stories: dict[str, _Row] = {}
    custom_field_values: dict[str, _Value] = {}
    custom_fields: dict[str, _Field] = {}
    external_references: dict[str, _Reference] = {}


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A record with its custom fields by name: what they say, and the ids of their values."""

    id: int
    custom: Mapping[str, str] = {}
    value_ids: Mapping[str, int] = {}


class Directory:
    """Look-ups in one account; all raise what ``KantataClient.get`` raises."""

    def __init__(self, client: KantataClient) -> None:
        self._client = client
        self._known: dict[tuple[str, str, str], int] = {}
        self._fields: dict[str, dict[str, int]] = {}

    async def id_of(self, collection: str, code_field: str, code: str, *, within: int | None = None) -> int | None:
        """The id of the record with a business code; ``within`` is the project of a task."""
        key = (collection, "" if within is None else str(within), code)
        if key not in self._known:
            async for one in self._all(collection, within=within):
                found = one.custom.get(code_field)
                if found is not None:
                    self._known.setdefault((collection, key[1], found), one.id)
        return self._known.get(key)

    def remember(self, collection: str, code: str, row_id: int, *, within: int | None = None) -> None:
        """A record that was just made."""
        self._known[collection, "" if within is None else str(within), code] = row_id

    async def held(self, collection: str, row_id: int) -> Held | None:
        """One record as it is now."""
        page = await self._page(collection, {"only": str(row_id), **_seen(collection)})
        return next(iter(_records(page, collection)), None)

    async def custom_fields(self, subject: str) -> Mapping[str, int]:
        """The ids of the custom fields that the account has for a kind of record, by name."""
        if subject not in self._fields:
            page = await self._page("custom_fields", {"subject_type": subject, "per_page": _PAGE})
            self._fields[subject] = {one.name: int(one.id) for one in page.custom_fields.values()}
        return self._fields[subject]

    async def referenced(self, reference: str) -> list[int]:
        """The ids of the records that carry an external reference of ours."""
        page = await self._page("external_references", {"service_name": SERVICE, "service_model_ref": reference})
        return sorted(
            {int(one.subject_id) for one in page.external_references.values() if one.service_model_ref == reference}
        )

    async def _all(self, collection: str, *, within: int | None) -> AsyncIterator[Held]:
        number = 1
        while True:
            parameters = {"page": str(number), "per_page": _PAGE, "order": "created_at:asc", **_seen(collection)}
            if within is not None:
                parameters["workspace_id"] = str(within)
            page = await self._page(collection, parameters)
            for one in _records(page, collection):
                yield one
            if len(page.results) < int(_PAGE):
                return
            number += 1

    async def _page(self, collection: str, parameters: Mapping[str, str]) -> _Page:
        payload = await read_again(partial(self._client.get, collection, parameters))
        return decode_strict_as(payload, _Page)


def _seen(collection: str) -> dict[str, str]:
    """What makes hidden records visible too, so that none is made a second time."""
    seen = {"include": "custom_field_values"}
    if collection == "workspaces":
        seen["include_archived"] = "true"
    if collection == "stories":
        seen |= {"show_archived": "true", "show_from_archived_workspaces": "true"}
    return seen


def _records(page: _Page, collection: str) -> list[Held]:
    rows: dict[str, _Row] = getattr(page, collection)
    found = []
    for one in page.results:
        row = rows.get(one.get("id", ""))
        if one.get("key") != collection or row is None:
            continue
        values = [
            page.custom_field_values[str(key)]
            for key in row.custom_field_value_ids
            if str(key) in page.custom_field_values
        ]
        named = {value.custom_field_name: value for value in values if value.custom_field_name is not None}
        found.append(
            Held(
                id=int(row.id),
                custom={name: value.display_value or "" for name, value in named.items()},
                value_ids={name: int(value.id) for name, value in named.items()},
            )
        )
    return found
