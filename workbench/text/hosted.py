"""Names of the cloud in job files, and how they are looked up in the workspace's three maps. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

ENVIRONMENT, COMPUTE, DATA = KINDS = ("environment", "compute", "data")
"""The maps: environments, compute targets, places of data."""
PREFIX = "azureml:"
REGISTRIES = "azureml://"
_ASSET = re.compile(
    r"azureml://.*?/?(?:environments|computes)/(?P<name>[^/]+)(?:/(?:versions|labels)/[^/]+)?/?$"
)


def is_hosted(text: str) -> bool:
    """Whether a text is a name of the cloud by its form."""
    return text.startswith(PREFIX)


def keys(text: str) -> list[str]:
    """What a map is asked for, the most exact first: as it is written, without version, the name alone."""
    text = text.strip()
    found = [text]
    if text.startswith(REGISTRIES):
        match = _ASSET.match(text)
        if match is not None:
            found += [text[: match.end("name")], match["name"]]
    else:
        name = re.split(r"[:@]", text.removeprefix(PREFIX), maxsplit=1)[0]
        found += [PREFIX + name, name]
    return list(dict.fromkeys(key for key in found if key))


def name(text: str) -> str:
    """The name alone: sklearn-1.5 of azureml://registries/azureml/environments/sklearn-1.5/labels/latest."""
    return keys(text)[-1]


def place_of(address: str, places: Mapping[str, str]) -> str | None:
    """Where the bytes of an address are, by the longest beginning of it that has a place; None without one.

    A beginning ends at a "/", and what follows it is appended: https://a/b -> gpu1:/data leads
    https://a/b/c.csv to gpu1:/data/c.csv.
    """
    for beginning in sorted(places, key=len, reverse=True):
        rest = address.removeprefix(beginning)
        if address == beginning:
            return places[beginning]
        if rest != address and (beginning.endswith("/") or rest.startswith("/")):
            rest = rest.lstrip("/")
            if any(part in ("..", ".") for part in rest.split("/")):
                continue
            return places[beginning].rstrip("/") + "/" + rest
    return None
