"""The words for what rating could not find: one finding per gap, grouped by its root cause. Pure."""

from datetime import date

from tieout.ledger.fx import FxGap, FxTerms, describe_gap
from tieout.ledger.rate_lines import RateGap, RateLine
from tieout.model.finding import Finding, finding
from tieout.model.money import exponent, figure
from tieout.records.facts import ProjectFacts, RateCardFacts, ResourceFacts


def no_rate(gap: RateGap, project: ProjectFacts, role: str | None, day: int) -> Finding:
    """No bill rate for ``role`` (its name, None: the entry has none): not found, expired or ambiguous."""
    where = f"{'role ' + role if role is not None else 'an entry without a role'} on project {_project(project)}"
    book = f"card:{project.rate_card_id}" if project.rate_card_id is not None else f"project:{project.record_id}"
    message, cause = _bill_gap(gap, where, on=date.fromordinal(day), place=f"{book}:role:{role}")
    return finding(gap.code, message, cause=cause, context=_context(gap), depends_on=_depends(project))


def no_role_rate(gap: RateGap, *, sold: str, card: RateCardFacts, role: str, day: date) -> Finding:
    """No bill rate for a role that is ``sold`` by rate card ``card``, before there is any project; as ``no_rate``."""
    where = f"role {role} by rate card {card.name}, sold in {sold}"
    message, cause = _bill_gap(gap, where, on=day, place=f"card:{card.record_id}:role:{role}")
    return finding(gap.code, message, cause=cause, context=_context(gap), depends_on=("rates",))


def no_cost_rate(gap: RateGap, resource: ResourceFacts, day: int) -> Finding:
    """No cost rate for a person; two that tie are RATE_AMBIGUOUS."""
    on = date.fromordinal(day)
    who = resource.email or resource.name or f"resource {resource.record_id}"
    if gap.code == "RATE_AMBIGUOUS":
        one, other = gap.lines
        message = f"Two cost rates fit {who} on {on} equally well: {_line(one)} and {_line(other)}."
        cause = "lines:" + "+".join(sorted((one.origin, other.origin)))
        return finding(gap.code, message, cause=cause, context=_context(gap), depends_on=("rates",))
    expired = gap.lines[0] if gap.code == "RATE_EXPIRED" else None
    almost = f": the last ({_line(expired)}) ended before {_day(expired.valid_to)}" if expired else _almost(gap)
    return finding(
        "COST_RATE_NOT_FOUND",
        f"No cost rate fits {who} on {on}{almost}.",
        cause=f"resource:{resource.record_id}",
        context=_context(gap),
        depends_on=("rates",),
    )


def currency_mismatch(line: RateLine, project: ProjectFacts) -> Finding:
    """The bill rate is in a currency that the project is not in, and the policy does not convert."""
    said = f"is in {project.currency}" if project.currency else "has no known currency"
    return finding(
        "CURRENCY_MISMATCH",
        f"The rate ({_line(line)}) is in {line.currency}, but project {_project(project)} {said}.",
        cause=f"project:{project.record_id}:{line.currency}",
        context={"rate_line_id": str(line.rate_line_id), "currency": line.currency},
        depends_on=(*_depends(project), f"policy:{project.entity_code}"),
    )


def no_fx(gap: FxGap, terms: FxTerms) -> Finding:
    """The exchange rate is missing or stale."""
    return finding(
        gap.code,
        describe_gap(gap, terms),
        cause=f"{gap.source}>{gap.target}:{terms.rate_type}",
        context={"source": gap.source, "target": gap.target, "day": date.fromordinal(gap.day).isoformat()},
        depends_on=("fx",),
    )


def no_policy(project: ProjectFacts) -> Finding:
    """The project's legal entity is unknown or the firm has no policy for it."""
    said = project.entity_code or project.entity_said
    return finding(
        "LEGAL_ENTITY_UNMAPPED",
        f"Project {_project(project)} belongs to legal entity {said or 'none'}, "
        f"which {'has no policy' if project.entity_code else 'is not mapped'}.",
        cause=f"entity:{said}",
        context={"legal_entity": said or ""},
        depends_on=("mapping:legal_entities", f"policy:{project.entity_code}", *_depends(project)),
    )


def _bill_gap(gap: RateGap, where: str, *, on: date, place: str) -> tuple[str, str]:
    """The words and the cause of a gap; ``place`` is the cause where no line has to do with it."""
    if gap.code == "RATE_EXPIRED":
        last = gap.lines[0]
        message = f"The last bill rate for {where} ({_line(last)}) ended before {_day(last.valid_to)}, work of {on}."
        return message, f"line:{last.origin}"
    if gap.code == "RATE_AMBIGUOUS":
        one, other = gap.lines
        message = f"Two bill rates fit {where} on {on} equally well: {_line(one)} and {_line(other)}."
        return message, "lines:" + "+".join(sorted((one.origin, other.origin)))
    cause = f"line:{gap.lines[0].origin}" if gap.lines else place
    return f"No bill rate fits {where} on {on}{_almost(gap)}.", cause


def _project(project: ProjectFacts) -> str:
    return project.code or project.name


def _almost(gap: RateGap) -> str:
    if not gap.lines:
        return ""
    line = gap.lines[0]
    if gap.reason == "zero price":
        return f": the best one ({_line(line)}) says zero without being marked complimentary"
    if gap.reason == "no hours per day":
        return f": the best one ({_line(line)}) is per day, and neither it nor the policy says how many hours that is"
    return f": the first ({_line(line)}) begins on {_day(line.valid_from)}"


def _line(line: RateLine) -> str:
    return f"{line.origin}: {figure(line.price, decimals=exponent(line.currency))} {line.currency} per {line.unit}"


def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


def _context(gap: RateGap) -> dict[str, str]:
    return {"rate_line_ids": ",".join(str(line.rate_line_id) for line in gap.lines)} if gap.lines else {}


def _depends(project: ProjectFacts) -> tuple[str, ...]:
    return ("rates", f"record:project:{project.code}") if project.code else ("rates",)
