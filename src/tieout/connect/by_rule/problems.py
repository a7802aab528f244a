"""What cannot be meant in rules that an administrator states. Pure.

Neighbours: definitions of configurable connectors are checked with it before anything is read or written.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tieout.connect.by_rule.rule import FACTS, Fields, ItemRules, Rule
from tieout.model.reported import RecordType


def outline_problems(
    parts: Mapping[str, Sequence[str]], *, documentation: Sequence[str], posts: bool, has_ledger: bool
) -> Iterable[str]:
    """What is wrong with a definition as a whole: ``parts`` are the names of what it reads and writes, by kind of part.

    ``posts``: it takes journals; ``has_ledger``: it says how the ledger is read by another way than it is written.
    """
    if not any(parts.values()):
        yield "it describes nothing to read and nothing to write"
    if not any(one.strip() for one in documentation):
        yield "documentation names no page"
    for what, names in parts.items():
        twice = sorted({one for one in names if names.count(one) > 1})
        yield from (f"{what} {name} is described twice" for name in twice)
    if posts and not has_ledger:
        yield "what posts journals needs a ledger, for reconciliation reads it by another way"


def item_problems(rules: ItemRules) -> Iterable[str]:
    """What is wrong with how a kind of item is understood, in words."""
    known = [*FACTS, *(one.value for one in RecordType)]
    if rules.kind not in known:
        yield f"{rules.kind!r} is no kind; known are {', '.join(known)}"
    if rules.kind in FACTS:
        yield from _fact_problems(rules)
    for fields in (rules.fields, rules.references):
        yield from rule_problems(fields, allows_lists=False)


def body_problems(command: str, kind: type[msgspec.Struct], body: Fields) -> Iterable[str]:
    """What is wrong with what a command is turned into, in words."""
    yield from rule_problems(body, allows_lists=True)
    names = set(kind.__struct_fields__)
    for target, rule in body.items():
        for path in _paths(rule):
            first = path.lstrip("/").split(".")[0]
            if first not in names:
                yield f"{target} comes from {path!r}, and {command} has no {first!r}"


def _fact_problems(rules: ItemRules) -> Iterable[str]:
    known = set(FACTS[rules.kind].__struct_fields__) - {"source_id", "version"}
    yield from (f"{name!r} is no field of {rules.kind}" for name in sorted(set(rules.fields) - known))
    if rules.references:
        yield f"{rules.kind} has no references; its keys are fields"


def rule_problems(fields: Fields, *, allows_lists: bool) -> Iterable[str]:
    """What is wrong with rules, in words; ``allows_lists``: whether a rule may make one."""
    for name, rule in fields.items():
        if isinstance(rule, str):
            continue
        sources = (rule.path is not None) + bool(rule.join) + (rule.constant is not None)
        if sources != 1:
            yield f"{name} needs exactly one of path, join and constant"
        if rule.each and (not allows_lists or rule.path is None):
            yield f"{name}: each is for lists that are written, and needs path"
        if rule.plus_days and rule.date is None:
            yield f"{name}: plus_days needs date"
        if rule.group is not None and rule.decimal is None:
            yield f"{name}: group needs decimal"
        yield from rule_problems(rule.each, allows_lists=allows_lists)


def _paths(rule: str | Rule) -> Iterable[str]:
    if isinstance(rule, str):
        return (rule,)
    return (*((rule.path,) if rule.path is not None else ()), *rule.join)
