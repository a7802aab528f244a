"""The rules that a won deal must keep before anything is made of it (domain model 1.3, 2.5, 2.12). Pure.

A rule takes the deal and its surroundings and answers with findings; ``judge`` asks them all and makes an
``AcceptedDeal`` where none of them blocks. ``step`` puts the findings on the desk and releases them when what they
depend on has changed.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from tieout.errors import ContractError
from tieout.ledger.rate_findings import no_role_rate
from tieout.ledger.rate_lines import RateContext, RateGap, RateKey, span
from tieout.model.contract import ContractState
from tieout.model.finding import Finding, finding
from tieout.model.money import exponent, to_minor
from tieout.records.facts import ClientFacts, EntityFacts, RateCardFacts
from tieout.records.mapping import ANY
from tieout.streams.lead_to_project import targets
from tieout.streams.lead_to_project.completeness import Completeness, completeness
from tieout.streams.lead_to_project.deal import AcceptedContract, AcceptedDeal, Deal, DealLine, SoldLine
from tieout.streams.lead_to_project.fields import Origin, missing_fields
from tieout.streams.lead_to_project.surroundings import SERVICE_LINES, TAX_REGIMES, Surroundings
from tieout.streams.lead_to_project.tax import TaxInputs, expected_category

POLICY_CHANGED: Final = "streams:lead_to_project"
_IN_FORCE: Final = frozenset({ContractState.SIGNED, ContractState.ACTIVE, ContractState.AMENDED})
_NEW_PROJECT: Final = -1
_NOBODY: Final = -1
_REGULAR: Final = 1


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules say of a deal; ``accepted`` only where nothing blocks."""

    findings: tuple[Finding, ...]
    completeness: Completeness
    accepted: AcceptedDeal | None


Rule = Callable[[Deal, Surroundings], Iterable[Finding]]


def judge(deal: Deal, around: Surroundings, *, overruled: frozenset[str] = frozenset()) -> Judgement:
    """All findings on ``deal``, and what it is accepted as; a person has ``overruled`` findings of these codes."""
    found = tuple(one for rule in RULES for one in rule(deal, around) if one.code not in overruled)
    blocked = any(one.blocks for one in found)
    return Judgement(
        findings=found, completeness=completeness(deal), accepted=None if blocked else _accepted(deal, around)
    )


def customer(deal: Deal, around: Surroundings) -> Iterator[Finding]:
    """The customer is a client of ours with a code that all systems can know it by."""
    client = around.client_of(deal)
    if client is not None and client.code is not None:
        return
    said = deal.client_said or "none"
    why = "has no code that other systems could know it by" if client is not None else "is not known"
    yield finding(
        "DEAL_CUSTOMER_UNKNOWN",
        f"{_name(deal)} is for customer {said}, which {why}.",
        cause=f"{deal.system}:{said}",
        context=_context(deal, customer=said),
        depends_on=(deal.token, f"record:client:{deal.system}:{said}", "mapping:clients"),
    )


def legal_entity(deal: Deal, around: Surroundings) -> Iterator[Finding]:
    """The legal entity is ours, has a policy, and every target has a word for it."""
    said, entity = deal.entity_said or "none", around.entity_of(deal)
    tokens = (deal.token, "mapping:legal_entities", f"record:legal_entity:{deal.system}:{said}")
    if entity is None or entity.policy is None:
        yield finding(
            "LEGAL_ENTITY_UNMAPPED",
            f"{_name(deal)} is delivered by legal entity {said}, which has no mapping or no policy.",
            cause=f"{deal.system}:{said}",
            context=_context(deal, legal_entity=said),
            depends_on=tokens,
        )
        return
    systems = targets.targets_of(around.book.firm, entity.code, around.book.on)
    for one in systems:
        if not targets.is_mapped(around.book, one.system, entity.code):
            yield finding(
                "LEGAL_ENTITY_UNMAPPED",
                f"{_name(deal)}: {one.system} has no word for legal entity {entity.code}.",
                cause=f"{one.system}:{entity.code}",
                context=_context(deal, legal_entity=entity.code, system=one.system),
                depends_on=(*tokens, f"record:legal_entity:{entity.code}"),
            )


