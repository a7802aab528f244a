"""The catalogue of findings: every code, what it means, who owns it and what its owner does next.

Rules refer to codes by these constants; the desk groups by them; the reference page of findings is tested against
this table. Business findings are values: none of these is ever raised.
"""

from enum import StrEnum

import msgspec


class Owner(StrEnum):
    """The queue that a finding belongs to."""

    FINANCE = "finance"
    PROJECT_MANAGEMENT = "project_management"
    RESOURCE_MANAGEMENT = "resource_management"
    DATA_STEWARD = "data_steward"
    INTEGRATION = "integration"


class FindingCode(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the catalogue. ``blocks`` tells whether a record with it is held until it is cleared."""

    code: str
    title: str
    owner: Owner
    blocks: bool
    next_step: str


def _row(code: str, title: str, owner: Owner, next_step: str, *, blocks: bool = True) -> FindingCode:
    return FindingCode(code=code, title=title, owner=owner, blocks=blocks, next_step=next_step)


# fmt: off
_ROWS = (
    _row("SCHEMA_INVALID", "The record cannot be read", Owner.INTEGRATION,
         "Correct the record in its source and let it be sent again, or exclude it with a reason."),
    _row("SCHEMA_DRIFT", "A system writes an object in another form, and it is not polled any more", Owner.INTEGRATION,
         "Correct the connector or its settings, then `tieout systems resume SYSTEM OBJECT`."),
    _row("NOT_OWNER", "A system changed a field that another system owns", Owner.DATA_STEWARD,
         "Correct the value in the owning system, or change the owner in ownership.toml."),
    _row("CHANGE_PROPOSED", "A system proposes another value for a field that another system owns", Owner.DATA_STEWARD,
         "Take the value over in the owning system, or exclude the proposal with a reason."),
    _row("MASS_DELETION", "A walk through a system found far less than is known", Owner.INTEGRATION,
         "Look whether the hub may still read all of it there. If it was deleted: `tieout sweep SYSTEM --limit 100`."),
    _row("DRIFT", "A target holds a record otherwise than it acknowledged, or no longer", Owner.DATA_STEWARD,
         "Retry to send again what is right, or release the item with --accept. `tieout drift` looks again.",
         blocks=False),
    _row("FILE_MISSING", "A numbered file is missing, and those after it wait", Owner.INTEGRATION,
         "Have the missing file delivered; what waits for it is then taken by itself."),
    _row("FILE_UNFINISHED", "A file is not whole for too long", Owner.INTEGRATION,
         "Have the file written to its end, or removed; it is taken by itself once it is whole."),
    _row("DATA_QUALITY", "What a system says is less good than the firm wants", Owner.DATA_STEWARD,
         "Look at `tieout quality --days 30` and correct the records in their system, or change the threshold.",
         blocks=False),
    _row("WEBHOOKS_REFUSED", "Many webhooks in the name of a system are refused", Owner.INTEGRATION,
         "Compare the secret with the vendor's and this machine's clock; if both are right, somebody else sends them.",
         blocks=False),
    _row("OUT_OF_ORDER_VERSION", "An older version arrived after a newer one", Owner.INTEGRATION,
         "Nothing to do: the newer version stands.", blocks=False),
    _row("DUPLICATE_EXACT", "The same version arrived again", Owner.INTEGRATION,
         "Nothing to do: it had no effect.", blocks=False),
    _row("DUPLICATE_NATURAL", "Another entry says the same work", Owner.PROJECT_MANAGEMENT,
         "Delete one of the two in the source, or release this one if both are right."),
    _row("DUPLICATE_FUZZY", "Another entry says nearly the same work", Owner.PROJECT_MANAGEMENT,
         "Compare the two; delete one in the source, or release this one if both are right."),
    _row("SOURCE_CHANGED", "The source changed an entry that is already posted", Owner.FINANCE,
         "Correct the posting in the ERP by hand and exclude this item, or restore the entry in its source."),
    _row("RATE_CHANGED", "A posted entry is worth something else since", Owner.FINANCE,
         "Correct the posting in the ERP by hand and exclude this item, or apply the rate as it was."),
    _row("BEFORE_GO_LIVE", "The work lies before the go-live of the legal entity", Owner.FINANCE,
         "Nothing to do: what was in use before has posted it. Move go_live of the entity's policy if it has not."),
    _row("PROJECT_UNKNOWN", "The project is not known", Owner.PROJECT_MANAGEMENT,
         "Create the project in the project system, or correct the entry."),
    _row("PROJECT_CLOSED", "The project takes no time", Owner.PROJECT_MANAGEMENT,
         "Reopen the project or move the entry to an open one."),
    _row("TASK_UNKNOWN", "The task is not known", Owner.PROJECT_MANAGEMENT,
         "Correct the task of the entry in its source."),
    _row("TASK_NOT_OPEN", "The task takes no time", Owner.PROJECT_MANAGEMENT,
         "Open the task for time or move the entry to an open one."),
    _row("PERSON_UNKNOWN", "The person is not known", Owner.RESOURCE_MANAGEMENT,
         "Create the person in the source, or correct the entry."),
    _row("RESOURCE_INACTIVE", "The person was not employed on that day", Owner.RESOURCE_MANAGEMENT,
         "Correct the employment dates or the work date."),
    _row("LEGAL_ENTITY_UNMAPPED", "The legal entity has no mapping", Owner.FINANCE,
         "Add a line to mappings/legal_entities.csv and apply."),
    _row("DIMENSION_MISSING", "A dimension has no mapping", Owner.FINANCE,
         "Add the missing line to the named mapping table and apply."),
    _row("RATE_NOT_FOUND", "No bill rate fits", Owner.FINANCE,
         "Add a rate line in the rate card or in mappings/bill_rates.csv and apply."),
    _row("RATE_EXPIRED", "The bill rate that would fit has expired", Owner.FINANCE,
         "Extend the rate line, or add a new one from the day after it ended."),
    _row("RATE_AMBIGUOUS", "Two bill rates fit equally well", Owner.FINANCE,
         "End one of the two rate lines or make one more specific."),
    _row("COST_RATE_NOT_FOUND", "No cost rate fits", Owner.FINANCE,
         "Add the person's cost rate in its source or in mappings/cost_rates.csv and apply."),
    _row("CURRENCY_MISMATCH", "The rate is in another currency than the project", Owner.FINANCE,
         "Correct the rate card of the project or allow conversion in the entity's policy."),
    _row("FX_MISSING", "No exchange rate is known", Owner.FINANCE,
         "Load the rate into the ERP or into fx.csv and apply."),
    _row("FX_STALE", "The newest exchange rate is too old", Owner.FINANCE,
         "Load a newer rate into the ERP or into fx.csv and apply."),
    _row("HOURS_RANGE", "The hours are not between 0 and 24", Owner.PROJECT_MANAGEMENT,
         "Correct the hours in the source."),
    _row("DAY_TOTAL", "The day adds up to more hours than allowed", Owner.RESOURCE_MANAGEMENT,
         "Correct the person's day in the source, or release it if the day was really that long."),
    _row("OVERLAP", "Two entries of one person overlap in time", Owner.RESOURCE_MANAGEMENT,
         "Correct the start and end of one of them in the source."),
    _row("DURATION_MISMATCH", "Hours differ from end minus start", Owner.RESOURCE_MANAGEMENT,
         "Correct hours, start or end in the source."),
    _row("INCREMENT", "The hours are not a multiple of the increment", Owner.PROJECT_MANAGEMENT,
         "Round the hours in the source to the increment of the legal entity."),
    _row("FUTURE_DATED", "The work date lies in the future", Owner.PROJECT_MANAGEMENT,
         "Correct the work date, or wait for the day to come."),
    _row("LATE", "The entry was approved after the cut-off", Owner.FINANCE,
         "Nothing to do: it is posted with a late flag.", blocks=False),
    _row("PERIOD_UNKNOWN", "No accounting period covers the date", Owner.FINANCE,
         "Open a fiscal year and period for the date in the ERP."),
    _row("PERIOD_CLOSED", "The accounting period is closed", Owner.FINANCE,
         "Reopen the period in the ERP, or change the entity's policy to the first open period."),
    _row("NARRATIVE_MISSING", "The narrative is missing", Owner.PROJECT_MANAGEMENT,
         "Add a narrative in the source."),
    _row("APPROVER_IS_SUBMITTER", "The approver is the person who worked", Owner.FINANCE,
         "Have the entry approved by another person in the source."),
    _row("APPROVAL_MISSING", "The entry says approved but names no approver", Owner.PROJECT_MANAGEMENT,
         "Have the entry approved in the source by a named person."),
    _row("AMOUNT_TAMPERED", "The claimed amount is not hours times rate", Owner.FINANCE,
         "Find out in the source who changed the amount; correct it there."),
    _row("DEAL_CUSTOMER_UNKNOWN", "A won deal has no customer that all systems can know", Owner.DATA_STEWARD,
         "Give the deal's customer a code in the CRM, or name it in mappings/clients.csv and apply."),
    _row("CONTRACT_MISSING", "A won deal has no signed contract", Owner.FINANCE,
         "Have the contract signed, and link it to the deal in the CRM."),
    _row("CONTRACT_MISMATCH", "A deal and its contract disagree", Owner.FINANCE,
         "Correct customer, legal entity or currency of the deal or of its contract."),
    _row("DEAL_TERMS_INVALID", "Amount, currency, dates or hours of a won deal are missing or wrong",
         Owner.PROJECT_MANAGEMENT, "Correct what is named, in the CRM."),
    _row("SERVICE_LINE_UNKNOWN", "The service line of a won deal is not known", Owner.FINANCE,
         "Correct the service line in the CRM, or add the missing line to the named mapping table and apply."),
    _row("RATE_CARD_MISSING", "A won deal has no rate card", Owner.FINANCE,
         "Name the rate card in the contract or the deal, or map its name in mappings/rate_cards.csv and apply."),
    _row("ROLE_UNKNOWN", "A role that was sold is not known", Owner.RESOURCE_MANAGEMENT,
         "Correct the line of the deal in the CRM, or add the role to mappings/roles.csv and apply."),
    _row("TAX_UNDETERMINED", "It cannot be told how a won deal is taxed", Owner.FINANCE,
         "Add the customer's country and tax id, or the tax treatment of the deal."),
    _row("DEAL_INCOMPLETE", "Too little of a won deal is told", Owner.PROJECT_MANAGEMENT,
         "Fill in what is named in the CRM, or release the item with --accept."),
    _row("APPROVAL_REQUIRED", "A won deal waits to be approved", Owner.FINANCE,
         "Let somebody else than the deal's owner run `tieout projects approve`."),
    _row("PROJECT_CODE_TAKEN", "Another project has the code already", Owner.PROJECT_MANAGEMENT,
         "Name another code in mappings/projects.csv and apply, or release the item with --accept to take it over."),
    _row("DEALS_DISAGREE", "A deal cannot be part of its project", Owner.PROJECT_MANAGEMENT,
         "Take the change back in the CRM, or take the deal out of the project in mappings/projects.csv."),
    _row("DEAL_MOVED_BACK", "A deal was moved back after its project was made", Owner.PROJECT_MANAGEMENT,
         "Win the deal again to resume the project, or close the project by hand and release the item with --accept."),
    _row("DEAL_LOST", "A deal was lost after its project was made", Owner.PROJECT_MANAGEMENT,
         "Close what exists by hand in the systems named, then release the item with --accept."),
    _row("PAYROLL_PERSON_UNKNOWN", "Approved hours of a person wait, for the payroll does not know the person",
         Owner.RESOURCE_MANAGEMENT,
         "Correct legal entity, e-mail or employee number of the person, or exclude who is not paid there."),
    _row("DELIVERY_REJECTED", "The target refused the posting", Owner.FINANCE,
         "Correct what the target names, then retry."),
    _row("DELIVERY_EXHAUSTED", "All attempts to deliver failed", Owner.INTEGRATION,
         "Find out why the target does not take it, then retry."),
    _row("DELIVERY_UNRESOLVED", "It cannot be told whether the target holds the posting", Owner.INTEGRATION,
         "Look it up in the target by its reference: exclude it if it is there, else release it with --accept."),
    _row("DELIVERY_WARNED", "The target asks for a confirmation", Owner.FINANCE,
         "Decide on the target's warning, then retry or exclude."),
    _row("ECHO_MISMATCH", "The target recorded another amount than was sent", Owner.FINANCE,
         "Compare the posting in the target with what was sent; correct it there by hand."),
    _row("POSTED_TWICE", "The target holds the posting more than once", Owner.FINANCE,
         "Cancel the surplus posting in the target."),
    _row("LEDGER_POSTING_UNKNOWN", "A ledger holds what a restored hub does not know", Owner.FINANCE,
         "Reverse the posting in the ledger, or let two people release the entity with `tieout restored release`."),
    _row("WBS_INVALID", "The task tree of a project is broken", Owner.PROJECT_MANAGEMENT,
         "Correct codes, parents or hours of the named task in the project system."),
    _row("WBS_WINDOW", "A task lies outside the dates of its parent", Owner.PROJECT_MANAGEMENT,
         "Move the task or its parent in the project system.", blocks=False),
    _row("BOOKING_INVALID", "Dates, hours or time zone of a booking cannot be", Owner.RESOURCE_MANAGEMENT,
         "Correct what is named of the assignment or absence, in its source."),
    _row("OVERBOOKED", "Firm bookings exceed the capacity of a person", Owner.RESOURCE_MANAGEMENT,
         "Move or soften one of the bookings."),
    _row("LOCATION_MISMATCH", "Somebody is booked elsewhere than the work is needed", Owner.RESOURCE_MANAGEMENT,
         "Book somebody at the place of the demand, or correct the location of either.", blocks=False),
    _row("SKILL_MISSING", "Somebody is booked who lacks a skill that is needed", Owner.RESOURCE_MANAGEMENT,
         "Book somebody with the skill, or add it to the person.", blocks=False),
    _row("BUDGET_NEAR", "A project has used or booked nearly all of its budget", Owner.PROJECT_MANAGEMENT,
         "Agree on more budget, or move bookings off the project.", blocks=False),
    _row("BUDGET_USED_UP", "A project has used or booked all of its budget", Owner.PROJECT_MANAGEMENT,
         "Agree on more budget, or move bookings off the project.", blocks=False),
    _row("RATE_DIFFERS", "Two systems state a rate differently", Owner.FINANCE,
         "Correct the rate in the system that is wrong; `tieout rates` shows what both mean for the hours to come.",
         blocks=False),
    _row("CONTRACT_LINES_OVERLAP", "Two contract lines bill the same work", Owner.FINANCE,
         "Take the task or the class out of one of the two lines."),
    _row("MILESTONES_SUM", "The milestones do not add up to the contract line", Owner.FINANCE,
         "Correct a milestone or the line, or have the variance approved."),
    _row("REVENUE_CHAIN", "Recognised revenue does not follow from the period before", Owner.FINANCE,
         "Reverse and post the later periods again, in order."),
)
# fmt: on

CATALOGUE: dict[str, FindingCode] = {row.code: row for row in _ROWS}
