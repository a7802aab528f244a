"""What a project is called: by the number of its deal, by counting in the legal entity, or as a person says. Pure.

A code once given is stored with the provisioning and never made again. What makes it is stable all the same: the deal's
number is the CRM's own, and a counter starts after every code that any system is known to use.
"""

import re
import string
from collections.abc import Iterable
from typing import Final

from tieout.model.stream_policy import CodeRule, LeadToProject

_WORDS: Final = {CodeRule.DEAL: {"deal", "entity"}, CodeRule.SEQUENCE: {"deal", "entity", "number"}}
_NEEDED: Final = {CodeRule.DEAL: "deal", CodeRule.SEQUENCE: "number"}
_BLANK: Final = re.compile(r"\s+")


def format_problem(rule: CodeRule, text: str) -> str | None:
    """What is wrong with a code format, or None."""
    try:
        words = [word for _, word, _, _ in string.Formatter().parse(text) if word is not None]
        text.format(deal="D-1", entity="US01", number=1)
    except (ValueError, KeyError, IndexError, AttributeError) as error:
        return f"it cannot be read ({error})"
    unknown = sorted(set(words) - _WORDS[rule])
    if unknown:
        return f"it knows no {{{unknown[0]}}}"
    if _NEEDED[rule] not in words:
        return f"without {{{_NEEDED[rule]}}} two projects would have one code"
    return None


def by_deal(policy: LeadToProject, *, deal: str, entity: str) -> str:
    """The code that follows from the deal's number; blanks become hyphens, since not every system takes them."""
    return _BLANK.sub("-", policy.code_format.format(deal=deal, entity=entity, number=0).strip())


def is_called_after(policy: LeadToProject, code: str, *, deal: str, entity: str) -> bool:
    """Whether ``code`` follows from the deal's own number; a deal that was put on another's project is not it."""
    return policy.project_code is CodeRule.DEAL and by_deal(policy, deal=deal, entity=entity) == code


def by_number(policy: LeadToProject, number: int, *, deal: str, entity: str) -> str:
    """The code of the ``number``-th project of a legal entity."""
    return _BLANK.sub("-", policy.code_format.format(deal=deal, entity=entity, number=number).strip())


def next_number(policy: LeadToProject, *, entity: str, known_codes: Iterable[str], last: int) -> int:
    """The first number after ``last`` and after every known code of the entity that the format could have made."""
    pattern = _pattern(policy.code_format, entity)
    numbers = [int(found["number"]) for code in known_codes if (found := pattern.fullmatch(code)) is not None]
    return max([last, *numbers]) + 1


def _pattern(text: str, entity: str) -> re.Pattern[str]:
    parts: list[str] = []
    seen = False
    for literal, word, _, _ in string.Formatter().parse(text):
        parts.append(re.escape(_BLANK.sub("-", literal)))
        if word == "number":
            parts.append("(?P=number)" if seen else r"(?P<number>\d{1,15})")
            seen = True
        elif word == "entity":
            parts.append(re.escape(_BLANK.sub("-", entity)))
        elif word is not None:
            parts.append(".*")
    return re.compile("".join(parts))
