"""The ${{inputs.x}} and ${{outputs.x}} of data in a command, replaced where it is known what lies where.

In an argv the words take the path as it is. In the text of a shell a path that has nothing special in it
stands as it is too; any other is written so that the shell takes it for one word, whatever quotes are around.
Pure.
"""

import re
from typing import Any, Dict, List, Tuple

EXPRESSION = re.compile(r"\$\{\{\s*(inputs|outputs)\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
PLAIN = re.compile(r"^[A-Za-z0-9_./:@%+,=-]+\Z")
BARE, SINGLE, DOUBLE = "", "'", '"'

Places = Dict[str, Dict[str, str]]  # "inputs" and "outputs": name -> path


def replaced(command: Any, places: Places) -> Any:
    """A command, argv or shell text, with the places put in. Raises KeyError for a name that has none."""
    if isinstance(command, list):
        return [
            EXPRESSION.sub(lambda match: places[match.group(1)][match.group(2)], word) for word in command
        ]
    text = str(command)
    parts: List[str] = []
    at = 0
    quotes = BARE
    for match in EXPRESSION.finditer(text):
        before = text[at : match.start()]
        quotes = quotes_after(before, quotes)
        parts += [before, quoted(places[match.group(1)][match.group(2)], quotes)]
        at = match.end()
    return "".join(parts) + text[at:]


def named(command: Any) -> List[Tuple[str, str]]:
    """("inputs" or "outputs", name) of each expression of a command."""
    words = command if isinstance(command, list) else [command]
    return [match.groups() for word in words for match in EXPRESSION.finditer(str(word))]  # type: ignore[misc]


def quoted(path: str, quotes: str) -> str:
    """A path as it has to stand inside those quotes of a shell's text."""
    if PLAIN.match(path):
        return path
    if quotes == SINGLE:
        return path.replace("'", "'\\''")
    if quotes == DOUBLE:
        return re.sub(r'([\\$"`])', r"\\\1", path)
    return "'" + path.replace("'", "'\\''") + "'"


def quotes_after(text: str, quotes: str) -> str:
    """Inside which quotes of a POSIX shell one is behind a text that began inside the given ones."""
    at = 0
    word = True  # whether a word may begin here, so that # begins a comment
    while at < len(text):
        char = text[at]
        if quotes == SINGLE:
            if char == "'":
                quotes = BARE
        elif char == "\\":
            at += 1
        elif quotes == DOUBLE:
            if char == '"':
                quotes = BARE
        elif char in "'\"":
            quotes = char
        elif char == "#" and word:
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            word = True
            continue
        word = quotes == BARE and char in " \t\n;|&("
        at += 1
    return quotes
