"""One glob of an ignore file as a regular expression over bytes, with git's own reading of every corner.

Git matches byte by byte; "*" and "?" stop at "/", "**" between slashes spans directories, a class never
holds "/", and a broken class or a trailing backslash matches nothing at all.
"""

from __future__ import annotations

import re

_SPECIAL = b"*?[\\"
_CLASSES = {
    b"alnum": rb"0-9A-Za-z",
    b"alpha": rb"A-Za-z",
    b"blank": rb" \t",
    b"cntrl": rb"\x00-\x1f\x7f",
    b"digit": rb"0-9",
    b"graph": rb"\x21-\x7e",
    b"lower": rb"a-z",
    b"print": rb"\x20-\x7e",
    b"punct": rb"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    b"space": rb"\t-\r ",
    b"upper": rb"A-Z",
    b"xdigit": rb"0-9A-Fa-f",
}


class _Broken(ValueError):
    """A glob that can match nothing."""


def literal_length(glob: bytes) -> int:
    """How many bytes stand before the first special character."""
    for position, byte in enumerate(glob):
        if byte in _SPECIAL:
            return position
    return len(glob)


def compile_glob(glob: bytes, *, names_only: bool, ignore_case: bool = False) -> re.Pattern[bytes] | None:
    """The expression that fully matches what glob matches; None when it can match nothing.

    names_only: it is compared with single names, where "**" is "*". Otherwise with paths, after the text
    before its first special character was compared literally, as git does: so "a**/b" matches "ab".
    """
    prefix = 0 if names_only else literal_length(glob)
    try:
        rest = _translate(glob[prefix:], names_only)
    except _Broken:
        return None
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.compile(re.escape(glob[:prefix]) + rest, flags)


def _translate(glob: bytes, names_only: bool) -> bytes:
    out: list[bytes] = []
    star = -1  # where in `out` the single star still open for its text stands
    position = 0
    while position < len(glob):
        byte = glob[position : position + 1]
        if byte == b"*":
            end = position
            while glob[end : end + 1] == b"*":
                end += 1
            spans = not names_only and _spans(glob, position, end)
            if spans and glob[end : end + 1] == b"/":
                out.append(rb"(?:[^/]*/)*?")
                end += 1
                star = -1
            elif spans:
                out.append(rb".*")
                star = -1
            else:
                # A later star of the same name takes whatever this one leaves, so the first place where
                # the text between the two fits is as good as any: no backtracking into it.
                if star >= 0:
                    out[star:] = [b"(?>", b"[^/]*?", *out[star + 1 :], b")"]
                star = len(out)
                out.append(b"[^/]*")
            position = end
            continue
        piece, position = _single(glob, position)
        if piece == b"/":
            star = -1
        out.append(piece)
    return b"".join(out)


def _spans(glob: bytes, start: int, end: int) -> bool:
    # "**" is more than "*" only as a whole name of the path. Exactly two or more stars alike.
    if end - start < 2 or (start > 0 and glob[start - 1 : start] != b"/"):
        return False
    return glob[end : end + 1] in (b"", b"/") or glob[end : end + 2] == b"\\/"


def _single(glob: bytes, position: int) -> tuple[bytes, int]:
    byte = glob[position : position + 1]
    if byte == b"?":
        return b"[^/]", position + 1
    if byte == b"[":
        return _class(glob, position + 1)
    if byte == b"\\":
        if position + 1 == len(glob):
            raise _Broken
        position += 1
        byte = glob[position : position + 1]
    return re.escape(byte), position + 1


def _class(glob: bytes, position: int) -> tuple[bytes, int]:
    negated = glob[position : position + 1] in (b"!", b"^")
    position += negated
    parts: list[bytes] = []
    previous = -1  # the byte a "-" would start its range from
    first = True
    while first or glob[position : position + 1] != b"]":
        first = False
        byte = glob[position : position + 1]
        if not byte:
            raise _Broken
        following = glob[position + 1 : position + 2]
        if byte == b"-" and previous >= 0 and following not in (b"", b"]"):
            end, position = _bracket_byte(glob, position + 1)
            if previous <= end:
                parts.append(_escaped(previous) + b"-" + _escaped(end))
            previous = -1
        elif byte == b"[" and following == b":":
            close = glob.find(b"]", position + 2)
            if close < 0:
                raise _Broken
            if close == position + 2 or glob[close - 1 : close] != b":":
                parts.append(_escaped(ord("[")))
                previous = ord("[")
                position += 1
                continue
            name = glob[position + 2 : close - 1]
            if name not in _CLASSES:
                raise _Broken
            parts.append(_CLASSES[name])
            previous = -1
            position = close + 1
        else:
            previous, position = _bracket_byte(glob, position)
            parts.append(_escaped(previous))
    position += 1
    if negated:
        return b"[^/" + b"".join(parts) + b"]", position
    if not parts:
        raise _Broken
    return b"(?!/)[" + b"".join(parts) + b"]", position


def _bracket_byte(glob: bytes, position: int) -> tuple[int, int]:
    if glob[position : position + 1] == b"\\":
        position += 1
    if position >= len(glob):
        raise _Broken
    return glob[position], position + 1


def _escaped(byte: int) -> bytes:
    return b"\\x%02x" % byte
