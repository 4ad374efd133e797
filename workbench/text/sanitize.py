"""Making hostile text harmless before it reaches a terminal.

What machines, files and networks say may hold control sequences that retitle a terminal, move its cursor,
write its clipboard or reverse the reading order. Everything that is shown goes through here first.
"""

from __future__ import annotations

import re

ELLIPSIS = "…"
RESET = "\x1b[0m"
TAB = 8

# Patterns stay texts: most lines need none of them, and compiling them costs every command a millisecond.
_PAYLOAD = "[^\\x00-\\x1f\\x7f-\\x9f]*"
_SEQUENCE = (
    # strings that run to a terminator: OSC, DCS, SOS, PM, APC; unterminated, only the introducer goes
    f"(?:\\x1b[\\]PX^_]|[\\x9d\\x90\\x98\\x9e\\x9f]){_PAYLOAD}(?:\\x07|\\x1b\\\\|\\x9c)"
    "|\\x1b[\\]PX^_]"
    # CSI, complete or cut off
    "|(?:\\x1b\\[|\\x9b)[0-?]*[ -/]*[@-~]?"
    # every other escape
    "|\\x1b[ -/]*[0-~]?"
)
SGR = r"\x1b\[[0-9;:]{0,48}m"
_FORBIDDEN = (
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f"
    "\\u061c\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb"
    "\\U000e0000-\\U000e007f]"
)
_OPEN = f"\\x1b(?:[\\]PX^_]{_PAYLOAD}\\x1b?|\\[[0-?]*[ -/]*|[ -/]*)\\Z"
_LINE_ENDS = "\\r\\n?|[\\u2028\\u2029]"
_SURROGATES = "[\\ud800-\\udfff]"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(0, limit - 1)] + ELLIPSIS[: max(0, limit)]


def _strip(text: str) -> str:
    """text without control sequences and characters; newlines and tabs stay."""
    if text.isprintable():  # neither control, format nor surrogate characters
        return text
    text = re.sub(_LINE_ENDS, "\n", re.sub(_SEQUENCE, "", text))
    return re.sub(_SURROGATES, "�", re.sub(_FORBIDDEN, "", text))


def clean(text: str, limit: int = 8000) -> str:
    """text as it may be shown: no control sequences, no control characters but newline and tab, no overrides.

    Carriage returns become newlines, lone surrogates U+FFFD. At most limit characters; a cut text ends in
    an ellipsis.
    """
    shortened = text[: limit * 4 + 64]
    cleaned = _strip(shortened)
    if len(shortened) < len(text) and len(cleaned) <= limit:
        cleaned += ELLIPSIS
    return _cut(cleaned, limit)


def clean_name(text: str, limit: int = 200) -> str:
    """text on one line: cleaned, every run of white space one space, trimmed."""
    return _cut(" ".join(clean(text, max(limit * 4, 64)).split()), limit)


def plain(text: str, column: int = 0) -> str:
    """All of text on one line, cleaned, its tabs widened as if it started at column."""
    text = _strip(text).replace("\n", " ")
    if "\t" not in text:
        return text
    parts = text.split("\t")
    out = ""
    for part in parts[:-1]:
        out += part
        out += " " * (TAB - (column + len(out)) % TAB)
    return out + parts[-1]


class TerminalStream:
    """Bytes of a log in pieces, made fit for a terminal: SGR colours, newlines, tabs and returns stay.

    Sequences and UTF-8 characters may be split between pieces; what is incomplete waits for the rest, but
    never more than HELD characters.
    """

    HELD = 4096

    def __init__(self) -> None:
        self._bytes = b""
        self._text = ""
        self.coloured = False
        """Whether any colour went out, so that the terminal wants a reset at the end."""

    def feed(self, data: bytes) -> str:
        """What can be shown now that data came."""
        data = self._bytes + data
        keep = _incomplete_utf8(data)
        self._bytes = data[len(data) - keep :] if keep else b""
        text = self._text + data[: len(data) - keep].decode("utf-8", "replace")
        unfinished = re.search(_OPEN, text[-self.HELD :])
        self._text = unfinished.group() if unfinished else ""
        text = text[: len(text) - len(self._text)]
        return self._show(text)

    def close(self) -> str:
        """What is left, and a reset when colours were shown."""
        rest = self._show(self._text + self._bytes.decode("utf-8", "replace"))
        self._text, self._bytes = "", b""
        return rest + (RESET if self.coloured else "")

    def _show(self, text: str) -> str:
        pieces = []
        end = 0
        for match in re.finditer(SGR, text):
            pieces += [_strip_but_returns(text[end : match.start()]), match.group()]
            end = match.end()
            self.coloured = True
        pieces.append(_strip_but_returns(text[end:]))
        return "".join(pieces)


def _strip_but_returns(text: str) -> str:
    """text stripped, its carriage returns kept."""
    return "\r".join(_strip(part) for part in text.split("\r"))


def _incomplete_utf8(data: bytes) -> int:
    """How many bytes at the end of data start a character that is not complete."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte < 0x80:
            return 0
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if back < length else 0
    return 0
