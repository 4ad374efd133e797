"""Signing in at a real terminal: `wb` asks what the machine asks, and nothing is asked twice."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.machines.asking_server import CODE, PASSWORD, AskingServer
from tests.machines.rig import until
from tests.machines.wb import MAIN, Wb
from tests.services import services
from tests.terminal.terminal import Terminal
from workbench.entities.target import TargetState
from workbench.errors import NeedsSignIn


def terminal(wb: Wb, folder: Path, *words: str) -> Terminal:
    environ = [
        f"{name}={value}" for name, value in wb.environ.items() if name.startswith(("WORKBENCH", "HOME"))
    ]
    return Terminal(folder, ["env", *environ, *MAIN, *words], columns=100, rows=30)


async def test_attach_asks_for_every_factor_and_the_connection_then_serves_all(wb: Wb, tmp_path: Path):
    """AZ-29: a code, then a password after a partial success; state "needs sign-in" after it is lost."""
    server = AskingServer(tmp_path / "asking", ["code", "password"])
    await server.start()
    words = ["compute", "attach", "box", "asking", "--set", f"ssh_config={server.folder / 'config'}",
             "--set", f"lease_dir={tmp_path / 'lease'}"]  # fmt: skip

    def sign_in() -> str:
        with terminal(wb, tmp_path, *words) as screen:
            screen.wait_for("Verification code")
            screen.type(CODE)
            screen.keys("Enter")
            screen.wait_for("assword")
            screen.type(PASSWORD)
            screen.keys("Enter")
            return screen.wait_for("attached")

    shown = await asyncio.to_thread(sign_in)
    assert PASSWORD not in shown
    assert server.attempts == ["code right", "password right"]
    run = (await asyncio.to_thread(wb, "submit", "--no-code", "--wait", "--", "echo", "in")).split()[0]
    assert await asyncio.to_thread(wb, "logs", run) == "in\n"
    assert server.connections == 1, "one connection serves everything"

    server.hang_up()
    refused = await asyncio.to_thread(wb.run, "submit", "--no-code", "--", "true")
    assert refused.returncode == 4
    assert "wb compute login box" in refused.stderr
    listed = await asyncio.to_thread(wb.json, "compute", "ls")
    assert {target["name"]: target["state"] for target in listed}["box"] == "needs sign-in"

    def log_in() -> None:
        with terminal(wb, tmp_path, "compute", "login", "box") as screen:
            screen.wait_for("Verification code")
            screen.type(CODE)
            screen.keys("Enter")
            screen.wait_for("assword")
            screen.type(PASSWORD)
            screen.keys("Enter")
            screen.wait_for("connected")

    await asyncio.to_thread(log_in)
    assert (await asyncio.to_thread(wb.run, "submit", "--no-code", "--wait", "--", "true")).returncode == 0
    await asyncio.to_thread(wb, "server", "stop")
    await server.close()


async def test_a_wrong_code_three_times_ends_it(wb: Wb, tmp_path: Path):
    server = AskingServer(tmp_path / "asking", ["code"])
    await server.start()

    def fail() -> str:
        words = ["compute", "attach", "box", "asking", "--set", f"ssh_config={server.folder / 'config'}"]
        with terminal(wb, tmp_path, *words) as screen:
            for count in range(3):
                screen.wait_for("(?s)" + "Verification code.*" * (count + 1))
                screen.type("000000")
                screen.keys("Enter")
            return screen.wait_for("hint:")

    assert "error:" in await asyncio.to_thread(fail)
    assert server.attempts == ["code wrong"] * 3
    assert "box" not in [target["name"] for target in await asyncio.to_thread(wb.json, "compute", "ls")]
    await asyncio.to_thread(wb, "server", "stop")
    await server.close()


def attach_words(server: AskingServer, name: str = "box") -> list[str]:
    """A command that attaches the server."""
    return ["compute", "attach", name, "asking", "--set", f"ssh_config={server.folder / 'config'}"]


def attachments(wb: Wb) -> list[dict[str, Any]]:
    """What the activities say of attaching, newest first."""
    return [found for found in wb.json("activity", "ls") if found["kind"] == "attach"]


def connected(server: AskingServer) -> int:
    """Connections that are open now."""
    return sum(not session.is_closed() for session in server.sessions)


async def test_without_a_terminal_nothing_is_asked(wb: Wb, tmp_path: Path):
    """And nothing is left waiting: the connection is closed, the activity canceled."""
    server = AskingServer(tmp_path / "asking", ["password"])
    await server.start()
    done = await asyncio.to_thread(wb.run, *attach_words(server))
    assert done.returncode == 4
    assert "hint:" in done.stderr
    await until(lambda: connected(server) == 0, "the end of the connection")
    await asyncio.to_thread(
        wb.until, lambda: [found["state"] for found in attachments(wb)] == ["canceled"], "its activity's end"
    )
    await asyncio.to_thread(wb, "server", "stop")
    await server.close()


@pytest.mark.parametrize("end", ["Ctrl-C", "kill -9"])
async def test_a_user_who_leaves_at_the_question_ends_the_sign_in(wb: Wb, tmp_path: Path, end: str):
    """The next one is asked at once, whatever became of the one before."""
    server = AskingServer(tmp_path / "asking", ["code"])
    await server.start()
    words = attach_words(server)

    def leave() -> None:
        with terminal(wb, tmp_path, *words) as screen:
            screen.wait_for("Verification code")
            assert [found["state"] for found in attachments(wb)] == ["running"]
            if end == "Ctrl-C":
                screen.keys("C-c")
            else:
                os.kill(screen.pid, signal.SIGKILL)
            wb.until(lambda: screen.ended, "the command's end")

    await asyncio.to_thread(leave)
    await until(lambda: connected(server) == 0, "the end of the connection")
    await asyncio.to_thread(
        wb.until, lambda: [found["state"] for found in attachments(wb)] == ["canceled"], "its activity's end"
    )

    def sign_in() -> None:
        with terminal(wb, tmp_path, *words, "--set", f"lease_dir={tmp_path / 'lease'}") as screen:
            screen.wait_for("Verification code")
            screen.type(CODE)
            screen.keys("Enter")
            screen.wait_for("attached")

    await asyncio.to_thread(sign_in)
    assert server.attempts == ["code right"]
    await asyncio.to_thread(wb, "server", "stop")
    await server.close()


async def test_a_second_sign_in_takes_the_place_of_the_first(tmp_path: Path):
    """Of the same machine, whoever began the first; of another machine it leaves them alone."""
    server = AskingServer(tmp_path / "asking", ["code"])
    await server.start()
    settings = {"address": "asking", "ssh_config": str(server.folder / "config")}
    settings["lease_dir"] = str(tmp_path / "lease")
    asked = {"name": "box", "kind": "ssh", "settings": settings}
    async with services(tmp_path) as world:
        other = await world.call("compute.attach", **{**asked, "name": "other"})
        first = await world.call("compute.attach", **asked)
        second = await world.call("compute.attach", **asked)
        assert connected(server) == 2
        with pytest.raises(NeedsSignIn, match="is over"):
            await world.call("compute.login", name="box", session=first["session"], answer=CODE)
        done = await world.call("compute.login", name="box", session=second["session"], answer=CODE)
        assert done["target"]["name"] == "box"
        server.hang_up()
        # The same of a machine that is attached: the older of two sign-ins ends, the newer one connects.
        fleet = world.workspace._fleet
        await until(lambda: fleet.state("box")[0] is not TargetState.CONNECTED, "the loss of the link")
        await world.call("compute.login", name="box")
        last = await world.call("compute.login", name="box")
        await world.call("compute.login", name="box", session=last["session"], answer=CODE)
        assert (await world.call("compute.get", name="box"))["state"] == "connected"
        assert other["session"] != last["session"]
    await server.close()
