"""A real program in a real terminal becomes a picture with its text and colours."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.conftest import require
from tests.terminal.picture import screen_to_svg, svg_to_png
from tests.terminal.screen import BACKGROUND, PALETTE, Style, read_screen
from tests.terminal.terminal import Terminal

DOCS = Path(__file__).parents[2] / "docs"
SVG = "{http://www.w3.org/2000/svg}"
PROGRAM = r"""
import sys
print("\x1b[31mfailed\x1b[0m and \x1b[1;38;2;1;2;3mexact\x1b[0m & <plain>")
print("\x1b[44mback", end="\n", flush=True)
print("ground\x1b[0m ─┼─ ⣀⡠⠔ ●", flush=True)
for line in sys.stdin:
    print("heard", line.strip().upper(), flush=True)
"""


@pytest.fixture
def terminal(tmp_path: Path):
    require("tmux")
    with Terminal(tmp_path, [sys.executable, "-u", "-c", PROGRAM], columns=60, rows=12) as terminal:
        yield terminal


def texts(svg: str) -> dict[str, str]:
    return {
        "".join(node.itertext()): node.get("fill", "")
        for node in ElementTree.fromstring(svg).iter(f"{SVG}text")
    }


def test_a_program_on_a_screen_becomes_a_picture(terminal: Terminal, tmp_path: Path) -> None:
    terminal.wait_for("ground")
    terminal.type("a 'quoted' $word; #x")
    terminal.keys("Enter")
    terminal.wait_for("heard A 'QUOTED' \\$WORD; #X")
    svg = screen_to_svg(terminal.capture(), 60, 12, "a <title>")
    drawn = texts(svg)
    assert drawn["failed"] == PALETTE[1]
    assert drawn["exact"] == "#010203"
    assert "and" in drawn
    assert "& <plain>" in drawn
    assert "a <title>" in drawn
    assert {"─┼─", "⣀", "⡠", "⠔", "●"} <= set(drawn)
    papers = [node.get("fill") for node in ElementTree.fromstring(svg).iter(f"{SVG}rect")]
    assert papers.count(PALETTE[4]) == 2, "the background runs over the end of the line"
    assert papers[0] == BACKGROUND
    if not terminal.ended:
        terminal.keys("C-d")
    (tmp_path / "a.svg").write_text(svg)
    require("rsvg-convert")
    svg_to_png(tmp_path / "a.svg", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_terminal_leaves_nothing_behind(tmp_path: Path) -> None:
    require("tmux")
    with Terminal(tmp_path, ["sh", "-c", "echo pid $$ end; exec sleep 1000"]) as terminal:
        found = re.search(r"pid (\d+) end", terminal.wait_for(r"pid \d+ end"))
        assert found
        assert Path(f"/proc/{found.group(1)}").exists()
        with pytest.raises(AssertionError, match="pid"):
            terminal.wait_for("never", seconds=0.2)
        terminal.resize(100, 30)
        assert len(terminal.capture().splitlines()) == 30
    assert not Path(f"/proc/{found.group(1)}/exe").exists()


def test_one_decoder_reads_the_whole_capture() -> None:
    grid = read_screen(
        "\x1b[7ma\nb\x1b[27mc\x1b[2;4md\x1b[0m\x1b[48;5;196m漢e\u0301\x1b]8;;http://x\x07f\x0eq\x0f", 8, 2
    )
    assert [row[0].style.reverse for row in grid] == [True, True]
    assert grid[1][1].style == Style()
    assert grid[1][2].style == Style(dim=True, underline=True)
    assert [cell.text for cell in grid[1]] == ["b", "c", "d", "漢", "", "e\u0301", "f", "─"]
    assert grid[1][3].style.paper == grid[1][4].style.paper == "#ff0000"
    assert len(read_screen("x" * 100 + "\n" * 50, 8, 2)) == 2


def test_a_session_is_recorded_by_the_script(tmp_path: Path) -> None:
    require("tmux")
    commands = ["printf '\\033[35mhello\\033[0m %s\\n' world", "seq 1 60 | tail -45"]
    done = subprocess.run(
        [
            sys.executable,
            str(DOCS / "make_session.py"),
            "shown",
            *commands,
            "--output",
            str(tmp_path),
            "--title",
            "two",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert done.stdout.strip() == str(tmp_path / "shown.svg")
    drawn = texts((tmp_path / "shown.svg").read_text())
    assert drawn["hello"] == PALETTE[5]
    assert {"$", "world", "two", "16", "60", "seq 1 60 | tail -45"} <= set(drawn)
