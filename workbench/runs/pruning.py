"""What of a machine's holdings may go, by what this side knows of the runs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from workbench.entities.base import replace
from workbench.entities.holdings import HeldRun, Holdings, Item, PrunePlan
from workbench.errors import UsageError
from workbench.text import sizes
from workbench.text.numbers import counted

BEST, TAGGED, REGISTERED, ARCHIVED = "best", "tagged", "registered", "archived"
WORDS = (BEST, TAGGED, REGISTERED, ARCHIVED)
USUAL = (BEST, TAGGED, REGISTERED)


class Known(NamedTuple):
    """What the store knows of a run that decides whether it stays."""

    name: str
    experiment: str
    over: bool
    best: bool = False
    """Whether it is the best of its experiment, by the metric that is judged by."""
    tagged: bool = False
    archived: bool = False
    registered: bool = False
    """Whether a model was made of it."""
    files_there: int = 0
    """Files it kept whose bytes are only on its machine."""
    bytes_there: int = 0
    unseen: bool = False
    """Whether its files were to stay there, so that nothing is known of them here."""


class Rules(NamedTuple):
    """older: seconds since a run ended before it may go. keep: those of WORDS that stay at any age."""

    older: float
    keep: frozenset[str] = frozenset(USUAL)


def rules(older: float, keep: Sequence[str]) -> Rules:
    """Checked rules; raises UsageError for words that mean nothing."""
    for word in keep:
        if word not in WORDS:
            raise UsageError(f"{word!r} is nothing that can be kept", "one of " + ", ".join(WORDS))
    if older < 0:
        raise UsageError("an age is not negative", "--older 30d")
    return Rules(older, frozenset(keep))


def decide(target: str, held: Holdings, known: Mapping[str, Known], asked: Rules) -> PrunePlan:
    """The plan for a machine: runs by the rules, then snapshots, environments and copies of our program that
    no run needs any more, and data that none wanted for so long. The machine has the last word: see `judged`.

    A run that this side does not know stays: another workspace, or a lost laptop, may. Snapshots younger than
    the rules' age stay as well: the next submit sends less while they are there.
    """
    going: list[Item] = []
    stays: dict[str, str] = {}
    staying: list[HeldRun] = []
    for run in held.runs:
        why = reason_to_stay(run, known.get(run.id), asked)
        if why is None:
            going.append(_item(run, known[run.id]))
        else:
            stays[run.id] = why
            staying.append(run)
    snapshots = {run.snapshot for run in staying}
    environments = {run.environment for run in staying}
    for kind, found, needed in (
        ("tree", held.trees, snapshots),
        ("environment", held.environments, environments),
    ):
        going += [
            Item(kind=kind, id=one.id, bytes=one.bytes, age=one.age)
            for one in found
            if one.id not in needed and one.age >= asked.older
        ]
    going += [
        Item(kind="data", id=one.id, bytes=one.bytes, age=one.age, name=one.name)
        for one in held.data
        if one.age >= asked.older
    ]
    going += [Item(kind="payload", id=one.id, bytes=one.bytes, age=one.age) for one in held.copies]
    going.sort(key=lambda item: (item.kind != "run", -item.bytes))
    total = sum(item.bytes for item in going)
    kept = dict(Counter(stays.values()))
    return PrunePlan(target=target, remove=going, kept=kept, stays=stays, bytes=total, free=held.free)


def reason_to_stay(run: HeldRun, known: Known | None, asked: Rules) -> str | None:
    """Why a run stays, in a word or two; None when it may go."""
    if known is None:
        return "not known here"
    if not run.ours:
        return "another machine's"
    if not run.over or not known.over:
        return "not over"
    if run.age < asked.older:
        return "younger"
    facts = (
        (BEST, known.best),
        (TAGGED, known.tagged),
        (REGISTERED, known.registered),
        (ARCHIVED, known.archived),
    )
    return next((word for word, holds in facts if holds and word in asked.keep), None)


def _item(run: HeldRun, known: Known) -> Item:
    warning = None
    if known.files_there:
        files = counted(known.files_there, "file")
        warning = f"{files} ({sizes.short(known.bytes_there)}) not fetched: wb run download {known.name}"
    elif known.unseen:
        warning = f"its outputs were to stay there: wb run files {known.name}"
    return Item(
        kind="run", id=run.id, bytes=run.bytes, age=run.age, name=known.name, experiment=known.experiment,
        warning=warning,
    )  # fmt: skip


def judged(plan: PrunePlan, kept: Container[tuple[str, str]], answer: Mapping[str, int | None]) -> PrunePlan:
    """The plan with what the machine says of it: what it would keep (by kind and id) goes from the list.

    answer: how much it would free, contents that nothing would name included.
    """
    size, blobs = answer.get("bytes"), answer.get("blobs")
    return replace(
        plan,
        remove=[item for item in plan.remove if (item.kind, item.id) not in kept],
        bytes=plan.bytes if size is None else size,
        blobs=blobs,
    )
