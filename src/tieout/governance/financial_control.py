"""Financial controls and their home: the hub carries data, and enacts the control of no system.

Pure. Tax, revenue recognition, credit and periods are decided by one system for each legal entity, the ERP that posts
for it unless ``ownership.toml`` names another. That system is never told what to decide, and none is told anything in
its place: ``runtime.firm`` refuses a configuration that would, ``streams`` leave such fields out and are stopped here
if they do not.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from tieout.errors import InvariantError
from tieout.model.command import MasterCommand, UpsertContract, object_of
from tieout.model.firm import FinancialControl, FirmConfig, OwnershipRule

CONTROLLED_FIELDS: Final[dict[str, FinancialControl]] = {
    "client.credit_status": FinancialControl.CREDIT,
    "client.tax_treatment": FinancialControl.TAX,
    "contract.tax_treatment": FinancialControl.TAX,
    "deal.tax_treatment": FinancialControl.TAX,
    "contract_line.type": FinancialControl.REVENUE,
    "period.state": FinancialControl.PERIOD,
    "period.starts": FinancialControl.PERIOD,
    "period.ends": FinancialControl.PERIOD,
}
"""The canonical fields in which a control speaks, by ``object.field``."""
_SPOKEN_BY_CRM: Final = frozenset({"deal.tax_treatment", "contract.tax_treatment", "contract_line.type"})
"""What a seller expects of a deal; an input to the control and not its decision."""


def home_of(firm: FirmConfig, control: FinancialControl, entity: str | None) -> str | None:
    """The system that decides by ``control`` for ``entity``; None where nothing posts for it and no rule says so."""
    fitting = [one for one in firm.controls if one.control is control and one.entity in {None, entity}]
    if fitting:
        return max(fitting, key=lambda one: one.entity is not None).system
    if entity is not None:
        poster = firm.poster_of(entity)
        return None if poster is None else poster.name
    posters = {one.name for one in firm.systems if one.posts_for}
    return posters.pop() if len(posters) == 1 else None


def is_home(firm: FirmConfig, control: FinancialControl, system: str, entity: str | None) -> bool:
    """Whether ``system`` decides by ``control`` for ``entity``; for None: for any legal entity."""
    entities = [entity] if entity is not None else [None, *(one for known in firm.systems for one in known.posts_for)]
    return any(home_of(firm, control, one) == system for one in entities)


def contradictions(firm: FirmConfig) -> Iterator[str]:
    """What ``ownership.toml`` says against itself: a controlled field that is owned elsewhere than at its control."""
    names = {one.name for one in firm.systems}
    homes = Counter((one.control, one.entity) for one in firm.controls)
    for control in firm.controls:
        if control.system not in names:
            yield f"The {control.control} control has its home in {control.system}, which is no system of the firm"
    for (told, entity), count in homes.items():
        if count > 1:
            yield f"The {told} control has {count} homes for {entity or 'all legal entities'}"
    for rule in firm.ownership:
        yield from _foreign_fields(firm, rule)


def _foreign_fields(firm: FirmConfig, rule: OwnershipRule) -> Iterator[str]:
    for name in (f"{rule.object}.{field}" for field in rule.fields):
        control = None if name in _SPOKEN_BY_CRM else CONTROLLED_FIELDS.get(name)
        home = None if control is None else home_of(firm, control, rule.entity)
        if home is not None and home != rule.system:
            yield f"{rule.system} is to own {name}, which {home} decides (the home of the {control} control)"


def may_be_told(firm: FirmConfig, control: FinancialControl, system: str, entity: str | None) -> bool:
    """Whether ``system`` may be told what is decided by ``control``: its home decides itself."""
    return not is_home(firm, control, system, entity)


def refuse_to_enact(firm: FirmConfig, commands: Iterable[tuple[str, MasterCommand]]) -> None:
    """Stop before ``commands`` (with their systems) are sent that would decide what is a system's own to decide.

    Raises InvariantError (TIE-CONTROL-001).
    """
    for system, command in commands:
        if (
            isinstance(command, UpsertContract)
            and command.tax_treatment is not None
            and not may_be_told(firm, FinancialControl.TAX, system, command.entity)
        ):
            raise InvariantError(
                code="TIE-CONTROL-001",
                message=f"{object_of(command)} would tell {system} a tax treatment, which {system} decides for "
                f"{command.entity}.",
            )
