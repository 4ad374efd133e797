"""Signing in at a real terminal: `wb` asks what the machine asks, and nothing is asked twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.machines.asking_server import CODE, PASSWORD, AskingServer
from tests.machines.wb import MAIN, Wb
from tests.terminal.terminal import Terminal


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


async def test_without_a_terminal_nothing_is_asked(wb: Wb, tmp_path: Path):
    server = AskingServer(tmp_path / "asking", ["password"])
    await server.start()
    words = ["compute", "attach", "box", "asking", "--set", f"ssh_config={server.folder / 'config'}"]
    done = await asyncio.to_thread(wb.run, *words)
    assert done.returncode == 4
    assert "hint:" in done.stderr
    await asyncio.to_thread(wb, "server", "stop")
    await server.close()
