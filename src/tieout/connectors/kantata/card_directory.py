"""Finds rate cards of an account by their business codes, and reads what they hold before a write.

A card has no field for a code: ours carry it as an external reference of the model ``rate_card_code``; a card that
people made is known by its title. Neighbours: ``directory`` finds all other masters, ``card_writer`` asks.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from functools import partial
from typing import Final

import msgspec

from tieout.connect.json_codec import decode_strict_as
from tieout.connect.read_again import read_again
from tieout.connectors.kantata.client import KantataClient
from tieout.connectors.kantata.directory import SERVICE
from tieout.connectors.kantata.masters import RATE_CARD_CODE
from tieout.connectors.kantata.records import (
    Id,
    KantataExternalReference,
    KantataRateCardRole,
    KantataRateCardSetVersion,
    KantataRateCardVersion,
    KantataReference,
    KantataRole,
)

_PAGE: Final = 200


class _Card(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    currency: str
    rate_card_set_id: Id
    rate_card_set_title: str | None = None


class _Set(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str | None = None


class _SetVersion(KantataRateCardSetVersion, frozen=True, kw_only=True):
    rate_card_set_id: Id


class _Page(msgspec.Struct, frozen=True, kw_only=True):
    results: list[KantataReference] = []
    roles: dict[str, KantataRole] = {}
    rate_cards: dict[str, _Card] = {}
    rate_card_sets: dict[str, _Set] = {}
    rate_card_set_versions: dict[str, _SetVersion] = {}
    rate_card_versions: dict[str, KantataRateCardVersion] = {}
    rate_card_roles: dict[str, KantataRateCardRole] = {}
    external_references: dict[str, KantataExternalReference] = {}


class HeldCard(msgspec.Struct, frozen=True, kw_only=True):
    """A rate card: one currency of a set of cards, which has the title."""

    id: int
    set_id: int
    currency: str
    title: str | None


class HeldVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a card says from the day of a set version on: rates by role, and the rows that hold them."""

    set_version_id: int
    published: bool
    rates: Mapping[int, int] = {}
    rows: Mapping[int, int] = {}


class CardDirectory:
    """Look-ups in one account; all raise what ``KantataClient.get`` raises."""

    def __init__(self, client: KantataClient) -> None:
        self._client = client

    async def roles(self) -> dict[str, int]:
        """The account's roles by name; of two with one name, the older."""
        found: dict[str, int] = {}
        async for page in self._pages("roles", {}):
            for one in page.roles.values():
                if one.deleted_at is None:
                    found.setdefault(one.name, int(one.id))
        return found

    async def card(self, code: str, currency: str, *titles: str) -> HeldCard | None:
        """The card with a code, else the one of no code that is titled so (``titles`` or the code), in the currency."""
        codes = await self._codes()
        by_id = {one.id: one async for one in self._cards()}
        for card_id, held in codes.items():
            if held == code and card_id in by_id:
                return by_id[card_id]
        fitting = [
            one
            for one in by_id.values()
            if one.id not in codes and one.currency == currency and one.title in {code, *titles}
        ]
        return fitting[0] if fitting else None

    async def card_of_set(self, set_id: int, currency: str) -> HeldCard | None:
        """The card of a set in a currency."""
        async for one in self._cards():
            if one.set_id == set_id and one.currency == currency:
                return one
        return None

    async def set_titled(self, title: str) -> int | None:
        """The set of cards with a title."""
        async for page in self._pages("rate_card_sets", {}):
            for one in page.rate_card_sets.values():
                if one.title == title:
                    return int(one.id)
        return None

    async def set_versions(self, set_id: int) -> dict[date, tuple[int, bool]]:
        """The id of each version of a set, by the day it takes effect on, and whether it is published."""
        found = {}
        async for page in self._pages("rate_card_set_versions", {}):
            for one in page.rate_card_set_versions.values():
                if int(one.rate_card_set_id) == set_id:
                    found[one.effective_date] = (int(one.id), one.active)
        return found

    async def versions(self, card_id: int) -> dict[date, HeldVersion]:
        """What a card says, by the day from which it does."""
        parameters = {"rate_card_id": str(card_id), "include": "rate_card_roles,rate_card_set_version"}
        found = {}
        async for page in self._pages("rate_card_versions", parameters):
            for one in page.rate_card_versions.values():
                dated = page.rate_card_set_versions[str(one.rate_card_set_version_id)]
                rows = [page.rate_card_roles[str(key)] for key in one.rate_card_role_ids]
                found[dated.effective_date] = HeldVersion(
                    set_version_id=int(dated.id),
                    published=dated.active,
                    rates={int(row.role_id): row.rate for row in rows},
                    rows={int(row.role_id): int(row.id) for row in rows},
                )
        return found

    async def _codes(self) -> dict[int, str]:
        found = {}
        parameters = {"service_name": SERVICE, "service_model": RATE_CARD_CODE}
        async for page in self._pages("external_references", parameters):
            for one in page.external_references.values():
                found[int(one.subject_id)] = one.service_model_ref
        return found

    async def _cards(self) -> AsyncIterator[HeldCard]:
        async for page in self._pages("rate_cards", {}):
            for one in page.rate_cards.values():
                yield HeldCard(
                    id=int(one.id),
                    set_id=int(one.rate_card_set_id),
                    currency=one.currency,
                    title=one.rate_card_set_title,
                )

    async def _pages(self, collection: str, parameters: Mapping[str, str]) -> AsyncIterator[_Page]:
        number = 1
        while True:
            asked = {"page": str(number), "per_page": str(_PAGE), **parameters}
            page = decode_strict_as(await read_again(partial(self._client.get, collection, asked)), _Page)
            yield page
            if len(page.results) < _PAGE:
                return
            number += 1
