"""Words of a command line as values, with errors that say what was expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from workbench.errors import UsageError
from workbench.text import durations, sizes


def at_least(least: int) -> Callable[[Any], int]:
    """The type of an option that takes a whole number from least on; raises BadParameter for all else."""

    def whole(text: Any) -> int:
        try:
            number = int(text)
        except ValueError:
            raise click.BadParameter(f"{text!r} is not a whole number") from None
        if number < least:
            raise click.BadParameter(f"{number} is less than {least}")
        return number

    return whole


def duration(text: str) -> float:
    """The type of an option: the seconds that 90s, 2h or 1d12h mean. Raises BadParameter for all else."""
    try:
        return durations.parse(text)
    except ValueError as problem:
        raise click.BadParameter(str(problem)) from problem


def assignments(words: Iterable[str], what: str) -> dict[str, str]:
    """KEY=VALUE words as a mapping, in order; raises UsageError for a word without "=" or without a key."""
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(f"{word!r} is not a {what}", "write it KEY=VALUE")
        found[key] = value
    return found


def tags(words: Iterable[str]) -> dict[str, str | None]:
    """KEY=VALUE and bare KEY words as tags; a bare tag has no value (AZ-78)."""
    found: dict[str, str | None] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key:
            raise UsageError(f"{word!r} is not a tag", "write it KEY=VALUE or KEY")
        found[key] = value if equals else None
    return found


def command_words(words: Sequence[str], usage: str) -> list[str] | str:
    """What follows `--`: several words are an exact argv, one quoted word with spaces a shell line.

    Raises UsageError when nothing follows.
    """
    if not words or not any(word.strip() for word in words):
        raise UsageError("there is no command after --", usage)
    if len(words) == 1:
        return words[0]
    return list(words)


def setting(kind: str, key: str, text: str) -> Any:
    """The value of a setting from its text, by kind: int, bool, duration, size or text.

    Raises UsageError with the setting's name when it does not fit.
    """
    try:
        if kind == "int":
            return int(text)
        if kind == "bool":
            return _bool(text)
        if kind == "duration":
            return durations.parse(text)
        if kind == "size":
            return sizes.parse(text)
    except ValueError as problem:
        reason = f"{text!r} is not a whole number" if kind == "int" else str(problem)
        raise UsageError(f"{key}: {reason}") from problem
    return text


def _bool(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("true", "yes", "on", "1"):
        return True
    if lowered in ("false", "no", "off", "0"):
        return False
    raise ValueError(f"{text!r} is neither yes nor no")
