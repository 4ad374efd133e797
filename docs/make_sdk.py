"""Writes workbench/sdk/ from workbench/aio/: the same classes without their waits; `--check` only compares.

What is awaited there is done here; `session.py` is each face's own. Names and words are exchanged token by
token, so strings and comments stay as they are.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE, TARGET = ROOT / "workbench" / "aio", ROOT / "workbench" / "sdk"
OWN = ("__init__.py", "session.py")
MARK = "# Written by docs/make_sdk.py from workbench/aio/{name}: change it there.\n"
NAMES = {
    "aclosing": "closing",
    "aio": "sdk",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "fetched": "property",
}
DROPPED = ("async", "await")


def blocking(text: str) -> str:
    """A module's text with every wait taken out."""
    pieces: list[str] = []
    last = (1, 0)
    swallow = False
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.ENDMARKER:
            break
        gap = _between(text, last, token.start)
        last = token.end
        if token.type == tokenize.NAME and token.string in DROPPED:
            pieces.append(gap)
            swallow = True
            continue
        pieces.append("" if swallow and gap == " " else gap)
        swallow = False
        pieces.append(NAMES.get(token.string, token.string) if token.type == tokenize.NAME else token.string)
    return "".join(pieces).replace("import Session, property", "import Session").replace(", property\n", "\n")


def _between(text: str, start: tuple[int, int], stop: tuple[int, int]) -> str:
    lines = text.splitlines(keepends=True)
    if start[0] == stop[0]:
        return lines[start[0] - 1][start[1] : stop[1]] if start[0] <= len(lines) else ""
    parts = [lines[start[0] - 1][start[1] :], *lines[start[0] : stop[0] - 1]]
    if stop[0] <= len(lines):
        parts.append(lines[stop[0] - 1][: stop[1]])
    return "".join(parts)


def pages() -> dict[str, str]:
    """Every written module by its name, in the project's form."""
    found = {}
    for path in sorted(SOURCE.glob("*.py")):
        if path.name not in OWN:
            text = MARK.format(name=path.name) + blocking(path.read_text("utf-8"))
            found[path.name] = _formatted(text, path.name)
    return found


def _formatted(text: str, name: str) -> str:
    """As ruff writes it: imports in order, lines joined where they fit now."""
    for words in (["check", "--select", "I,F401", "--fix", "--quiet"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *words, "--stdin-filename", str(TARGET / name), "-"]
        text = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
    return text


def main() -> int:
    """Write them, or say whether they are current."""
    wanted = pages()
    present = {path.name: path.read_text("utf-8") for path in TARGET.glob("*.py") if path.name not in OWN}
    if "--check" in sys.argv:
        return int(wanted != present)
    for name in present.keys() - wanted.keys():
        (TARGET / name).unlink()
    for name, text in wanted.items():
        (TARGET / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
