"""Tags and properties as a script gives them, as the texts that are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def tag_texts(given: Mapping[str, object] | None) -> dict[str, str | None]:
    """Every value as a text, as MLflow keeps numbers; None stays."""
    return {str(key): None if value is None else str(value) for key, value in (given or {}).items()}


def keys_of(given: Iterable[str | Iterable[str]]) -> list[str]:
    """Keys that were given one by one or in a list, as the cloud's SDK takes them."""
    return [key for one in given for key in ([one] if isinstance(one, str) else one)]
