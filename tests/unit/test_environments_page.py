"""docs/environments.md is true: its commands are given in order, and say what the page says."""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from tests.faces.scripted import TTY
from tests.package_index import Index
from workbench.cli.main import main
from workbench.cli.session import Session

PAGE = (Path(__file__).parents[2] / "docs" / "environments.md").read_text("utf-8")
BLOCK = re.compile(r"^```(text|console)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def index() -> Iterator[Index]:
    found = Index()
    for name, version in (("numpy", "1.26.4"), ("numpy", "2.1.0"), ("tabulate", "0.9.0"), ("joblib", "1.4.2"),
                          ("threadpoolctl", "3.5.0"), ("pandas", "2.2.0"), ("scikit_learn", "1.5.0")):  # fmt: skip
        found.add(name, version)
    yield found
    found.close()


def steps(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a block with the lines that it is said to print."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *said = part.strip().splitlines()
        yield command, said


def test_the_page_is_true(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for name, value in {
        "WORKBENCH_HOME": str(tmp_path / "home"), "WORKBENCH_EMBEDDED": "1", "UV_DEFAULT_INDEX": index.url,
        "UV_CACHE_DIR": str(tmp_path / "cache"), "UV_NO_CONFIG": "1", "HOME": str(tmp_path),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    given = 0
    for kind, file, block in BLOCK.findall(PAGE):
        if kind == "text" and file:
            (work / file).write_text(block)
        for command, said in steps(block) if kind == "console" else ():
            given += 1
            printed = _given(command)
            squeezed = " ".join(printed.split())
            for line in said:
                assert " ".join(line.split()) in squeezed, f"$ {command}\n{printed}"
    assert given > 25


def _given(command: str) -> str:
    """What a command prints; `wb` in this process, `echo X >> FILE` by hand."""
    words = shlex.split(command)
    if words[0] == "echo":
        assert words[2] == ">>"
        with open(words[3], "a") as target:
            target.write(words[1] + "\n")
        return ""
    assert words[0] == "wb"
    out, err = io.StringIO(), io.StringIO()

    with redirect_stdout(out), redirect_stderr(err):
        code = main(words[1:], Session(terminal=TTY._replace(cells=200)))
    printed = out.getvalue() + err.getvalue()
    assert (code == 0) is ("error: " not in printed), printed
    return printed
