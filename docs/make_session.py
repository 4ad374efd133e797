"""Record commands in a real terminal and keep the picture: docs/images/NAME.svg.

    python docs/make_session.py NAME [--columns 100] [--title TEXT] [--directory DIR] -- 'wb ps' 'wb logs @1'

Each command is typed into a shell with the caller's environment; further lines of it answer its questions
(those that end in "[y/N]"). The picture ends before the last prompt. Needs tmux.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.terminal.picture import screen_to_svg  # noqa: E402 - the path is set just above
from tests.terminal.terminal import Terminal  # noqa: E402

IMAGES = ROOT / "docs" / "images"
PROMPT = "$"


def record(commands: list[str], columns: int, rows: int, directory: Path, seconds: float = 600) -> str:
    """The screen, with colours and what scrolled off, after typing commands one after the other."""
    environment = {name: value for name, value in os.environ.items() if name not in ("TERM", "TMUX")}
    with tempfile.TemporaryDirectory() as folder:
        # The shell counts its prompts in a file: the screen alone cannot tell an old prompt from a new one.
        count = Path(folder) / "prompts"
        environment |= {
            "PS1": "\\[\\e[1;32m\\]$\\[\\e[0m\\] ",
            "HISTFILE": "",
            "PROMPT_COMMAND": f"echo >> {shlex.quote(str(count))}",
        }
        shell = ["bash", "--norc", "--noprofile", "-i"]
        with Terminal(Path(folder), shell, columns, rows, environment, directory) as terminal:
            for number, command in enumerate([*commands, None], 1):
                deadline = time.monotonic() + seconds
                while not count.exists() or len(count.read_bytes()) < number:
                    if time.monotonic() > deadline or terminal.ended:
                        raise SystemExit(f"the shell did not come back; the screen:\n{terminal.text()}")
                    time.sleep(0.05)
                terminal.wait_for(rf"^{re.escape(PROMPT)}\s*\Z")
                if command is not None:
                    _type(terminal, command)
            return terminal.capture(history=True)


def _type(terminal: Terminal, command: str) -> None:
    """Type a command's first line, and each further one when it asks."""
    first, *answers = command.split("\n")
    terminal.type(first)
    terminal.keys("Enter")
    for answer in answers:
        terminal.wait_for(r"\[y/N\]\s*\Z")
        terminal.type(answer)
        terminal.keys("Enter")


def without_last_prompt(capture: str) -> str:
    """The capture up to the last line that is more than a prompt."""
    lines = capture.split("\n")
    while lines and re.sub(r"\x1b\[[0-9;]*m", "", lines[-1]).strip() in ("", PROMPT):
        lines.pop()
    return "\n".join(lines)


def main() -> None:
    """Read the options, record, write the picture and print its path."""
    parser = argparse.ArgumentParser(description="record commands in a real terminal as an SVG picture")
    parser.add_argument("name")
    parser.add_argument("commands", nargs="+")
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--title", default="")
    parser.add_argument("--directory", type=Path, default=Path.cwd())
    parser.add_argument("--output", type=Path, default=IMAGES)
    options = parser.parse_args()
    capture = without_last_prompt(record(options.commands, options.columns, options.rows, options.directory))
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / f"{options.name}.svg"
    rows = capture.count("\n") + 1
    path.write_text(screen_to_svg(capture, options.columns, rows, options.title), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
