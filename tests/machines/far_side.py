"""The machine's half of a snapshot, run by another interpreter: a JSON command a line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import workbench.remote

DRIVER = """
import json, sys
from workbench.remote.snapshots import archive, blobs, layout, manifest, trees

class Machine:
    root = None

machine = Machine()
for line in sys.stdin:
    name, words = json.loads(line)
    try:
        if name == "root":
            machine.root, = words
            value = list(sys.version_info[:2])
        elif name == "unpack":
            value = archive.unpack(words[0], words[1], archive.LIMITS._replace(**words[2]), words[3])
        elif name == "canonical":
            value = manifest.snapshot_id(manifest.check_entries(words[0]))
        else:
            room = next(room for room in (trees, blobs, layout) if hasattr(room, name))
            value = getattr(room, name)(machine.root if room is blobs else machine, *words)
        answer = {"ok": value}
    except Exception as problem:
        code = getattr(problem, "code", None)
        answer = {"error": type(problem).__name__, "text": str(problem), "code": code}
    sys.stdout.write(json.dumps(answer) + "\\n")
    sys.stdout.flush()
"""


class FarError(Exception):
    """What the far side raised; its class by name."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(f"{answer['error']}: {answer['text']}")
        self.kind = answer["error"]
        self.code = answer["code"]


class FarSide:
    """One interpreter that holds the remote room; `ask` calls a function of remote.trees, blobs or layout there."""

    def __init__(self, python: str, payload: Path) -> None:
        self._process = subprocess.Popen(
            [python, "-B", "-c", DRIVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=payload,  # first on sys.path of -c: not the checkout
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )

    def ask(self, name: str, *words: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, words]).encode("ascii") + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "ok" not in answer:
            raise FarError(answer)
        return answer["ok"]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)


def interpreters() -> list[str]:
    """This interpreter, and the oldest and newest that the machine has beside it."""
    versions = Path("~/.pyenv/versions").expanduser()
    found = [
        str(path)
        for version in ("3.6", "3.13")
        for path in sorted(versions.glob(f"{version}.*/bin/python3"))[:1]
    ]
    return [sys.executable, *found]


@pytest.fixture(scope="module", params=interpreters())
def far(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FarSide]:
    """A far side without a root yet."""
    payload = tmp_path_factory.mktemp("payload")
    (payload / "workbench").mkdir()
    (payload / "workbench/__init__.py").touch()
    (payload / "workbench/remote").symlink_to(Path(workbench.remote.__path__[0]))
    side = FarSide(request.param, payload)
    yield side
    side.close()
