"""What a deal's standing in the CRM means for its project, and what goes to the desk. Pure.

``validation`` judges the content of an approved deal; this module adds what came before: a deal that was accepted and
is moved back, lost, or says something now that its project cannot follow. ``step`` stores verdicts.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from tieout.model.finding import Finding, finding
from tieout.model.stream_policy import ApprovalRule
from tieout.streams.lead_to_project.deal import AcceptedDeal, Deal, Standing, standing
from tieout.streams.lead_to_project.specification import disagreements
from tieout.streams.lead_to_project.surroundings import Surroundings
from tieout.streams.lead_to_project.validation import POLICY_CHANGED, judge

HELD: Final = "held"
AWAITING_APPROVAL: Final = "awaiting_approval"
ACCEPTED: Final = "accepted"
MOVED_BACK: Final = "moved_back"
LOST: Final = "lost"
WITHDRAWN: Final = "withdrawn"

OVERRULABLE: Final = frozenset({"DEAL_INCOMPLETE", "PROJECT_CODE_TAKEN", "DEAL_MOVED_BACK", "DEAL_LOST"})
"""Findings that a person may overrule (``tieout exceptions retry --accept``): opinions, and facts to be noted."""
_NOTED: Final = {MOVED_BACK: "DEAL_MOVED_BACK", LOST: "DEAL_LOST"}


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a deal that was judged before.

    ``project_code`` is that of its provisioning, None while it has none; ``exists`` says in words what was made of it
    and where. ``approved`` are the terms that somebody approved.
    """

    state: str
    accepted: AcceptedDeal | None = None
    project_code: str | None = None
    exists: str = ""
    overruled: frozenset[str] = frozenset()
    approved: frozenset[bytes] = frozenset()


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a deal now.

    ``accepted`` is what its project is to be made of from now on (None: what it was before). ``findings`` are all that
    is wrong; the first that blocks goes to the desk. ``percent`` is the completeness, where it was scored;
    ``overruled`` are the codes that stay overruled.
    """

    state: str
    findings: tuple[Finding, ...] = ()
    accepted: AcceptedDeal | None = None
    terms: bytes | None = None
    percent: int | None = None
    overruled: frozenset[str] = frozenset()

    @property
    def blocking(self) -> Finding | None:
        """The finding that the desk shows."""
        return next((one for one in self.findings if one.blocks), None)


def verdict_on(deal: Deal, before: Before | None, around: Surroundings) -> Verdict | None:
    """The verdict; None for a deal that has not been won and never was, or was closed before the stream went live."""
    where = standing(deal, around.policy)
    if where is Standing.APPROVED:
        if before is None and _before_go_live(deal, around):
            return None
        return _of_approved(deal, before or Before(state=HELD), around)
    if before is None:
        return None
    if before.project_code is None:
        return Verdict(state=WITHDRAWN)
    state = LOST if where is Standing.LOST else MOVED_BACK
    code = _NOTED[state]
    overruled = before.overruled & OVERRULABLE
    found = () if code in overruled else (_gone(deal, code, before),)
    return Verdict(state=state, findings=found, overruled=overruled)


def code_taken(deal: Deal, code: str, *, by: str) -> Finding:
    """The code that the deal's project would get is that of another one, which ``by`` describes."""
    return finding(
        "PROJECT_CODE_TAKEN",
        f"Deal {deal.number} ({deal.name}) would become project {code}, which is {by}.",
        cause=code,
        context={"deal": deal.number, "system": deal.system, "project": code},
        depends_on=(deal.token, "mapping:projects", f"record:project:{code}", POLICY_CHANGED),
    )


def cannot_join(deal: Deal, code: str, words: Sequence[str]) -> Finding:
    """The deal names another customer, legal entity or currency than the other deals of its project."""
    return finding(
        "DEALS_DISAGREE",
        f"Deal {deal.number} ({deal.name}) names another {' and another '.join(words)} than project {code} has.",
        cause=deal.number,
        context={"deal": deal.number, "system": deal.system, "project": code},
        depends_on=(deal.token, "mapping:projects", "mapping:clients"),
    )


def _before_go_live(deal: Deal, around: Surroundings) -> bool:
    """Whether an earlier integration has seen to the deal: before the stream or its legal entity went live."""
    entity = around.entity_of(deal)
    own = None if entity is None or entity.policy is None else entity.policy.go_live
    days = [day for day in (around.policy.go_live, own) if day is not None]
    return deal.close_date is not None and any(deal.close_date < day for day in days)


def _of_approved(deal: Deal, before: Before, around: Surroundings) -> Verdict:
    overruled = (before.overruled & OVERRULABLE) - set(_NOTED.values())
    judgement = judge(deal, around, overruled=overruled)
    standing_state = HELD if before.project_code is None else ACCEPTED
    fresh = judgement.accepted
    verdict = Verdict(
        state=standing_state,
        findings=judgement.findings,
        terms=None if fresh is None else fresh.terms(),
        percent=judgement.completeness.percent,
        overruled=overruled,
    )
    if fresh is None or verdict.terms is None:
        return verdict
    if before.project_code is not None and before.accepted is not None:
        differing = disagreements(before.accepted, fresh)
        if differing:
            found = (*judgement.findings, cannot_join(deal, before.project_code, differing))
            return msgspec.structs.replace(verdict, findings=found)
    if _needs_approval(verdict.terms, before, around):
        state = AWAITING_APPROVAL if before.project_code is None else ACCEPTED
        found = (*judgement.findings, _approval_required(deal, around))
        return msgspec.structs.replace(verdict, state=state, findings=found)
    return msgspec.structs.replace(verdict, state=ACCEPTED, accepted=fresh)


def _needs_approval(terms: bytes, before: Before, around: Surroundings) -> bool:
    """A deal is approved as it was seen: other terms need another approval, an unchanged accepted one does not."""
    if around.policy.approval is ApprovalRule.NONE or terms in before.approved:
        return False
    return before.accepted is None or before.accepted.terms() != terms


def _approval_required(deal: Deal, around: Surroundings) -> Finding:
    who = f"one of {', '.join(around.policy.approvers)}" if around.policy.approvers else "a second person"
    owner = deal.owner_email or "told by nobody, so that nobody can be shown to be a second person"
    return finding(
        "APPROVAL_REQUIRED",
        f"Deal {deal.number} ({deal.name}) has to be approved by {who}; its owner is {owner}.",
        cause=deal.number,
        context={"deal": deal.number, "system": deal.system},
        depends_on=(deal.token, POLICY_CHANGED),
    )


def _gone(deal: Deal, code: str, before: Before) -> Finding:
    what = "was deleted" if deal.deleted else "was lost" if code == "DEAL_LOST" else f"is back in stage {deal.stage}"
    made = f"its project {before.project_code} exists in {before.exists}" if before.exists else "nothing was made yet"
    return finding(
        code,
        f"Deal {deal.number} ({deal.name}) {what}; {made}. Nothing is deleted; nothing more is made of it.",
        cause=deal.number,
        context={"deal": deal.number, "system": deal.system, "project": before.project_code or ""},
        depends_on=(deal.token,),
    )
