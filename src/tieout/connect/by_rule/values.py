"""Turns values by rules, both ways. Pure.

Read, a vendor's value becomes canonical: dates and instants as ISO text, decimals as ``Decimal``. Written, a canonical
value becomes the vendor's. Nothing is coerced: a value that a rule does not fit raises ``UnfitError``.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias

from tieout.connect.by_rule.rule import Fields, Rule
from tieout.connect.json_codec import JsonValue
from tieout.errors import TieoutError
from tieout.model.money import UnknownCurrencyError, from_minor, to_minor
from tieout.model.working_time import hours_from_minutes

Single: TypeAlias = str | int | Decimal | bool
Canonical: TypeAlias = Single | None
_MINUTES: Final = Decimal(60)
_WHOLE_LIMIT: Final = 2**63
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class UnfitError(Exception):
    """A value is not there or not of the form that its rule says; the text says which."""


class Absent:
    """Stands for a value that is not there at all."""


ABSENT: Final = Absent()


def at(path: str, item: object, root: object) -> object:
    """What is at ``path`` of an item, or of the root where the path begins with a slash; ABSENT where nothing is."""
    here = root if path.startswith("/") else item
    for name in path.strip("/").split(".") if path.strip("/.") else ():
        here = _member(here, name)
    return here


def _member(value: object, name: str) -> object:
    if isinstance(value, dict):
        return value.get(name, ABSENT)
    if isinstance(value, list | tuple) and name.isdecimal() and int(name) < len(value):
        return value[int(name)]
    return ABSENT


def canonical(name: str, rule: str | Rule, item: object, root: object) -> Canonical | Absent:
    """A vendor's value in canonical form, None where it is empty; raises UnfitError."""
    if isinstance(rule, str):
        rule = Rule(path=rule)
    found = _source(name, rule, item, root)
    if isinstance(found, Absent) or found is None:
        return found
    value = _looked_up(name, rule, _single(name, found))
    for applies, turn in _TURNS:
        if applies(rule):
            return turn(name, value, rule, lambda path: at(path, item, root))
    return value


def text(name: str, rule: str | Rule, item: object, root: object) -> str:
    """A value that must be there, as text; raises UnfitError."""
    return key_text(name, canonical(name, rule, item, root))


