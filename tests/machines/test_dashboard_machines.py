"""Machines from the dashboard, in a terminal: signing in, the doctor, letting go; a note in one's editor."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.machines.asking_server import CODE, PASSWORD, AskingServer
from tests.machines.at_terminal import Open, submit
from tests.machines.ground import until
from tests.machines.wb import Wb


async def test_a_machine_that_asks_for_a_code_and_a_password_is_attached_and_let_go(
    user: Wb, open_wb: Open, tmp_path: Path
) -> None:
    server = AskingServer(tmp_path / "asking", ["code", "password"])
    await server.start()
    (Path(user.environ["HOME"]) / ".ssh" / "config").write_text(server.block("box"))

    def live() -> None:
        screen = open_wb()
        screen.wait_for("box ")
        screen.keys("Space")
        screen.wait_for("Verification code")
        screen.type("000000")
        screen.keys("Enter")
        until(lambda: server.attempts == ["code wrong"], "the wrong code")
        screen.wait_for("Verification code")
        screen.type(CODE)
        screen.keys("Enter")
        screen.wait_for("assword")
        screen.type(PASSWORD)
        assert PASSWORD not in screen.text()
        screen.keys("Enter")
        screen.wait_for("box is attached")
        screen.keys("Enter")
        screen.wait_until_gone("is attached")
        screen.keys(":")
        screen.wait_for(" :")
        screen.type("compute/box?tab=doctor")
        screen.keys("Enter")
        screen.wait_for("logout  |logout +runs go on")
        screen.keys("C-x")
        screen.wait_for("Detach box")
        screen.keys("Enter")
        screen.wait_until_gone("Detach box")
        screen.wait_for("Compute ▸ box")
        screen.keys("C-x")
        screen.wait_for("Detach box")
        screen.keys("Right", "Enter")
        screen.wait_until_gone("Compute ▸ box")
        screen.keys("C-q")

    await asyncio.to_thread(live)
    assert server.attempts == ["code wrong", "code right", "password right"]
    assert [target["name"] for target in await asyncio.to_thread(user.json, "compute", "ls")] == ["local"]
    await server.close()


def test_a_note_is_written_in_ones_own_editor(user: Wb, open_wb: Open) -> None:
    user.wait(submit(user, "-e", "demo", "--name", "noted", "--", "true"))
    editor = user.folder / "editor"
    editor.write_text(
        '#!/bin/sh\nstty -a < /dev/tty | grep -q -- " icanon" && echo "warm up twice" >> "$1"\n'
    )
    editor.chmod(0o755)
    screen = open_wb("runs/demo", EDITOR=str(editor))
    screen.wait_for("completed +noted")
    screen.keys("e")
    screen.wait_for("note")
    until(lambda: (user.json("run", "show", "noted").get("description") or "").strip() == "warm up twice")
    screen.wait_for("completed +noted")
