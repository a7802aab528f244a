"""Field mappings of a system: which of its account's own fields are kept, and which of its fields are filled by what.

Pure. ``runtime.firm`` reads them from ``systems/NAME.toml``; ``records.field_filling`` fills by them, ``inbound`` keeps
by them. Values are text, as vendors' own fields are; a date of an end is the first day after it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Final, TypeAlias

import msgspec

CUSTOM: Final = "custom:"
"""How a translator names a field of the account's own: ``custom:`` and the vendor's name of it."""
JOURNAL: Final = "post_journal"
LookUp: TypeAlias = Callable[[str, str], str | None]
"""Of a mapping table and a word: what the word means, None where no line says."""


class CustomField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field of the account's own that is kept (``[[custom_field]]``).

    ``field`` is the vendor's name of it on records of type ``object``; it becomes the canonical field ``name`` (in the
    file: ``as``) after ``transform``.
    """

    object: str
    field: str
    name: str = msgspec.field(name="as")
    transform: tuple[str, ...] = ()


class FilledField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A field of the target that is filled (``[[field]]``): ``field`` of what ``command`` writes.

    Of ``post_journal`` it is a dimension of the lines. ``source`` (in the file: ``from``) is ``project.NAME``,
    ``client.NAME``, ``contract.NAME``, ``deal.NAME`` or ``entity.code``; ``constant`` is the value itself. What has no
    value is left out, or holds up what needs it where ``required``. ``entity`` empty: all legal entities.
    """

    command: str
    field: str
    source: str | None = msgspec.field(default=None, name="from")
    constant: str | None = None
    transform: tuple[str, ...] = ()
    required: bool = False
    entity: str | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        """The mapping tables that it asks."""
        return tuple(one.partition(":")[2] for one in self.transform if one.startswith("table:"))


def transformed(value: str | None, transform: Sequence[str], look_up: LookUp) -> str | None:
    """``value`` after each step of ``transform`` in turn; None where there is none in the end.

    Steps: ``strip``, ``upper``, ``lower``, ``digits`` (nothing else stays), ``first:N`` characters, ``prefix:TEXT``,
    ``suffix:TEXT``, ``default:TEXT`` (where nothing is told), ``last_day`` (the day before the first day after), and
    ``table:NAME`` (what the mapping table makes of it; nothing where no line does).
    """
    for step in transform:
        name, _, text = step.partition(":")
        if value is None or value == "":
            value = text if name == "default" else None
            continue
        value = look_up(text, value) if name == "table" else _step(value, name, text)
    return value or None


def transform_problems(transform: Sequence[str], *, tables: bool) -> Iterator[str]:
    """What is wrong with a list of steps, in words; ``tables``: whether mapping tables may be asked."""
    with_text = (*_TEXTUAL, "table")
    for step in transform:
        name, colon, text = step.partition(":")
        if name not in {*_PLAIN, *with_text} or (name in _PLAIN and colon) or (name in with_text and not text):
            known = ", ".join([*_PLAIN, *(f"{one}:..." for one in with_text)])
            yield f"There is no transform {step!r}; use {known}"
        elif name == "first" and not (text.isascii() and text.isdigit()):
            yield f"The transform {step!r} needs a number of characters"
        elif name == "table" and not tables:
            yield f"The transform {step!r} cannot stand here: records are stored in the words of their system"


def _digits(value: str) -> str:
    return "".join(one for one in value if one.isascii() and one.isdigit())


def _day_before(value: str) -> str:
    try:
        return (date.fromisoformat(value) - timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return value


_PLAIN: Final[dict[str, Callable[[str], str]]] = {
    "strip": lambda value: " ".join(value.split()),
    "upper": str.upper,
    "lower": str.lower,
    "digits": _digits,
    "last_day": _day_before,
}
_TEXTUAL: Final[dict[str, Callable[[str, str], str]]] = {
    "first": lambda value, text: value[: int(text)],
    "prefix": lambda value, text: text + value,
    "suffix": lambda value, text: value + text,
    "default": lambda value, _: value,
}


def _step(value: str, name: str, text: str) -> str:
    return _PLAIN[name](value) if name in _PLAIN else _TEXTUAL[name](value, text)