def contract(deal: Deal, around: Surroundings) -> Iterator[Finding]:
    """There is a signed contract, with the same customer, by the same legal entity, in the same currency."""
    signed = deal.contract
    if signed is None or signed.number is None or signed.status not in _IN_FORCE:
        if around.policy.contract_required or signed is not None:
            said = (signed and signed.number) or deal.contract_number or "none"
            state = "is not known" if signed is None else f"is {signed.status or 'in no known state'}"
            yield finding(
                "CONTRACT_MISSING",
                f"{_name(deal)} stands on contract {said}, which {state}; it has to be signed.",
                cause=deal.number,
                context=_context(deal, contract=said),
                depends_on=(deal.token, POLICY_CHANGED),
            )
        return
    differing = [
        word
        for word, here, there in (
            ("customer", deal.client_id, signed.client_id),
            ("legal entity", deal.entity_id, signed.entity_id),
            ("currency", deal.currency, signed.currency),
        )
        if here is not None and there is not None and here != there
    ]
    if differing:
        yield finding(
            "CONTRACT_MISMATCH",
            f"{_name(deal)} and its contract {signed.number} name another {' and another '.join(differing)}.",
            cause=deal.number,
            context=_context(deal, contract=signed.number),
            depends_on=(deal.token,),
        )


def terms(deal: Deal, around: Surroundings) -> Iterator[Finding]:
    """Amount, currency and dates can be a budget and a plan."""
    del around
    wrong = [*_currency_and_amount(deal)]
    if deal.starts is None or deal.ends is None:
        wrong.append("it does not say from when to when")
    elif deal.ends <= deal.starts:
        wrong.append(f"it ends before it starts ({deal.starts})")
    for line in deal.lines:
        if line.deleted:
            continue
        if line.hours is None or line.hours <= 0:
            wrong.append(f"line {line.description or line.key} has no hours")
        elif line.starts is not None and line.ends is not None and line.ends <= line.starts:
            wrong.append(f"line {line.description or line.key} ends before it starts")
    if wrong:
        yield finding(
            "DEAL_TERMS_INVALID",
            f"{_name(deal)} cannot become a project: {'; '.join(wrong)}.",
            cause=deal.number,
            context=_context(deal),
            depends_on=(deal.token,),
        )


def service_line(deal: Deal, around: Surroundings) -> Iterator[Finding]:
    """The service line is one of the firm's, and every dimension that postings need follows from it."""
    ours = around.service_line_of(deal)
    if ours is None:
        said = deal.service_line or "none"
        yield finding(
            "SERVICE_LINE_UNKNOWN",
            f"{_name(deal)} is for service line {said}, which is not known.",
            cause=f"{deal.system}:{said}",
            context=_context(deal, service_line=said),
            depends_on=(deal.token, f"mapping:{SERVICE_LINES}"),
        )
        return
    entity = around.entity_of(deal)
    if entity is None or entity.policy is None:
        return
    for dimension in entity.policy.required_dimensions:
        if around.book.map_value(dimension, ANY, entity.code, ours, around.day_of(deal)) is None:
            yield finding(
                "SERVICE_LINE_UNKNOWN",
                f"{_name(deal)}: service line {ours} has no {dimension} in {entity.code}.",
                cause=f"{dimension}:{entity.code}:{ours}",
                context=_context(deal, service_line=ours, dimension=dimension),
                depends_on=(deal.token, f"mapping:{dimension}", f"policy:{entity.code}"),
            )


def target_fields(deal: Deal, around: Surroundings) -> Iterator[Finding]:
    """Every field that a target requires by the firm's field mappings gets a value."""
    entity, client = around.entity_of(deal), around.client_of(deal)
    if entity is None or client is None:
        return
    origin = Origin(
        entity=entity.code,
        on=around.day_of(deal),
        client=client,
        project=_project_words(deal, around),
        deal=deal.told,
        contract={} if deal.contract is None else deal.contract.told,
    )
    for system, one in missing_fields(
        around.book, targets.targets_of(around.book.firm, entity.code, around.book.on), origin
    ):
        yield finding(
            "DIMENSION_MISSING",
            f"{_name(deal)}: {one.field} of {one.command.partition('_')[2]} in {system} has no value.",
            cause=f"{system}:{one.command}:{one.field}",
            context=_context(deal, system=system, field=one.field, source=one.source or ""),
            depends_on=(
                deal.token,
                f"system:{system}",
                f"record:client:{client.code}",
                *(f"mapping:{table}" for table in one.tables),
            ),
        )


