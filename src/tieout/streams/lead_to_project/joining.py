"""Which project an accepted deal belongs to: the one that it has, the one that it names, or a new one.

A code once given stays with the deal. Two deals become one project by ``mappings/projects.csv`` or because the second
names the first one's project in the CRM; both have to agree on customer, legal entity and currency.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec
from psycopg import Cursor

from tieout.model.finding import Finding
from tieout.model.reported import RecordType
from tieout.model.stream_policy import CodeRule
from tieout.records.facts import ProjectFacts
from tieout.streams.lead_to_project import project_code, store
from tieout.streams.lead_to_project.deal import AcceptedDeal, Deal
from tieout.streams.lead_to_project.specification import disagreements, number_lines
from tieout.streams.lead_to_project.store import WonDeal
from tieout.streams.lead_to_project.surroundings import Surroundings
from tieout.streams.lead_to_project.verdict import ACCEPTED, HELD, Verdict, cannot_join, code_taken

PROJECTS: Final = "projects"
_TAKEN: Final = "PROJECT_CODE_TAKEN"


class Joiner:
    """Places the deals of one run; what it places counts for the deals after it."""

    def __init__(
        self, cur: Cursor[tuple[object, ...]], around: Surroundings, provisioning_ids: Sequence[int], *, now: datetime
    ) -> None:
        """``provisioning_ids`` are those that the deals of the run have already."""
        self._cur = cur
        self._around = around
        self._now = now
        self._codes = {one.provisioning_id: one.code for one in store.provisionings(cur, provisioning_ids).values()}
        deals = store.deals_of(cur, provisioning_ids)
        self._deals = {known: self._accepted(deals.get(known, ())) for known in self._codes}
        self._ids: dict[int, dict[str, int]] = {}

    def join(self, deal: Deal, verdict: Verdict, provisioning_id: int | None) -> tuple[Verdict, int | None]:
        """The verdict with the lines of its deal numbered, and the provisioning; a finding where there is none."""
        accepted = verdict.accepted
        if accepted is None or deal.entity_id is None:
            return verdict, provisioning_id
        told = self._told(deal, accepted)
        if provisioning_id is None:
            placed = self._place(deal, accepted, told, overruled=_TAKEN in verdict.overruled, entity_id=deal.entity_id)
            if isinstance(placed, Finding):
                return _refused(verdict, placed, state=HELD), None
            provisioning_id = placed
        elif told not in {None, self._codes[provisioning_id]}:
            found = cannot_join(deal, self._codes[provisioning_id], [f"project ({told})"])
            return _refused(verdict, found, state=ACCEPTED), provisioning_id
        return self._numbered(deal, verdict, accepted, provisioning_id), provisioning_id

    def _told(self, deal: Deal, accepted: AcceptedDeal) -> str | None:
        """The code that the firm's mapping or the CRM names for this deal."""
        words = dict.fromkeys((deal.number, deal.key))
        day = self._around.day_of(deal)
        mapped = (self._around.book.map_value(PROJECTS, deal.system, accepted.entity, word, day) for word in words)
        return next((code for code in mapped if code is not None), deal.project_code)

    def _place(
        self, deal: Deal, accepted: AcceptedDeal, told: str | None, *, overruled: bool, entity_id: int
    ) -> int | Finding:
        number, code = (None, told) if told is not None else self._new_code(deal, accepted, entity_id)
        known = self._by_code(entity_id).get(code)
        if known is not None:
            others = list(self._of(known).values())
            named = next((one for one in others if self._is_called_after(code, one)), None)
            if told is None and named is not None and not overruled:
                return code_taken(deal, code, by=f"that of deal {named.number} of {named.system}")
            differing = disagreements(others[0], accepted) if others else []
            return cannot_join(deal, code, differing) if differing else known
        there = self._project(code)
        if there is not None and not overruled and not _is_ours(there, deal, accepted, told):
            owner = there.entity_code or there.entity_said or "no legal entity"
            return code_taken(deal, code, by=f"a project of {owner} that was not made of a deal ({there.name})")
        made = store.add_provisioning(self._cur, entity_id=entity_id, code=code, number=number, now=self._now)
        self._codes[made] = code
        self._deals[made] = {}
        self._by_code(entity_id)[code] = made
        return made

    def _new_code(self, deal: Deal, accepted: AcceptedDeal, entity_id: int) -> tuple[int | None, str]:
        policy = self._around.policy
        if policy.project_code is CodeRule.DEAL:
            return None, project_code.by_deal(policy, deal=deal.number, entity=accepted.entity)
        projects = self._around.book.project_by_id.values()
        known = {one.code for one in projects if one.code is not None and one.entity_code == accepted.entity}
        number = project_code.next_number(
            policy,
            entity=accepted.entity,
            known_codes=known | self._by_code(entity_id).keys(),
            last=store.last_number(self._cur, entity_id),
        )
        return number, project_code.by_number(policy, number, deal=deal.number, entity=accepted.entity)

    def _is_called_after(self, code: str, deal: AcceptedDeal) -> bool:
        return project_code.is_called_after(self._around.policy, code, deal=deal.number, entity=deal.entity)

    def _numbered(self, deal: Deal, verdict: Verdict, accepted: AcceptedDeal, provisioning_id: int) -> Verdict:
        deals = self._of(provisioning_id)
        own = deals.get(deal.record_id)
        taken = [line.number for one in deals.values() for line in one.lines]
        numbered = number_lines(accepted, () if own is None else own.lines, taken=taken)
        deals[deal.record_id] = numbered
        return msgspec.structs.replace(verdict, accepted=numbered)

    def _project(self, code: str) -> ProjectFacts | None:
        record_id = self._around.book.by_code(RecordType.PROJECT, code)
        facts = None if record_id is None else self._around.book.project_by_id.get(record_id)
        return None if facts is None or facts.deleted else facts

    def _of(self, provisioning_id: int) -> dict[int, AcceptedDeal]:
        """What the deals of a provisioning were last accepted as, by deal, the first accepted one first."""
        known = self._deals.get(provisioning_id)
        if known is None:
            known = self._accepted(store.deals_of(self._cur, [provisioning_id]).get(provisioning_id, ()))
            self._deals[provisioning_id] = known
        return known

    def _accepted(self, rows: Iterable[WonDeal]) -> dict[int, AcceptedDeal]:
        surviving = self._around.book.surviving_client
        return {row.deal_id: one for row in rows if (one := row.decoded(surviving)) is not None}

    def _by_code(self, entity_id: int) -> dict[str, int]:
        """The provisionings of a legal entity by code."""
        if entity_id not in self._ids:
            self._ids[entity_id] = store.provisionings_by_code(self._cur, entity_id)
        return self._ids[entity_id]


def _is_ours(there: ProjectFacts, deal: Deal, accepted: AcceptedDeal, told: str | None) -> bool:
    """Whether a project that a system reports is the one that an earlier, restored hub made of this very deal.

    It has the code that only this deal makes, or the one that the CRM was told together with the project's status.
    """
    linked = told is None or (told == deal.project_code and deal.project_status is not None)
    return linked and there.entity_code == accepted.entity and there.client_id == accepted.client_id


def _refused(verdict: Verdict, found: Finding, *, state: str) -> Verdict:
    return msgspec.structs.replace(verdict, state=state, accepted=None, findings=(*verdict.findings, found))
