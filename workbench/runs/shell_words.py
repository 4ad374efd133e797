"""A shell script as the words of its simple commands, without running or expanding anything. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<space>(?:[ \t\r]|\\\r?\n)+)
    |(?P<comment>\#[^\n]*)
    |(?P<redirect>[0-9]*(?:<>|<<<?-?|>>|>\||<|>)(?:&[0-9]+|&-|&)?|&>>?)
    |(?P<operator>[;&|()\n]+)
    |(?P<word>(?:[^ \t\r\n'"\\;&|()<>]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)""",
    re.VERBOSE | re.DOTALL,
)
_PIECE = re.compile(r"""\\(?P<plain>.)|'(?P<single>[^']*)'|"(?P<double>(?:[^"\\]|\\.)*)\"""", re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\$`])|\\\n')


def split_commands(script: str) -> Iterator[list[str]]:
    """The simple commands of a script, each as words with their quotes removed.

    Comments and redirections are left out, variables stay as they are written; a line with a quote that
    is never closed is skipped.
    """
    words: list[str] = []
    position = 0
    skip = False  # the next word is the file of a redirection
    while position < len(script):
        token = _TOKEN.match(script, position)
        if token is None:
            words = []
            position = script.find("\n", position) + 1 or len(script)
            continue
        position = token.end()
        text = token.group()
        if token.lastgroup == "operator":
            if words:
                yield words
            words, skip = [], False
        elif token.lastgroup == "redirect":
            skip = not re.search(r"&([0-9]+|-)$", text)
        elif token.lastgroup == "word":
            if not skip:
                words.append(_PIECE.sub(_unquoted, text))
            skip = False
    if words:
        yield words


def _unquoted(piece: re.Match[str]) -> str:
    if piece.lastgroup == "plain":
        return "" if piece["plain"] == "\n" else str(piece["plain"])
    if piece.lastgroup == "single":
        return str(piece["single"])
    return _ESCAPED.sub(lambda escape: escape[1] or "", str(piece["double"]))
