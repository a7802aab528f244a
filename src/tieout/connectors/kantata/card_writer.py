"""Writes rate cards to Kantata: a card is one currency of a set, and a set has versions that are dated.

Pages "Rate Card Sets", "Rate Card Set Version", "Rate Cards", "Rate Card Table Rows". A set has no reference of its
own, so that one that is begun is titled by our reference, marked as unfinished; its card then carries the business
code and at last our reference as external references. A published version whose day has come cannot be changed any
more: what a card said in the past is refused in words where it would have to say something else. Class L.
"""

from collections.abc import Mapping
from datetime import date

from tieout.connect.outcome import Accepted, Outcome, Rejected, RejectionCode
from tieout.connectors.kantata import sending
from tieout.connectors.kantata.card_directory import CardDirectory, HeldCard, HeldVersion
from tieout.connectors.kantata.client import KantataClient
from tieout.connectors.kantata.masters import RATE_CARD_CODE, UNFINISHED
from tieout.connectors.kantata.sending import RefusedError, external, refused
from tieout.connectors.kantata.timeline import Rates, changes, rates_on, timeline
from tieout.model.command import UpsertRateCard, kind_of


class CardWriter:
    """Writes into one account; raises RefusedError where a write cannot go on."""

    def __init__(self, client: KantataClient, directory: CardDirectory) -> None:
        self._client = client
        self._directory = directory

    async def upsert(self, command: UpsertRateCard) -> Outcome:
        """The card with all its prices, published."""
        wanted = timeline(command, await self._directory.roles())
        if isinstance(wanted, Rejected):
            return wanted
        card = await self._card(command, wanted)
        held = await self._with_versions(card, wanted)
        await self._set_rates(command, held, wanted)
        path = f"rate_cards/{card.id}"
        await self._put(path, "rate_card", {"external_reference": external(RATE_CARD_CODE, command.code)})
        if card.title != command.name:
            await self._put(f"rate_card_sets/{card.set_id}", "rate_card_set", {"title": command.name})
        for _, version in sorted(held.items()):
            if not version.published:
                await sending.act(self._client, "PUT", f"rate_card_set_versions/{version.set_version_id}/publish")
        await self._put(path, "rate_card", {"external_reference": external(kind_of(command), command.reference)})
        return Accepted(ref=str(card.id))

    async def _card(self, command: UpsertRateCard, wanted: Mapping[date, Rates]) -> HeldCard:
        held = await self._directory.card(command.code, command.currency, command.name)
        if held is None:
            return await self._begun(command, wanted)
        if held.currency != command.currency:
            words = f"Rate card {command.code} is in {held.currency} in Kantata, not in {command.currency}."
            raise refused(RejectionCode.INVALID, words)
        return held

    async def _begun(self, command: UpsertRateCard, wanted: Mapping[date, Rates]) -> HeldCard:
        """A new set with its first version and card, or the one that a write of this reference began."""
        title = command.reference + UNFINISHED
        set_id = await self._directory.set_titled(title)
        if set_id is None:
            set_id = await self._post("rate_card_sets", "rate_card_set", {"title": title})
        card = await self._directory.card_of_set(set_id, command.currency)
        if card is not None:
            return card
        first = min(wanted)
        known = await self._directory.set_versions(set_id)
        version_id = known[first][0] if first in known else await self._new_version(set_id, first)
        body = {"rate_card_set_id": set_id, "rate_card_set_version_id": version_id, "currency": command.currency}
        card_id = await self._post("rate_cards", "rate_card", body)
        return HeldCard(id=card_id, set_id=set_id, currency=command.currency, title=title)

    async def _with_versions(self, card: HeldCard, wanted: Mapping[date, Rates]) -> dict[date, HeldVersion]:
        """What the card says, with a version for every day on which its prices change."""
        held = await self._directory.versions(card.id)
        missing = sorted(wanted.keys() - held.keys())
        known = {day: one.set_version_id for day, one in held.items()}
        for day in missing:
            earlier = [one for one in known if one < day]
            known[day] = await self._new_version(card.set_id, day, copied=known[max(earlier)] if earlier else None)
        return await self._directory.versions(card.id) if missing else held

    async def _set_rates(
        self, command: UpsertRateCard, held: Mapping[date, HeldVersion], wanted: Mapping[date, Rates]
    ) -> None:
        for day, version in sorted(held.items()):
            for change in changes(rates_on(wanted, day), version.rates):
                try:
                    if change.rate is None:
                        path = f"rate_card_roles/{version.rows[change.role_id]}"
                        await sending.act(self._client, "DELETE", path)
                        continue
                    path = f"rate_card_set_versions/{version.set_version_id}/rate_card_table_rows/{change.role_id}"
                    rates = [{"currency": command.currency, "rate": change.rate}]
                    await sending.act(self._client, "PUT", path, {"rate_card_table_row": {"rates": rates}})
                except RefusedError as error:
                    raise _of_day(error, command, day) from error

    async def _new_version(self, set_id: int, day: date, copied: int | None = None) -> int:
        """A version of the set from a day on; a copy of the one before, so that its other currencies stay."""
        body = {"rate_card_set_id": set_id, "effective_date": day.isoformat()}
        parameters = {} if copied is None else {"clone_id": str(copied)}
        wrapped = {"rate_card_set_version": body}
        return await sending.send(self._client, "POST", "rate_card_set_versions", wrapped, parameters)

    async def _post(self, collection: str, member: str, body: Mapping[str, object]) -> int:
        return await sending.send(self._client, "POST", collection, {member: body})

    async def _put(self, path: str, member: str, body: Mapping[str, object]) -> None:
        await sending.send(self._client, "PUT", path, {member: body})


def _of_day(error: RefusedError, command: UpsertRateCard, day: date) -> RefusedError:
    outcome = error.outcome
    if not isinstance(outcome, Rejected):
        return error
    words = f"The prices of rate card {command.code} from {day.isoformat()} cannot be changed. {outcome.words}"
    return RefusedError(Rejected(code=outcome.code, words=words, vendor_code=outcome.vendor_code))
