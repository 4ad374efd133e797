"""TensorBoard and Jupyter of a run: started there, led to, found again after cuts, ended with their forward."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.links import alive, until
from tests.machines.tcp import fetch
from tests.services import Services, services
from workbench.errors import NotFound, RemoteError, UsageError
from workbench.remote.sessions import tending, tool_plans

TOOL = """
import http.server, json, os, sys
given = dict(word.lstrip("-").split("=", 1) for word in sys.argv[1:] if "=" in word)
words = sys.argv[1:]
given.update((words[n].lstrip("-"), words[n + 1]) for n in range(len(words) - 1) if not words[n + 1].startswith("-"))
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = {"argv": sys.argv[1:], "path": self.path, "cwd": os.getcwd(), "pid": os.getpid(), "env": dict(os.environ)}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        print(*words, flush=True)
http.server.HTTPServer((given.get("host") or given["ip"], int(given["port"])), Page).serve_forever()
"""


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Services]:
    async with services(tmp_path) as opened:
        yield opened


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of packages that pass for the real ones; empty at first."""
    folder = tmp_path / "packages"
    folder.mkdir()
    return folder


def install(packages: Path, module: str, code: str = TOOL) -> None:
    """Have a module that can be started."""
    folder = packages / module
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / ("main.py" if module == "tensorboard" else "__main__.py")).write_text(code)


async def ended_run(live: Services, packages: Path, command: str = "echo done") -> Any:
    """A run that is over and whose interpreter has these packages."""
    variables = {"PYTHONPATH": str(packages), "COLOUR": "blue"}
    run = await live.submit(1, command, environment=sys.executable, environment_variables=variables)
    async with asyncio.timeout(60):
        async for item in live.items("runs.watch", run=run["id"]):
            run = item["run"]
    assert run["status"] == "Completed"
    return run


async def asked(forward: Any) -> Any:
    """What the tool says of itself."""
    path = forward["url"].partition(str(forward["local"]))[2]
    answer = await fetch(forward["local"], f"GET {path} HTTP/1.0\r\n\r\n".encode())
    return json.loads(answer.partition(b"\r\n\r\n")[2])


async def test_tensorboard_of_a_run_that_is_over(live: Services, packages: Path, tmp_path: Path) -> None:
    """AZ-42."""
    install(packages, "tensorboard")
    run = await ended_run(live, packages, "touch outputs/events.out.tfevents.1.x")
    forward = await live.call("forwards.serve", run=run["id"], tool="tensorboard")
    assert (forward["state"], forward["tool"], forward["run"]) == ("open", "tensorboard", run["id"])
    said = await asked(forward)
    folder = tmp_path / "root" / "runs" / run["id"]
    assert said["argv"][said["argv"].index("--logdir") + 1] == str(folder / "outputs")
    assert said["argv"][said["argv"].index("--host") + 1] == "127.0.0.1"
    assert said["cwd"] == str(folder / "code")
    assert said["env"]["CUDA_VISIBLE_DEVICES"] == "", "it shall take no GPU"
    assert said["env"]["COLOUR"] == "blue"
    assert "WORKBENCH_RUN_ID" not in said["env"]
    again = await live.call("forwards.serve", run=run["name"], tool="tensorboard")
    assert again["local"] == forward["local"], "it is there already"
    await live.call("forwards.remove", local=forward["local"])
    await until(lambda: not alive(said["pid"]), "the tool to end with its forward")
    assert os.listdir(tmp_path / "root" / "tools") == []


async def test_jupyter_asks_for_a_token_that_is_in_its_url_alone(
    live: Services, packages: Path, tmp_path: Path
) -> None:
    """AZ-42: a notebook server."""
    install(packages, "jupyterlab")
    run = await ended_run(live, packages)
    forward = await live.call("forwards.serve", run=run["id"], tool="jupyter")
    path, _, token = forward["url"].partition("?token=")
    assert path == f"http://127.0.0.1:{forward['local']}/lab"
    assert len(token) >= 32
    said = await asked(forward)
    assert said["env"]["JUPYTER_TOKEN"] == token
    assert not any(token in word for word in said["argv"])
    assert "--no-browser" in said["argv"]
    for file in (tmp_path / "home").rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes(), f"{file} keeps the token"
    (tools,) = (tmp_path / "root" / "tools").iterdir()
    assert tools.stat().st_mode & 0o077 == 0
    await live.call("forwards.remove", local=forward["local"])


