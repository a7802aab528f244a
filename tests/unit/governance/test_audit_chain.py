"""An export of the audit log proves itself to whoever holds an anchor."""

import random
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from tieout.governance.audit_chain import (
    GENESIS,
    Anchor,
    AuditEntry,
    BreakKind,
    ChainLink,
    content_of,
    hash_of,
    verify,
)

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
TAMPERINGS = 10_000


def chained(contents: list[str], *, first: int = 1, previous: bytes = GENESIS) -> list[ChainLink]:
    links = []
    for seq, content in enumerate(contents, first):
        previous = hash_of(seq=seq, previous=previous, content=content)
        links.append(ChainLink(seq=seq, content=content, hash=previous.hex()))
    return links


def chain(count: int) -> list[ChainLink]:
    return chained(
        [
            content_of(
                AuditEntry(principal="ada", action="item.assigned", object_kind="desk_item", object_id=str(number)),
                recorded_at=NOW,
            )
            for number in range(count)
        ]
    )


def anchor_of(link: ChainLink) -> Anchor:
    return Anchor(seq=link.seq, hash=link.hash, anchored_at=NOW)


def test_a_whole_chain_holds_and_says_up_to_where_an_anchor_proves_it() -> None:
    links = chain(5)
    verdict = verify(links, [anchor_of(links[1]), anchor_of(links[3])])
    assert verdict.breaks == ()
    assert (verdict.entry_count, verdict.head_seq, verdict.head_hash, verdict.anchored_seq) == (5, 5, links[4].hash, 4)


def test_an_empty_chain_holds_unless_it_was_anchored() -> None:
    assert verify([], []).breaks == ()
    assert [one.kind for one in verify([], [anchor_of(chain(3)[2])]).breaks] == [BreakKind.CUT_OFF]


def test_without_an_anchor_a_chain_hashed_anew_passes_and_says_that_nothing_is_proven() -> None:
    links = chain(5)
    forged = chained(["{}", *[one.content for one in links[1:]]])
    verdict = verify(forged, [])
    assert (verdict.breaks, verdict.anchored_seq) == ((), 0)
    assert [one.kind for one in verify(forged, [anchor_of(links[4])]).breaks] == [BreakKind.REWRITTEN]


def edited(links: list[ChainLink], rng: random.Random) -> list[ChainLink]:
    at = rng.randrange(len(links))
    text = links[at].content
    place = rng.randrange(len(text))
    other = chr((ord(text[place]) + rng.randrange(1, 90)) % 127)
    return [
        *links[:at],
        msgspec.structs.replace(links[at], content=text[:place] + other + text[place + 1 :]),
        *links[at + 1 :],
    ]


def deleted(links: list[ChainLink], rng: random.Random) -> list[ChainLink]:
    at = rng.randrange(len(links))
    return links[:at] + links[at + 1 :]


def swapped(links: list[ChainLink], rng: random.Random) -> list[ChainLink]:
    one, other = rng.sample(range(len(links)), 2)
    moved = list(links)
    moved[one], moved[other] = moved[other], moved[one]
    return moved


def swapped_texts(links: list[ChainLink], rng: random.Random) -> list[ChainLink]:
    one, other = rng.sample(range(len(links)), 2)
    moved = list(links)
    moved[one] = msgspec.structs.replace(links[one], content=links[other].content)
    moved[other] = msgspec.structs.replace(links[other], content=links[one].content)
    return moved


def truncated(links: list[ChainLink], rng: random.Random) -> list[ChainLink]:
    return links[: rng.randrange(len(links))]


def hashed_anew(links: list[ChainLink], rng: random.Random) -> list[ChainLink]:
    at = rng.randrange(len(links))
    texts = [one.content for one in links[at:]]
    texts[0] = texts[0].replace("ada", "eve")
    previous = bytes.fromhex(links[at - 1].hash) if at else GENESIS
    return links[:at] + chained(texts, first=at + 1, previous=previous)


def renumbered_after_deletion(links: list[ChainLink], rng: random.Random) -> list[ChainLink]:
    return chained([one.content for one in deleted(links, rng)])


def doubled(links: list[ChainLink], rng: random.Random) -> list[ChainLink]:
    at = rng.randrange(len(links))
    return [*links[: at + 1], links[at], *links[at + 1 :]]


def slipped_in(links: list[ChainLink], rng: random.Random) -> list[ChainLink]:
    at = rng.randrange(len(links))
    texts = [one.content for one in links]
    return chained([*texts[:at], texts[0].replace("ada", "eve"), *texts[at:]])


def with_another_hash(links: list[ChainLink], rng: random.Random) -> list[ChainLink]:
    at = rng.randrange(len(links))
    forged = msgspec.structs.replace(links[at], hash=rng.randbytes(32).hex())
    return [*links[:at], forged, *links[at + 1 :]]


TAMPERING: list[Callable[[list[ChainLink], random.Random], list[ChainLink]]] = [
    edited,
    deleted,
    swapped,
    swapped_texts,
    truncated,
    hashed_anew,
    renumbered_after_deletion,
    doubled,
    slipped_in,
    with_another_hash,
]


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda one: one.__name__)
def test_with_the_anchor_every_tampering_is_found(tamper: Callable[..., list[ChainLink]]) -> None:
    rng = random.Random(tamper.__name__)
    for _ in range(TAMPERINGS // len(TAMPERING)):
        links = chain(rng.randrange(2, 12))
        forged = tamper(links, rng)
        assert forged != links
        assert verify(forged, [anchor_of(links[-1])]).breaks, forged
