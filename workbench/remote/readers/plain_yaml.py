"""The little YAML that trackers write their params in: nested mappings of plain or quoted scalars. Pure."""

import re
from typing import Dict, List, Match, Optional, Tuple

from workbench.remote.readers.entries import DEEPEST, MOST_NAMES

_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""")
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_SINGLE = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


def mapping(text: str) -> Dict[str, str]:
    """The scalars of a document by their names joined by dots, as text; null is empty.

    Lists, and whatever else this is not made for, are the text they are written as, or left out.
    """
    found: Dict[str, str] = {}
    stack: List[Tuple[int, str]] = []
    for line in text.splitlines():
        pair = _pair(line.strip())
        if pair is None or len(found) >= MOST_NAMES:
            continue
        indent = len(line) - len(line.lstrip(" "))
        while stack and stack[-1][0] >= indent:
            stack.pop()
        name = "%s.%s" % (stack[-1][1], pair[0]) if stack else pair[0]
        if pair[1]:
            found[name] = scalar(pair[1])
        elif len(stack) < DEEPEST:
            stack.append((indent, name))
    return found


def scalar(text: str) -> str:
    """A scalar without its quotes or the comment after it."""
    quoted = _QUOTED.match(text)
    if quoted is not None:
        inner = quoted.group()[1:-1]
        return inner.replace("''", "'") if text[0] == "'" else _ESCAPE.sub(_escaped, inner)
    text = text.split(" #", 1)[0].strip()
    return "" if text in ("null", "~", "{}") else text


def _pair(line: str) -> Optional[Tuple[str, str]]:
    """Key and value of a line; None where it has no key, or is an item of a list."""
    if not line or line.startswith(("#", "- ", "---")):
        return None
    quoted = _QUOTED.match(line)
    if quoted is not None:
        key, rest = scalar(quoted.group()), line[quoted.end() :].lstrip()
        return (key, rest[1:].strip()) if rest.startswith(":") else None
    key, colon, rest = line.partition(": ")
    if not colon:
        if not line.endswith(":"):
            return None
        key = line[:-1]
    return (key.strip(), rest.strip()) if key.strip() else None


def _escaped(match: "Match[str]") -> str:
    word = match.group(1)
    if len(word) > 1:
        code = int(word[1:], 16)
        return chr(code) if code < 0x110000 else "\ufffd"
    return _SINGLE.get(word, word)
