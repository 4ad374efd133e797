"""Locations: one grammar that names every place for screens, the `:` prompt, links and `wb LOCATION`.

runs/mnist/calm-otter-42?tab=metrics is a path: a noun, then names below it, then options.
`:runs @gpu1 /resnet status=failed` is the prompt's form of the same: a noun, `@` a target, `/` a search,
KEY=VALUE filters, and plain words as names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

NOUNS = (
    "runs", "compute", "models", "data", "datastores", "environments", "builds", "queue", "forwards",
    "experiments", "compare", "activity",
)  # fmt: skip
"""What has a command or a screen to show it."""
OTHER = {"activities": "activity", "datasets": "data", "dataset": "data", "env": "environments",
         "envs": "environments"}  # fmt: skip
"""What else they are called."""
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@:+")
_RUN = re.compile(r"@(?:[0-9]+|best)(?::|$)")
_ESCAPE = re.compile("(?:%[0-9A-Fa-f]{2})+")


class Location(NamedTuple):
    """A place: its noun, the names that lead into it, what is chosen there (tab, filters, target, text)."""

    noun: str
    path: tuple[str, ...] = ()
    options: Mapping[str, str] = {}


def looks_like_location(word: str) -> bool:
    """Whether a word of a command line is meant as a location: it starts with ":" or contains "/"."""
    return word.startswith(":") or "/" in word


def parse(text: str) -> Location:
    """The place that text names, in either form.

    Raises ValueError with a sentence for an empty text or an unknown noun.
    """
    text = text.strip()
    if text.startswith(":"):
        return _prompt(text[1:])
    path, _, query = text.partition("?")
    parts = [_unquote(part) for part in path.split("/") if part]
    if not parts:
        raise ValueError("the location is empty; write one like runs/mnist")
    options = {}
    for item in query.split("&"):
        key, _, value = item.partition("=")
        if key:
            options[_unquote(key)] = _unquote(value)
    return Location(_noun(parts[0]), tuple(parts[1:]), options)


def format(location: Location) -> str:
    """The path form of a location; `parse` gives it back unchanged."""
    path = "/".join([location.noun, *(_quote(part) for part in location.path)])
    query = "&".join(f"{_quote(key)}={_quote(value)}" for key, value in location.options.items())
    return f"{path}?{query}" if query else path


def _prompt(text: str) -> Location:
    words = text.split()
    if not words:
        raise ValueError("the location is empty; write one like :runs")
    noun, *rest = words[0].split("/")
    path, options = [part for part in rest if part], {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if word.startswith("@") and len(word) > 1 and not _RUN.match(word):
            options["target"] = word[1:]
        elif word.startswith("/"):
            options["text"] = word[1:]
        elif equals and key.isidentifier():
            options[key] = value
        else:
            path.append(word)
    return Location(_noun(noun), tuple(path), options)


def _noun(word: str) -> str:
    if word in NOUNS:
        return word
    for noun in NOUNS:
        if noun == word + "s" or noun == OTHER.get(word):
            return noun
    raise ValueError(f"there is no place called {word!r}; places start with {', '.join(NOUNS)}")


def _quote(text: str) -> str:
    return "".join(
        character
        if character in _SAFE
        else "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogateescape"))
        for character in text
    )


def _unquote(text: str) -> str:
    return _ESCAPE.sub(
        lambda match: bytes.fromhex(match.group().replace("%", "")).decode("utf-8", "replace"), text
    )
