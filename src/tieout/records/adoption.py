"""Which records of different systems are probably one and the same: proposals for a person to decide. Pure.

Business codes that are equal join records by themselves (``matching``). Here is what is left when a firm is taken over
that has been running: codes written another way, tax ids, e-mail addresses, names that resemble each other. Neighbours:
``adoption_store`` reads and decides, ``joining`` makes one record of two.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from rapidfuzz import fuzz

from tieout.model.reported import RecordType

ADOPTABLE: Final = (RecordType.CLIENT, RecordType.PROJECT, RecordType.RESOURCE, RecordType.ROLE, RecordType.RATE_CARD)
EXACT: Final = 100
LIKELY: Final = 85
"""From which resemblance of names on (0 to 100) two records are proposed."""
_LEGAL_FORMS: Final = frozenset(
    {
        "ab", "ag", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "group", "holding", "inc", "kg",
        "limited", "llc", "llp", "ltd", "nv", "oy", "plc", "pty", "sa", "sarl", "se", "spa", "srl", "the",
    }
)  # fmt: skip
_COMMON: Final = 200
"""A word that more records have than this tells nothing and is not followed."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A golden record as far as it can be recognised by. ``keys``: by system, its key there.

    ``within`` is what has to be the same for a likeness of names to mean anything: the customer of a project.
    """

    record_id: int
    type: str
    name: str
    keys: dict[str, str]
    code: str | None = None
    tax_id: str | None = None
    email: str | None = None
    within: int | None = None


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """That record ``gone`` is record ``kept``: why, and how much the names resemble each other (100: by a number)."""

    gone: Candidate
    kept: Candidate
    evidence: str
    score: int


def propose(candidates: Sequence[Candidate], declined: Iterable[tuple[int, int]] = ()) -> list[Proposal]:
    """Pairs of records that may be one, the surest first; each record is in one proposal at most.

    Records that one system keeps apart are never proposed, nor are ``declined`` pairs (of ids, in any order). What is
    kept is the record that has a code; of two, the one that was known first.
    """
    refused = {frozenset(pair) for pair in declined}
    found = [
        one
        for one in (*_by_number(candidates), *_by_name(candidates))
        if frozenset((one.gone.record_id, one.kept.record_id)) not in refused
    ]
    taken: set[int] = set()
    chosen = []
    for one in sorted(found, key=lambda each: (-each.score, each.kept.record_id, each.gone.record_id)):
        ids = {one.gone.record_id, one.kept.record_id}
        if not ids & taken:
            taken |= ids
            chosen.append(one)
    return chosen


def _by_number(candidates: Iterable[Candidate]) -> Iterator[Proposal]:
    """Records with the same code, tax id or e-mail address, however it is written."""
    groups: defaultdict[tuple[str, str, str], list[Candidate]] = defaultdict(list)
    for one in candidates:
        for word, value in (("code", one.code), ("tax id", one.tax_id), ("e-mail", one.email)):
            plain = _plain(value)
            if plain:
                groups[one.type, word, plain].append(one)
    for (_, word, _), members in groups.items():
        for gone, kept in _pairs(members):
            yield _proposal(gone, kept, f"the same {word}", EXACT)


def _by_name(candidates: Iterable[Candidate]) -> Iterator[Proposal]:
    """Records whose names resemble each other; only those that share an uncommon word are compared."""
    by_word: defaultdict[tuple[str, str], list[Candidate]] = defaultdict(list)
    words = {}
    for one in candidates:
        words[one.record_id] = _words(one.name)
        for word in words[one.record_id]:
            by_word[one.type, word].append(one)
    seen: set[tuple[int, int]] = set()
    for members in by_word.values():
        if len(members) > _COMMON:
            continue
        for gone, kept in _pairs(members):
            pair = (gone.record_id, kept.record_id)
            if pair in seen or gone.within != kept.within:
                continue
            seen.add(pair)
            score = int(fuzz.token_sort_ratio(" ".join(words[pair[0]]), " ".join(words[pair[1]])))
            if score >= LIKELY:
                yield _proposal(gone, kept, f"{gone.name} resembles {kept.name}", min(score, EXACT - 1))


def _pairs(members: Sequence[Candidate]) -> Iterator[tuple[Candidate, Candidate]]:
    """Each two that no system keeps apart, the lower id second."""
    ordered = sorted(members, key=lambda one: one.record_id)
    for at, kept in enumerate(ordered):
        for gone in ordered[at + 1 :]:
            if gone.record_id != kept.record_id and not gone.keys.keys() & kept.keys.keys():
                yield gone, kept


def _proposal(gone: Candidate, kept: Candidate, evidence: str, score: int) -> Proposal:
    if kept.code is None and gone.code is not None:
        gone, kept = kept, gone
    return Proposal(gone=gone, kept=kept, evidence=evidence, score=score)


def _plain(value: str | None) -> str:
    return "".join(letter for letter in (value or "").casefold() if letter.isalnum() or letter == "@")


def _words(name: str) -> tuple[str, ...]:
    plain = "".join(letter if letter.isalnum() else " " for letter in name.casefold())
    words = [word for word in plain.split() if word not in _LEGAL_FORMS]
    return tuple(words or plain.split())
