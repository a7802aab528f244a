"""How values of a system and canonical values become each other, as an administrator states it in TOML.

``values`` turns by a ``Rule``, ``items`` makes canonical items by ``ItemRules``; connectors whose systems are described
by configuration (REST, files) have these in their definitions. Paths are names with dots between (``customer.id``,
``lines.0.sku``); one that begins with a slash starts at the whole item, which matters within lists.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from tieout.model.reported import ReportedAssignment, ReportedTime, ReportedTimeOff

TIME, ASSIGNMENT, TIME_OFF = "time", "assignment", "time_off"
FACTS: Final = {TIME: ReportedTime, ASSIGNMENT: ReportedAssignment, TIME_OFF: ReportedTimeOff}
Scalar: TypeAlias = str | int | bool
InstantFormat: TypeAlias = Literal["iso", "unix", "unix_ms"]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one value is made. Read from a vendor it becomes canonical, written to one it becomes the vendor's.

    ``path`` is where it comes from, or ``join`` several with a space between, or ``constant``. ``optional``: what is
    not there is not told (read), what is empty is left out (write). ``lookup`` translates it, and refuses what it does
    not have. ``date`` and ``instant`` give the vendor's form (``iso``, or as in ``%d.%m.%Y``); ``plus_days`` moves a
    date. ``decimal`` gives the decimal mark, ``group`` the mark between thousands, ``scale`` how many decimals an
    integer has, ``minutes`` that it counts minutes where we count hours. ``minor_of`` names the currency of an amount
    in minor units, on the side where it is an integer; ``number`` writes a JSON number instead of a text. ``each``
    makes a list.
    """

    path: str | None = None
    join: tuple[str, ...] = ()
    constant: Scalar | None = None
    optional: bool = False
    lookup: dict[str, Scalar] = {}
    date: str | None = None
    instant: InstantFormat | None = None
    plus_days: int = 0
    decimal: str | None = None
    group: str | None = None
    scale: int = 0
    minutes: bool = False
    minor_of: str | None = None
    number: bool = False
    each: dict[str, "str | Rule"] = {}


Fields: TypeAlias = dict[str, str | Rule]


class Version(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The member that grows with every change of an item."""

    path: str
    format: Literal["iso", "unix", "unix_ms", "integer"] = "iso"


class Deleted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a deleted item is known, which is a tombstone.

    ``path`` is there and not false, or is one of ``equals``; ``always`` in a list of nothing else.
    """

    path: str | None = None
    equals: tuple[Scalar, ...] = ()
    always: bool = False


class ItemRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one kind of item is understood. ``kind`` is time, assignment, time_off or a record type.

    ``id`` is the path of the item's own key; ``fields`` and ``references`` are by canonical names.
    """

    object: str
    kind: str
    fields: Fields
    id: str = "id"
    version: Version | None = None
    deleted: Deleted | None = None
    references: Fields = {}
