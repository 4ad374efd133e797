"""What a command may load: the faces import little, the machine's half nothing of the house.

The rooms' contracts themselves are checked by import-linter in CI.
"""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import workbench.remote

HEAVY = {
    "asyncio",
    "asyncssh",
    "aiohttp",
    "textual",
    "sqlite3",
    "msgspec",
    "yaml",
    "rich",
    "http.client",
    "ssl",
    "email",
}
UNASKED = (
    "workbench.services.run_bundles",
    "workbench.services.run_imports",
    "workbench.services.machine_imports",
    "workbench.services.models",
    "workbench.services.model_promotion",
    "workbench.services.dataset_tables",
    "workbench.services.datasets",
    "workbench.services.environments",
    "workbench.registry.formats",
    "workbench.registry.gate_parse",
    "workbench.remote.tabular.table",
    "workbench.snapshots.diff",
    "yaml",
    "asyncssh",
    "cryptography",
)
"""What a server loads with the first request that wants it."""


def loaded(code: str, **environ: str) -> set[str]:
    """The modules a fresh process has after code; what code itself prints is dropped."""
    import os

    body = textwrap.indent(code, "    ")
    quiet = f"import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()):\n{body}\n"
    text = f"import json, sys\n{quiet}print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environ},
    )
    return set(json.loads(done.stdout))


def heavy(modules: set[str]) -> set[str]:
    """The heavy ones among them, by package."""
    return {name for name in HEAVY if name in modules}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["ps", "--help"],
        ["run", "--help"],
        ["run", "metrics", "--help"],
        ["submit", "--help"],
        ["compute", "attach", "--help"],
        ["completion", "show", "bash"],
        ["sumbit"],
        ["server", "status"],
    ],
    ids=" ".join,
)
def test_a_command_loads_nothing_heavy(words: list[str], tmp_path: object) -> None:
    code = f"from workbench.cli.main import main; main({words!r})"
    assert heavy(loaded(code, WORKBENCH_HOME=str(tmp_path))) == set()


def test_help_loads_no_command() -> None:
    modules = loaded("from workbench.cli.main import main; main(['--help'])")
    ours = {name for name in modules if name.startswith("workbench.cli.")}
    assert ours == {
        f"workbench.cli.{name}"
        for name in ("main", "command", "commands", "session", "terminal", "to_option")
    }
    assert not {name for name in modules if name.startswith("workbench.workspace")}


def test_the_workspace_and_its_client_load_nothing_heavy() -> None:
    assert heavy(loaded("import workbench.workspace")) == set()


def test_the_asyncio_client_brings_asyncio_alone() -> None:
    opened = "from workbench.workspace.async_client import AsyncClient; AsyncClient.open(embedded=False)"
    brought = loaded(opened) - loaded("import asyncio; import workbench.workspace")
    assert heavy(brought) == set()
    assert not {name for name in brought if not name.startswith("workbench.")}, brought


def test_text_and_states_load_nothing_heavy() -> None:
    rooms = "axis, cells, curves, durations, location, numbers, plane, plot, sanitize, sizes, sparkline, states, tables"
    code = f"from workbench.text import {rooms}"
    assert heavy(loaded(code)) == set()


def test_a_submit_and_a_list_of_runs_load_neither_yaml_nor_pictures() -> None:
    modules = loaded("import workbench.cli.submit, workbench.cli.runs, workbench.workspace.submission")
    assert "workbench.runs.configuration" in modules
    unused = {"yaml", "html", "asyncio", "sqlite3", "workbench.text.plot_svg", "workbench.environments.conda"}
    assert not modules & unused


STARTED = """
import asyncio
from workbench.home import find_home
from workbench.server.main import LocalServer
from workbench.services.operation import find

async def started():
    server = LocalServer(find_home())
    await server._hub.start()
    operations = await server._lookup("default")
    await find(operations, "runs", "list").call({})
    await server._hub.close()

asyncio.run(started())
"""


def test_a_server_starts_without_what_nobody_has_asked_for(tmp_path: Path) -> None:
    """Whoever gives the first command waits for all that is loaded."""
    modules = loaded(STARTED, WORKBENCH_HOME=str(tmp_path))
    assert "workbench.services.runs" in modules
    assert [name for name in UNASKED if name in modules] == []


EACH = """
import json, os, sys
import workbench.remote
for name in sys.stdin.read().split():
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(reading)
        __import__("workbench.remote." + name)
        with open(writing, "w") as out:
            json.dump(sorted(sys.modules), out)
        os._exit(0)
    os.close(writing)
    with open(reading) as said:
        print(said.read())
    if os.wait()[1]:
        sys.exit(name)
"""
TRAVELLING = sorted(
    module.name.replace("workbench.remote.", "", 1)
    for module in pkgutil.walk_packages(workbench.remote.__path__, "workbench.remote.")
)


@pytest.fixture(scope="module")
def loaded_by() -> dict[str, set[str]]:
    """What each module that travels loads, in a process that had loaded nothing: each in a fork of one such."""
    words, names = [sys.executable, "-c", EACH], "\n".join(TRAVELLING)
    done = subprocess.run(words, input=names, stdout=subprocess.PIPE, text=True, check=True)
    return {
        name: set(json.loads(line)) for name, line in zip(TRAVELLING, done.stdout.splitlines(), strict=True)
    }


@pytest.mark.parametrize("name", TRAVELLING)
def test_what_travels_imports_nothing_of_the_house(name: str, loaded_by: dict[str, set[str]]) -> None:
    modules = loaded_by[name]
    house = {module for module in modules if module.startswith("workbench.")}
    assert f"workbench.remote.{name}" in house
    assert {m for m in house if not m.startswith("workbench.remote")} <= {"workbench.version"}
    standard = (
        {m.partition(".")[0] for m in modules} - set(sys.stdlib_module_names) - {"workbench", "__main__"}
    )
    site = {m for m in standard if not m.startswith("_") and m not in ("sitecustomize", "usercustomize")}
    assert site <= {"site"}, site


def test_what_the_dashboard_asks_first_is_asked_before_its_screen_is_imported() -> None:
    started = loaded("import workbench.tui.start")
    assert not started & {"textual", "rich", "msgspec", "sqlite3", "aiohttp", "asyncssh"}
