"""The log view over the services themselves: a run on this machine that writes while one looks."""

from __future__ import annotations

from pathlib import Path

from tests.faces.tui.log_desk import Desk, until
from workbench.entities.identity import make_run_id
from workbench.home import find_home, private_folder
from workbench.tui.logs.run_source import RunLog
from workbench.workspace.async_client import AsyncClient

COMMAND = """
seq 1 30000
printf '\\033[31mred\\033[0m\\n'
while [ ! -e "$GO" ]; do sleep 0.05; done
echo 'RuntimeError: boom'
seq 1 50
"""


async def test_a_run_is_followed_searched_and_ends(tmp_path: Path) -> None:
    home = find_home({"WORKBENCH_HOME": str(private_folder(tmp_path / "home")), "HOME": str(tmp_path)})
    run = make_run_id(1_790_000_000_000, b"0123456789")
    go = tmp_path / "go"
    async with AsyncClient.open(embedded=True, home=home) as client:
        place = {"root": str(tmp_path / "root"), "lease_dir": str(tmp_path / "leases")}
        await client.call("compute", "set", name="local", changes=place)
        job = {"command": COMMAND, "environment_variables": {"GO": str(go)}}
        await client.call("runs", "submit", id=run, configuration=job)
        log = RunLog(client, run)
        app = Desk(log)
        async with app.run_test(size=(90, 20)) as pilot:
            await until(pilot, lambda: app.view.lines[-1:] == ["red"])
            await until(pilot, lambda: "29,983-30,001 of 30,001" in app.status)
            go.touch()
            await until(pilot, lambda: app.view.lines[-1:] == ["50"] and "end" in app.status)
            await pilot.press("g", "E")
            await until(pilot, lambda: app.view.chosen_line == "RuntimeError: boom")
            app.view.search("/^123$/")
            await until(pilot, lambda: app.view.chosen_line == "123" and "1/1" in app.status)
            await app.view.go_to_line(20_000)
            await until(pilot, lambda: app.view.chosen_line == "20001")
        whole = b"".join([block async for block in log.whole()])
        assert whole.startswith(b"1\n2\n")
        assert whole.endswith(b"50\n")