def rate_card(deal: Deal, around: Surroundings) -> Iterator[Finding]:
    """There is one rate card, in the currency of the deal."""
    card = around.card_of(deal)
    said = deal.rate_card_said or "none"
    if card is None:
        why = f"fits {len(deal.rate_card_ids)} rate cards" if len(deal.rate_card_ids) > 1 else "is not known"
        yield finding(
            "RATE_CARD_MISSING",
            f"{_name(deal)} is to be billed by rate card {said}, which {why}.",
            cause=deal.number if deal.rate_card_said is None else f"{deal.system}:{said}",
            context=_context(deal, rate_card=said),
            depends_on=(deal.token, "rates", "mapping:rate_cards"),
        )
        return
    entity = around.entity_of(deal)
    converts = entity is not None and entity.policy is not None and entity.policy.fx_convert_bill_rates
    if card.currency is not None and deal.currency is not None and card.currency != deal.currency and not converts:
        yield finding(
            "CURRENCY_MISMATCH",
            f"{_name(deal)} is in {deal.currency}, its rate card {card.name} in {card.currency}.",
            cause=deal.number,
            context=_context(deal, rate_card=card.name),
            depends_on=(deal.token, "rates", *(() if entity is None else (f"policy:{entity.code}",))),
        )


def prices(deal: Deal, around: Surroundings) -> Iterator[Finding]:
    """Every role that is sold has a price on every day for which it is sold."""
    card, entity = around.card_of(deal), around.entity_of(deal)
    for line in deal.lines:
        if line.deleted:
            continue
        if line.role_id is None:
            said = line.role_said or "none"
            yield finding(
                "ROLE_UNKNOWN",
                f"{_name(deal)} sells role {said}, which is not known.",
                cause=f"{deal.system}:{said}",
                context=_context(deal, role=said),
                depends_on=(deal.token, "mapping:roles", f"record:role:{said}"),
            )
        elif card is not None and entity is not None:
            gap = _gap(deal, line, line.role_id, card, around)
            if gap is not None:
                yield no_role_rate(
                    gap[0],
                    sold=_name(deal),
                    card=card,
                    role=line.role or str(line.role_id),
                    day=date.fromordinal(gap[1]),
                )


def tax(deal: Deal, around: Surroundings) -> Iterator[Finding]:
    """Everything is told that a tax engine will ask for."""
    entity, client = around.entity_of(deal), around.client_of(deal)
    if entity is None or client is None:
        return
    missing = expected_category(_tax_inputs(deal, entity, client, around)).missing
    if missing:
        yield finding(
            "TAX_UNDETERMINED",
            f"{_name(deal)} cannot be taxed without {', '.join(missing)}.",
            cause=f"{entity.code}:{client.code or client.name}",
            context=_context(deal, customer=client.code or client.name),
            depends_on=(
                deal.token,
                f"mapping:{TAX_REGIMES}",
                f"record:client:{client.code}",
                f"record:client:{deal.system}:{deal.client_said}",
                f"record:legal_entity:{entity.code}",
            ),
        )


def complete_enough(deal: Deal, around: Surroundings) -> Iterator[Finding]:
    """As much of the deal is told as the firm's policy asks for."""
    score = completeness(deal)
    if score.percent < around.policy.minimum_completeness:
        yield finding(
            "DEAL_INCOMPLETE",
            f"{_name(deal)} is {score.percent} % complete, {around.policy.minimum_completeness} % are needed; it lacks "
            f"{', '.join(score.missing)}.",
            cause=deal.number,
            context=_context(deal, missing=", ".join(score.missing)),
            depends_on=(deal.token, POLICY_CHANGED),
        )


RULES: Final[tuple[Rule, ...]] = (
    customer,
    legal_entity,
    contract,
    terms,
    service_line,
    target_fields,
    rate_card,
    prices,
    tax,
    complete_enough,
)


def _currency_and_amount(deal: Deal) -> Iterator[str]:
    if deal.currency is None:
        yield "it does not say its currency"
        return
    try:
        exponent(deal.currency)
    except ContractError:
        yield f"{deal.currency} is no currency"
        return
    if deal.amount is None or deal.amount <= 0:
        yield "it does not say what it is worth"
        return
    try:
        to_minor(deal.amount, deal.currency)
    except ContractError as error:
        yield error.message.rstrip(".")


