"""What a source claims that an entry is worth, held against hours, rate and agreement; the hub never takes it over.

Pure; ``validation`` lists the rule.
"""

from decimal import Decimal

import msgspec

from tieout.inbound.reading import Reading
from tieout.inbound.rule_context import RuleContext
from tieout.model.finding import Finding, Severity, finding
from tieout.model.firm import DuplicateRule
from tieout.model.money import RoundingMode, UnknownCurrencyError, alpha_code, from_minor, round_amount


def entry_name(entry: Reading) -> str:
    """How findings name an entry."""
    return f"Time entry {entry.source_id} of {entry.system}"


def with_policy(found: Finding, policy: DuplicateRule) -> Finding:
    """The finding with the severity that the policy of the legal entity gives it."""
    return found if policy is DuplicateRule.BLOCK else msgspec.structs.replace(found, severity=Severity.WARN)


def amount_tampered(entry: Reading, _context: RuleContext) -> Finding | None:
    """What the source says the entry is worth is hours times its rate, and its rate is the one that was agreed."""
    said = entry.said
    if said.claimed_amount is None and said.claimed_rate is None:
        return None
    rules = entry.rules
    if rules is None or not said.billable:
        return None
    wrong = _claim_against_itself(entry, rules.policy.rounding) or _claim_against_rate(entry)
    if wrong is None:
        return None
    found = finding(
        "AMOUNT_TAMPERED",
        f"{entry_name(entry)} claims {wrong}.",
        cause=entry.system,
        context={"claimed_rate": str(said.claimed_rate or ""), "claimed_amount": str(said.claimed_amount or "")},
        depends_on=("rates", f"policy:{rules.facts.code}"),
    )
    return with_policy(found, rules.policy.claimed_rate)


def _claim_against_itself(entry: Reading, mode: RoundingMode) -> str | None:
    said = entry.said
    if any(one is not None and not one.is_finite() for one in (said.claimed_rate, said.claimed_amount)):
        return "a rate or an amount that is no number"
    if said.claimed_rate is None or said.claimed_amount is None:
        return None
    currency = said.claimed_currency or (None if entry.project is None else entry.project.currency)
    if currency is None:
        return f"{said.claimed_amount} in no currency"
    try:
        worth = round_amount(said.claimed_rate * said.hours, currency, mode)
    except (UnknownCurrencyError, ArithmeticError):
        return f"{said.claimed_amount} {currency}, which cannot be computed from its rate"
    if worth == said.claimed_amount:
        return None
    return f"{said.claimed_amount} {currency}, but {said.hours} h at {said.claimed_rate} are {worth}"


def _claim_against_rate(entry: Reading) -> str | None:
    sales = None if entry.rated is None else entry.rated.sales
    if sales is None:
        return None
    said, currency = entry.said, alpha_code(sales.currency)
    if said.claimed_currency not in {None, currency}:
        return f"a worth in {said.claimed_currency}, but it is billed in {currency}"
    if said.claimed_rate is not None and said.claimed_rate != Decimal(sales.price.price_text):
        return f"a rate of {said.claimed_rate} {currency}, but {sales.price.price_text} is agreed"
    worth = from_minor(sales.amount_minor, currency)
    if said.claimed_amount is not None and said.claimed_amount != worth:
        return f"{said.claimed_amount} {currency}, but it is worth {worth}"
    return None
