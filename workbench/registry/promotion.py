"""Promoting versions: the gate's verdict and the move of an alias, both of one state of the store.

What changes takes a transaction: facts are read, judged, and the alias moved in it or not at all, so that two
who promote at once are one after the other, and the second sees what the first did.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from workbench.entities.base import to_wire
from workbench.entities.model import AliasMove, MoveAction, Verdict
from workbench.errors import Conflict, NotFound, Refused, UsageError
from workbench.registry.gate_parse import parse
from workbench.registry.gate_tree import CHAMPION, Rule
from workbench.registry.verdicts import verdict
from workbench.store.registry import model_aliases, model_versions, models
from workbench.store.sqlite.database import Transaction
from workbench.text.asset_reference import LATEST, AssetReference, checked_alias
from workbench.text.filter_problem import FilterProblem, did_you_mean

NOBODY = 0
"""What somebody saw who saw that no version has the alias."""
LONGEST_WHY = 2000


def promote(
    change: Transaction,
    reference: AssetReference,
    alias: str,
    who: str,
    *,
    seen: int | None = None,
    why: str | None = None,
    force: str | None = None,
    approver: str | None = None,
) -> AliasMove:
    """Give a version an alias if the gate lets it, or, marked, for the reason that force is.

    seen: the version that had it when somebody looked (NOBODY: none had), which it must still be.
    Raises Refused with the verdict in data, Conflict (moved meanwhile, already there), NotFound, UsageError.
    """
    _check_texts(why, force, approver)
    if force is not None and not force.strip():
        raise UsageError("forcing a gate needs a reason", "--force 'why the gate is wrong here'")
    settable(alias)
    check_new_alias(change, reference.name, alias)
    found = verdict(change.connection, reference, alias)
    _expect(change, found.name, alias, seen)
    if found.current == found.version:
        raise Conflict(f"{found.name}:{found.version} is {alias} already", f"wb model history {found.name}")
    bare = found.protected and not found.lines
    stopped = bare or not found.passed
    if stopped and force is None:
        raise _refused(found, bare)
    return model_aliases.move(
        change,
        found.name,
        alias,
        found.version,
        MoveAction.PROMOTE,
        who,
        why=force.strip() if stopped and force is not None else why,
        forced=stopped,
        approver=approver,
        verdict=found,
    )


def set_alias(
    change: Transaction,
    name: str,
    alias: str,
    reference: AssetReference | None,
    who: str,
    *,
    seen: int | None = None,
    why: str | None = None,
) -> AliasMove:
    """Give a version an alias, or with None take it away, past the gate.

    Raises Refused for a protected alias, Conflict (moved meanwhile, already so), NotFound.
    """
    settable(alias)
    if reference is not None:
        check_new_alias(change, name, alias)
    _check_texts(why)
    model = models.get(change.connection, name)
    if alias in model.protected:
        if reference is None:
            said, hint = "is not taken away", f"let go of it first: wb model set {name} --unprotect {alias}"
        else:
            said, hint = "only moves through the gate", f"wb model promote {reference} --to {alias}"
        raise Refused(f"{alias} of {name} is protected: it {said}", hint, alias=alias)
    version = None if reference is None else model_versions.get(change.connection, reference).version
    _expect(change, name, alias, seen)
    if model.aliases.get(alias) == version:
        held = "nobody has it" if version is None else f"{name}:{version} has it already"
        raise Conflict(f"{alias} stays as it is: {held}", f"wb model show {name}")
    action = MoveAction.REMOVE if version is None else MoveAction.SET
    return model_aliases.move(change, name, alias, version, action, who, why=why)


def rollback(
    change: Transaction,
    name: str,
    alias: str,
    who: str,
    *,
    seen: int | None = None,
    why: str | None = None,
    approver: str | None = None,
) -> AliasMove:
    """Take back the newest move of an alias that was not taken back yet.

    A protected one moves back without its gate, since that is what one does when something burns: it needs a
    reason, is marked as unjudged, and keeps what the gate says of whom it goes to. Raises UsageError (no
    reason), Conflict: nothing to take back, nobody had it before, or who had it was removed; NotFound.
    """
    settable(alias)
    _check_texts(why, approver)
    _expect(change, name, alias, seen)
    undone = model_aliases.to_undo(change.connection, name, alias)
    protected = alias in models.get(change.connection, name).protected
    if undone.previous is None and protected:
        raise Conflict(
            f"before {name}:{undone.version} nobody was {alias}, and it is protected",
            f"promote another: wb model promote {name}:VERSION --to {alias}",
        )
    if protected and not (why or "").strip():
        raise UsageError(
            f"{alias} of {name} is protected: taking its move back needs a reason",
            f"wb model rollback {name} --alias {alias} --why 'what went wrong'",
        )
    judged = None
    if undone.previous is not None:
        before = AssetReference(name, undone.previous)
        try:
            model_versions.get(change.connection, before)
        except NotFound as problem:
            raise Conflict(
                f"{name}:{undone.previous} was {alias} before and was removed",
                f"promote another: wb model promote {name}:VERSION --to {alias}",
            ) from problem
        judged = verdict(change.connection, before, alias) if protected else None
    return model_aliases.move(
        change,
        name,
        alias,
        undone.previous,
        MoveAction.ROLLBACK,
        who,
        undoes=undone.id,
        why=why,
        approver=approver,
        unjudged=protected,
        verdict=judged,
    )


def settable(alias: str) -> None:
    """Raise UsageError for what cannot be an alias that somebody sets."""
    checked_alias(alias)
    if alias == LATEST:
        raise UsageError(f"{LATEST} is always the newest version and cannot be moved", "choose another alias")


def check_new_alias(change: Transaction, name: str, alias: str) -> None:
    """Raise UsageError for an alias that differs from a known one by capitals alone: two of them mislead."""
    known = models.get(change.connection, name)
    taken = {LATEST, CHAMPION, *known.aliases, *known.protected}
    other = next((one for one in sorted(taken) if one != alias and one.lower() == alias.lower()), None)
    if alias not in taken and other is not None:
        raise UsageError(f"{alias} differs from {other} by capital letters alone", f"write {other}")


def check_aliases(rules: Iterable[Rule], known: Collection[str]) -> None:
    """Raise UsageError for a rule that compares with an alias nobody has that is written like a known one.

    Where nobody has the alias a comparison holds, so a slip in its name would let everything through.
    """
    taken = dict.fromkeys([CHAMPION, *known])
    for rule in rules:
        for alias in rule.aliases:
            hint = did_you_mean(alias, taken) if alias not in taken else ""
            if hint:
                raise UsageError(f"nobody has the alias {alias}: {rule.text[:200]}", hint, rule=rule.text)


def checked_rules(texts: list[str]) -> list[Rule]:
    """The rules of a gate; raises UsageError that points at the first that cannot be read.

    data: rule, start and stop (characters of it), message.
    """
    rules = []
    for text in texts:
        try:
            rules.append(parse(text))
        except FilterProblem as problem:
            raise UsageError(
                f"column {problem.start + 1}: {problem.message}: {text.strip()[:200]}",
                problem.hint or "docs/models.md has the language of rules",
                rule=text,
                start=problem.start,
                stop=problem.stop,
                problem=problem.said,
            ) from problem
    return rules


def _expect(change: Transaction, name: str, alias: str, seen: int | None) -> None:
    if seen is not None:
        model_aliases.expect(change, name, alias, None if seen == NOBODY else seen)


def _refused(found: Verdict, bare: bool) -> Refused:
    named = f"{found.name}:{found.version}"
    failed = [line for line in found.lines if not line.passed]
    if bare:
        said = f"{found.alias} of {found.name} is protected and there is no gate to go through"
        hint = f"wb model set {found.name} --gate 'METRIC >= champion.METRIC'"
    else:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        said = f"the gate keeps {named} from being {found.alias}: {failed[0].said}{more}"
        hint = "--force 'REASON' promotes it all the same, and is marked"
    return Refused(said, hint, verdict=to_wire(found))


def _check_texts(*texts: str | None) -> None:
    if any(len(text or "") > LONGEST_WHY for text in texts):
        raise UsageError(f"a reason has at most {LONGEST_WHY} characters")