async def test_what_is_not_installed_is_said_and_leaves_nothing(live: Services, packages: Path) -> None:
    run = await ended_run(live, packages)
    with pytest.raises(NotFound, match="TensorBoard is not installed for") as caught:
        await live.call("forwards.serve", run=run["id"], tool="tensorboard")
    assert "tensorboard" in caught.value.hint
    with pytest.raises(UsageError):
        await live.call("forwards.serve", run=run["id"], tool="netcat")
    assert await live.call("forwards.list") == []


async def test_what_fails_at_its_start_says_its_last_words(live: Services, packages: Path) -> None:
    install(packages, "tensorboard", "import sys; sys.exit('no protobuf here')")
    run = await ended_run(live, packages)
    with pytest.raises(RemoteError, match="it has ended") as caught:
        await live.call("forwards.serve", run=run["id"], tool="tensorboard")
    assert "no protobuf here" in caught.value.hint
    assert await live.call("forwards.list") == []


async def test_it_outlives_links_and_servers(tmp_path: Path, packages: Path) -> None:
    install(packages, "jupyterlab")
    async with services(tmp_path) as first:
        run = await ended_run(first, packages)
        forward = await first.call("forwards.serve", run=run["id"], tool="jupyter")
        pid = (await asked(forward))["pid"]
        link = await first.workspace._fleet.link("local")
        os.kill(link.hello["pid"], signal.SIGKILL)
        await asyncio.wait_for(link.closed.wait(), 30)
        assert (await asked(forward))["pid"] == pid, "notebooks outlive a cut"
    assert alive(pid)
    async with services(tmp_path) as second:
        again = await second.call("forwards.serve", run=run["id"], tool="jupyter")
        assert (again["local"], again["url"]) == (forward["local"], forward["url"])
        assert (await asked(again))["pid"] == pid
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            while (listed := (await second.call("forwards.list"))[0])["state"] != "waiting":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert "it has ended" in listed["problem"]
        await second.call("forwards.remove", local=forward["local"])


TEND = """
import json, os, sys
from workbench.remote.sessions import tending
tending.UNWANTED = 1.0
tending.tend(sys.argv[1], json.loads(sys.argv[2]), os.open(os.devnull, os.O_WRONLY))
"""


async def test_it_ends_when_nobody_wants_it_any_more(tmp_path: Path) -> None:
    (tmp_path / tending.WANTED).touch()
    asked = {
        "argv": ["sleep", "1000"],
        "directory": "/",
        "environment": dict(os.environ),
        "port": 1,
        "path": "/",
    }
    tender = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TEND, str(tmp_path), json.dumps(asked)
    )
    await until(lambda: (tmp_path / tending.STATE).exists(), "its state")
    tool = json.loads((tmp_path / tending.STATE).read_text())["tool"][0]
    assert await asyncio.wait_for(tender.wait(), 60) == 0
    assert not alive(tool)
    assert json.loads((tmp_path / tending.STATE).read_text())["over"] is True


async def test_a_tool_whose_state_cannot_be_written_is_ended(tmp_path: Path) -> None:
    (tmp_path / tending.STATE / "full").mkdir(parents=True)
    note = tmp_path / "pid"
    argv = ["sh", "-c", f"echo $$ > {note}; exec sleep 1000"]
    asked = {"argv": argv, "directory": "/", "environment": dict(os.environ), "port": 1, "path": "/"}
    tender = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TEND, str(tmp_path), json.dumps(asked), stderr=asyncio.subprocess.DEVNULL
    )
    assert await asyncio.wait_for(tender.wait(), 60) == 1
    assert not note.exists() or not alive(int(note.read_text()))


def test_where_tensorboard_looks(tmp_path: Path) -> None:
    for name in ("outputs", "logs", "code/deep"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "code" / "outputs").symlink_to("../outputs")
    assert tool_plans.find_log_dir(str(tmp_path)) == str(tmp_path), "nothing yet: it may come anywhere"
    (tmp_path / "outputs" / "events.out.tfevents.1").touch()
    assert tool_plans.find_log_dir(str(tmp_path)) == str(tmp_path / "outputs")
    (tmp_path / "code" / "deep" / "events.out.tfevents.1").touch()
    assert tool_plans.find_log_dir(str(tmp_path)) == str(tmp_path)
