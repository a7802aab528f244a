"""What a stored answer of BambooHR says in canonical words, and the Translator over all. Pure.

``people`` does employees, departments and pay, ``absence`` time off and holidays. Nothing is coerced: an item that does
not say what it must is Unreadable, and the rest of its page goes on.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from tieout.connect.json_codec import JsonValue, decode_strict
from tieout.connect.source import Translated
from tieout.connectors.bamboohr import absence, people
from tieout.connectors.bamboohr.fields import changes_of, rows_of, unreadable_answer
from tieout.connectors.bamboohr.options import Options
from tieout.errors import ContractError

WEBHOOK: str = "webhook"
"""The object of pages that webhooks bring."""


class BambooTranslator:
    """Translates every object that the manifest reads, and webhooks; stateless."""

    def __init__(self, options: Options) -> None:
        self._translate: Mapping[str, Callable[[JsonValue], Sequence[Translated]]] = {
            "departments": people.departments,
            "employees": lambda answer: people.employees(rows_of(answer), options),
            "changed_employees": people.deleted_employees,
            "compensation": lambda answer: people.cost_rates(answer, options),
            "time_off": lambda answer: absence.time_off(answer, options),
            "holidays": lambda answer: absence.holidays(rows_of(answer)),
            WEBHOOK: lambda answer: people.webhook(answer, options),
        }

    def translate(self, object_name: str, payload: bytes) -> Sequence[Translated]:
        """One result per item in the order of the answer; raises ContractError where the answer cannot be read."""
        translate = self._translate.get(object_name)
        if translate is None:
            raise unreadable_answer(f"there is no object {object_name!r} that the hub can read")
        return translate(decode_strict(payload))


def newest_change(payload: bytes) -> datetime | None:
    """The latest change that an answer of changes tells, in UTC; None where it tells none."""
    try:
        changes = changes_of(decode_strict(payload))
    except ContractError:
        return None
    times = [_instant(one.get("lastChanged")) for one in changes.values() if isinstance(one, dict)]
    return max((one for one in times if one is not None), default=None)


def _instant(value: JsonValue) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if found is None or found.tzinfo is None else found.astimezone(UTC)
