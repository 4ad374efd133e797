"""What `~` takes: the regular expressions that SQLite's GLOB can find by itself, as GLOB patterns.

A backtracking matcher may take for ever over a hostile pattern, and this one would run once a run. So only
what becomes a GLOB is taken: text, `.`, `.*`, `.+`, `[a-z]`, `[^a-z]`, \\d, \\w, \\s, `^`, `$`, and `|`
between whole alternatives. `+` and `*` behind anything else are taken where they change nothing: at either
end.
"""

from __future__ import annotations

import re

from workbench.text.filter_problem import FilterProblem

MOST = 200
"""Characters of a pattern."""
_CLASSES = {"d": "0-9", "w": "0-9A-Za-z_", "s": " \t\n\r\f\v"}
_SPECIAL = frozenset("*?[")
_HINT = "there are . .* .+ [abc] \\d \\w ^ $ and |; a backslash takes a sign as it is"


def globs(pattern: str, at: int = 0) -> list[str]:
    """The GLOB patterns of which one has to fit. Raises FilterProblem; at is where the pattern begins.

    They are for text whose ASCII letters are lower case, unless `case_matters`.
    """
    if len(pattern) > MOST:
        raise FilterProblem(f"a pattern has at most {MOST} characters", at, at + len(pattern))
    if not pattern:
        raise FilterProblem("there is nothing to match", at, at + 1, unfinished=True)
    known = pattern if case_matters(pattern) else _lower(pattern)
    found, start = [], 0
    for alternative in _alternatives(known):
        found.append(_glob(known, start, start + len(alternative), at))
        start += len(alternative) + 1
    return found


def case_matters(pattern: str) -> bool:
    """Capitals in a pattern, other than behind a backslash, make it tell them apart."""
    letters = re.sub(r"\\.", "", pattern)
    return letters != _lower(letters)


def _lower(text: str) -> str:
    """As SQLite's lower(): ASCII letters alone; what stands behind a backslash stays."""
    return re.sub(r"\\.|[A-Z]", lambda found: found[0] if found[0][0] == "\\" else found[0].lower(), text)


def _alternatives(pattern: str) -> list[str]:
    """The parts between bars that stand in no class and behind no backslash."""
    parts, start, at, inside = [], 0, 0, False
    while at < len(pattern):
        character = pattern[at]
        if character == "\\":
            at += 1
        elif character == "[":
            inside = True
        elif character == "]":
            inside = False
        elif character == "|" and not inside:
            parts.append(pattern[start:at])
            start = at + 1
        at += 1
    return [*parts, pattern[start:]]


def _glob(pattern: str, start: int, stop: int, offset: int) -> str:
    """One alternative, from start to stop in pattern, as a GLOB of a whole text."""
    at, pieces = start, [""]
    if pattern[at:stop][:1] == "^":
        at += 1
    else:
        pieces.append("*")
    began = at
    while at < stop:
        if pattern[at] == "$" and at + 1 == stop:
            return "".join(pieces)
        atom, after = _atom(pattern, at, stop, offset)
        repeat = pattern[after : after + 1] if after < stop else ""
        if repeat and repeat in "*+?{":
            free = (at == began and pieces[-1] == "*") or after + 1 == stop
            if repeat in "?{" or (atom != "?" and not free):
                raise FilterProblem(
                    f"{repeat} repeats only . and what stands at either end",
                    offset + after,
                    offset + after + 1,
                    _HINT,
                )
            after += 1
            pieces += [atom] if repeat == "+" else []
            pieces.append("*" if atom == "?" else "")
        else:
            pieces.append(atom)
        at = after
    return "".join([*pieces, "*"])


def _atom(pattern: str, at: int, stop: int, offset: int) -> tuple[str, int]:
    """One character or class as a GLOB, and what comes after it."""
    character = pattern[at]
    if character == ".":
        return "?", at + 1
    if character == "[":
        return _class(pattern, at, stop, offset)
    if character == "\\":
        if at + 1 >= stop:
            raise FilterProblem("nothing stands behind the backslash", offset + at, offset + at + 1, _HINT)
        named = pattern[at + 1]
        if named in _CLASSES:
            return f"[{_CLASSES[named]}]", at + 2
        if named.isalnum():
            raise FilterProblem(f"\\{named} is not taken", offset + at, offset + at + 2, _HINT)
        return _literal(named), at + 2
    if character in "()*+?{}^$":
        raise FilterProblem(f"{character} is not taken here", offset + at, offset + at + 1, _HINT)
    return _literal(character), at + 1


def _literal(character: str) -> str:
    return f"[{character}]" if character in _SPECIAL else character


def _class(pattern: str, at: int, stop: int, offset: int) -> tuple[str, int]:
    """[...] as a GLOB has it: ] first, - last, no backslashes."""
    start, inside = at, at + 1
    negated = pattern[inside : inside + 1] == "^"
    inside += negated
    end = pattern.find("]", inside)
    if end < 0 or end >= stop or "\\" in pattern[inside:end] or "[" in pattern[inside:end]:
        raise FilterProblem(
            "[ begins a class of single signs, such as [abc] or [^0-9], which ] ends",
            offset + start,
            offset + stop,
            "nothing has a backslash in it",
        )
    if end == inside:
        raise FilterProblem("[] is a class of nothing", offset + start, offset + end + 1)
    return f"[{'^' if negated else ''}{pattern[inside:end]}]", end + 1
