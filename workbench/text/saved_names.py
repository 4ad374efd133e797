"""How what is saved under a name may be called: views of the list, comparisons."""

from __future__ import annotations

import re

RULE = "letters, digits, '_', '-', '.', at most 64"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)


def valid_saved_name(name: str) -> bool:
    """Whether a view or a comparison may be called so."""
    return _NAME.fullmatch(name) is not None
