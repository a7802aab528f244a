"""Which labour policy is a person's: by grade, employment type or kind, for the employing legal entity and the day.

Pure. Neighbours: ``mapping`` has the table, ``inbound.rule_context`` and ``streams.plan_to_allocate`` ask.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from tieout.model.labour_policy import LabourPolicy
from tieout.records.facts import ResourceFacts
from tieout.records.mapping import ANY, LABOUR_POLICIES, MappingTables

EVERYBODY: Final = ANY
"""The word of the table for everybody whose own words it does not have."""


def labour_policy(
    mappings: MappingTables, policies: Mapping[str, LabourPolicy], person: ResourceFacts, on: date
) -> LabourPolicy | None:
    """The policy of ``person`` on day ``on``, by the first word that the table maps; None where it maps none."""
    if not policies:
        return None
    entity = ANY if person.entity is None else person.entity.code
    for word in (person.grade, person.employment_type, person.kind, EVERYBODY):
        name = None if word is None else mappings.map_value(LABOUR_POLICIES, ANY, entity, word, on)
        if name is not None:
            return policies.get(name)
    return None