def key_text(name: str, value: object) -> str:
    """A text or whole number as text; raises UnfitError for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise UnfitError(f"{name} is neither a text nor a whole number")
    return str(value)


def minor(name: str, rule: str | Rule, currency: str, item: object, root: object) -> int:
    """An amount as an integer of minor units of ``currency``: a decimal, or an integer whose rule has ``minor_of``."""
    found = canonical(name, rule, item, root)
    if isinstance(found, bool) or not isinstance(found, str | int | Decimal):
        raise UnfitError(f"{name} is no amount: {found!r}")
    try:
        return to_minor(Decimal(found), currency)
    except InvalidOperation as error:
        raise UnfitError(f"{name} is no amount: {found!r}") from error
    except TieoutError as error:
        raise UnfitError(f"{name}: {error.message}") from error


def whole(name: str, value: object) -> int:
    """A whole number, also where it came as text; raises UnfitError."""
    if isinstance(value, str) and value.lstrip("-").isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _WHOLE_LIMIT:
        raise UnfitError(f"{name} is no whole number: {value!r}")
    return value


def read_instant(name: str, value: object, form: str) -> datetime:
    """An instant in UTC from ISO text with a zone, or from (milli)seconds since 1970; raises UnfitError."""
    if form == "unix":
        return _EPOCH + timedelta(seconds=whole(name, value))
    if form == "unix_ms":
        return _EPOCH + timedelta(milliseconds=whole(name, value))
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise UnfitError(f"{name} is no instant with a zone: {value!r}")
    return found.astimezone(UTC)


def vendor_body(fields: Fields, command: Mapping[str, object]) -> dict[str, JsonValue]:
    """The body that a command becomes, objects within objects by the dots of their names; raises UnfitError."""
    told = dict(command)
    return _object(fields, told, told)


def put(body: dict[str, JsonValue], target: str, value: JsonValue) -> None:
    """Set a member by its path; raises UnfitError where something that is no object is in the way."""
    *outer, last = target.split(".")
    here = body
    for name in outer:
        inner = here.setdefault(name, {})
        if not isinstance(inner, dict):
            raise UnfitError(f"{target} lies within {name}, which is a value already")
        here = inner
    here[last] = value


def _object(fields: Fields, item: object, root: object) -> dict[str, JsonValue]:
    body: dict[str, JsonValue] = {}
    for target, rule in fields.items():
        given = Rule(path=rule) if isinstance(rule, str) else rule
        found = _source(target, given, item, root)
        if not isinstance(found, Absent) and not (found is None and given.optional):
            put(body, target, _vendor(target, given, found, lambda path: at(path, item, root), root))
    return body


Look: TypeAlias = Callable[[str], object]


def _vendor(name: str, rule: Rule, found: object, look: Look, root: object) -> JsonValue:
    if rule.each:
        if not isinstance(found, list | tuple):
            raise UnfitError(f"{name} is no list")
        return [_object(rule.each, one, root) for one in found]
    if found is None or isinstance(found, dict | list | tuple):
        return _plain(name, found)
    if isinstance(found, date):
        moved = found + timedelta(days=rule.plus_days)
        return moved.isoformat() if rule.date in {None, "iso"} else moved.strftime(rule.date or "")
    value = _looked_up(name, rule, _single(name, found))
    if rule.minor_of is not None:
        value = _from_minor(name, whole(name, value), look(rule.minor_of))
    elif rule.minutes:
        value = _minutes(name, value)
    return _written_number(value, rule) if isinstance(value, Decimal) else value


def _minutes(name: str, hours: object) -> int:
    if not isinstance(hours, Decimal):
        raise UnfitError(f"{name} is no number of hours")
    minutes = hours * _MINUTES
    if minutes != minutes.to_integral_value():
        raise UnfitError(f"{name}: {hours} hours are no whole minutes")
    return int(minutes)


def _written_number(number: Decimal, rule: Rule) -> JsonValue:
    if rule.scale:
        scaled = number.scaleb(rule.scale)
        if scaled != scaled.to_integral_value():
            raise UnfitError(f"{number} has more than {rule.scale} decimals")
        return int(scaled)
    if rule.number:
        return number
    return f"{number:f}".replace(".", rule.decimal or ".")


def _plain(name: str, value: object) -> JsonValue:
    if isinstance(value, list | tuple):
        return [_plain(name, one) for one in value]
    if isinstance(value, dict):
        return {str(member): _plain(name, one) for member, one in value.items()}
    if isinstance(value, date):
        return value.isoformat()
    single = None if value is None else _single(name, value)
    return f"{single:f}" if isinstance(single, Decimal) else single


def _source(name: str, rule: Rule, item: object, root: object) -> object:
    if rule.constant is not None:
        return rule.constant
    if rule.join:
        found: object = _joined(name, [at(one, item, root) for one in rule.join])
    else:
        found = at(rule.path or "", item, root)
    if isinstance(found, Absent) and not rule.optional:
        raise UnfitError(f"{name} is missing ({rule.path or ' + '.join(rule.join)})")
    return found


def _joined(name: str, parts: list[object]) -> object:
    """Texts with a space between; absent where one of them is, None where all are empty."""
    if any(isinstance(one, Absent) for one in parts):
        return ABSENT
    words = [key_text(name, one).strip() for one in parts if one is not None and one != ""]
    return " ".join(one for one in words if one) or None


def _single(name: str, value: object) -> Single:
    if isinstance(value, str | int | Decimal | bool):
        return value
    raise UnfitError(f"{name} is a {'table' if isinstance(value, dict) else 'list'}, where one value is expected")


def _looked_up(name: str, rule: Rule, value: Single) -> Single:
    if not rule.lookup:
        return value
    key = str(value).lower() if isinstance(value, bool) else str(value)
    if key not in rule.lookup:
        raise UnfitError(f"{name} has the unknown value {value!r}")
    return rule.lookup[key]


def _read_date(name: str, value: object, rule: Rule, _look: Look) -> str:
    form = rule.date or "iso"
    if not isinstance(value, str):
        raise UnfitError(f"{name} is no date: {value!r}")
    try:
        day = date.fromisoformat(value) if form == "iso" else datetime.strptime(value, form).date()  # noqa: DTZ007
    except ValueError as error:
        raise UnfitError(f"{name} is no date of the form {form}: {value!r}") from error
    return (day + timedelta(days=rule.plus_days)).isoformat()


def _read_number(name: str, value: object, rule: Rule, _look: Look) -> Decimal:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value).scaleb(-rule.scale)
    if not isinstance(value, str):
        raise UnfitError(f"{name} is no number: {value!r}")
    plain = value.strip().replace(rule.group, "") if rule.group else value.strip()
    try:
        number = Decimal(plain.replace(rule.decimal or ".", "."))
    except InvalidOperation as error:
        raise UnfitError(f"{name} is no number: {value!r}") from error
    if not number.is_finite():
        raise UnfitError(f"{name} is no number: {value!r}")
    return number.scaleb(-rule.scale)


def _from_minor(name: str, amount: int, currency: object) -> Decimal:
    if not isinstance(currency, str):
        raise UnfitError(f"{name} has no currency")
    try:
        return from_minor(amount, currency)
    except UnknownCurrencyError as error:
        raise UnfitError(f"{name}: {currency!r} is no currency") from error


_Turn: TypeAlias = Callable[[str, object, Rule, Look], Canonical]
_TURNS: Final[tuple[tuple[Callable[[Rule], bool], _Turn], ...]] = (
    (lambda rule: rule.date is not None, _read_date),
    (
        lambda rule: rule.instant is not None,
        lambda name, value, rule, _: read_instant(name, value, rule.instant or "iso").isoformat(),
    ),
    (lambda rule: rule.minutes, lambda name, value, _rule, _look: hours_from_minutes(whole(name, value))),
    (
        lambda rule: rule.minor_of is not None,
        lambda name, value, rule, look: _from_minor(name, whole(name, value), look(rule.minor_of or "")),
    ),
    (lambda rule: rule.decimal is not None or rule.scale > 0, _read_number),
)
"""How a vendor's value becomes canonical: the first that a rule asks for."""