def _gap(
    deal: Deal, line: DealLine, role_id: int, card: RateCardFacts, around: Surroundings
) -> tuple[RateGap, int] | None:
    """The first day of the line without a price, and why; None where every day has one."""
    starts, ends = line.starts or deal.starts, line.ends or deal.ends
    if starts is None or ends is None:
        return None
    key = RateKey(
        context=RateContext.BILL,
        entity_id=deal.entity_id,
        client_id=deal.client_id,
        project_id=_NEW_PROJECT,
        rate_card_id=card.record_id,
        role_id=role_id,
        resource_id=_NOBODY,
        task_id=None,
        work_type=_REGULAR,
    )
    fitting = around.rates.lines.fitting(key)
    day = starts.toordinal()
    while day < ends.toordinal():
        _, following, choice = span(fitting, day)
        if isinstance(choice, RateGap):
            return choice, day
        day = following
    return None


def _tax_inputs(deal: Deal, entity: EntityFacts, client: ClientFacts, around: Surroundings) -> TaxInputs:
    return TaxInputs(
        supplier_country=entity.country,
        customer_country=client.country or deal.client_country,
        customer_tax_id=client.tax_id or deal.client_tax_id,
        treatment=around.tax_treatment_of(deal),
    )


def _accepted(deal: Deal, around: Surroundings) -> AcceptedDeal | None:
    """The deal as values of ours; None while a rule that a person overruled leaves something out of it."""
    entity, client = around.entity_of(deal), around.client_of(deal)
    ours, currency, amount = around.service_line_of(deal), deal.currency, deal.amount
    if entity is None or client is None or ours is None or currency is None or amount is None:
        return None
    if deal.starts is None or deal.ends is None:
        return None
    card = around.card_of(deal)
    return AcceptedDeal(
        system=deal.system,
        key=deal.key,
        number=deal.number,
        name=deal.name,
        client_id=client.record_id,
        client_tax_id=client.tax_id or deal.client_tax_id,
        entity=entity.code,
        currency=currency,
        amount_minor=to_minor(amount, currency),
        starts=deal.starts,
        ends=deal.ends,
        service_line=ours,
        tax_category=expected_category(_tax_inputs(deal, entity, client, around)).code or "",
        contract=_contract(deal, currency, around),
        rate_card_id=None if card is None else card.record_id,
        told=deal.told,
        lines=tuple(_sold(line) for line in deal.lines if not line.deleted),
    )


def _project_words(deal: Deal, around: Surroundings) -> dict[str, str]:
    """What the project will be called and say, as far as the deal tells; its code is sure to come."""
    words = {
        "code": deal.number,
        "name": deal.name,
        "service_line": around.service_line_of(deal),
        "currency": deal.currency,
        "starts": None if deal.starts is None else deal.starts.isoformat(),
        "ends": None if deal.ends is None else deal.ends.isoformat(),
        "contract_number": None if deal.contract is None else deal.contract.number,
    }
    return {name: word for name, word in words.items() if word}


def _contract(deal: Deal, currency: str, around: Surroundings) -> AcceptedContract | None:
    signed = deal.contract
    if signed is None or signed.number is None:
        return None
    worth = signed.signed_value
    return AcceptedContract(
        number=signed.number,
        name=signed.name or deal.name,
        currency=signed.currency or currency,
        signed_value_minor=None if worth is None else to_minor(worth, signed.currency or currency),
        starts=signed.starts,
        ends=signed.ends,
        po_number=deal.po_number or signed.po_number,
        tax_treatment=around.tax_treatment_of(deal),
        told=signed.told,
    )


def _sold(line: DealLine) -> SoldLine:
    role = line.role or line.role_said or ""
    return SoldLine(
        key=line.key,
        number=0,
        role=role,
        name=line.description or role,
        hours=line.hours or Decimal(0),
        starts=line.starts,
        ends=line.ends,
    )


def _name(deal: Deal) -> str:
    return f"Deal {deal.number} ({deal.name})"


def _context(deal: Deal, **facts: str) -> dict[str, str]:
    return {"deal": deal.number, "system": deal.system, **facts}
