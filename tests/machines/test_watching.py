"""Machines watched through the product: real probes over real sshd, killed, cut off, closed, found again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import MakeProxy, SshServer, descendants, until
from tests.machines.settled import settled
from tests.machines.test_async_client import opened
from tests.machines.test_main_job import attach_local
from tests.machines.wb import Wb
from tests.services import Services, services
from workbench.entities.base import to_wire
from workbench.entities.merge_patch import merged
from workbench.errors import NoPython, NotFound
from workbench.home import Home
from workbench.services.monitor_feed import MonitorFeed
from workbench.settings import ComputeSettings, Settings
from workbench.workspace import Workspace

PATIENCE = 60.0


class Watched:
    """What a face knows of machines."""

    def __init__(self, stream: AsyncIterator[Any]) -> None:
        self._stream = stream
        self.machines: dict[str, Any] = {}

    async def until(self, name: str, holds: Callable[[dict[str, Any]], object], what: str) -> dict[str, Any]:
        """Take what comes until it holds of a machine's view."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (name in self.machines and holds(self.machines[name])):
                    item = await anext(self._stream)
                    for machine, view in item.get("machines", {}).items():
                        self.machines[machine] = view
                    for machine, patch in item.get("patch", {}).items():
                        self.machines[machine] = merged(self.machines.get(machine, {}), patch)
        except TimeoutError:
            pytest.fail(f"waited for {what}: {self.machines}")
        return dict(self.machines[name])


@asynccontextmanager
async def watching(there: Services, **asked: Any) -> AsyncIterator[Watched]:
    async with aclosing(there.items("compute.watch", **asked)) as stream:  # type: ignore[type-var]
        yield Watched(stream)


async def attached(there: Services, server: SshServer) -> str:
    settings = server.settings(root=str(settled(server.home / "wb")), lease_dir=str(server.home / "lease"))
    await there.call("compute.attach", name=server.name, kind="ssh", settings=to_wire(settings))
    return server.name


def measured(view: dict[str, Any]) -> bool:
    return view["freshness"] == "fresh" and "cpu" in view["sample"]["host"]


async def test_this_machine_is_counted_among_the_machines(tmp_path: Path) -> None:
    """As its GPUs are: a line that says how many machines and how many GPUs there are means the same ones."""
    async with services(tmp_path) as there, watching(there) as watched:
        await watched.until("local", measured, "figures of this machine")
        found = await there.call("workspace.summary")
        assert (found["machines"], found["connected"], found["troubled"]) == (len(watched.machines), 1, 0)


def probes_of(server: SshServer) -> list[int]:
    """The probe processes whose machine has its root in this server's home."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"probe" in words and str(server.home / "wb").encode() in words:
                found.append(int(folder.name))
    return found


def memory_total() -> int:
    line = next(
        line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal")
    )
    return int(line.split()[1]) << 10


async def test_a_machine_is_watched_and_its_probe_comes_back_when_it_is_killed(
    server: SshServer, tmp_path: Path
) -> None:
    async with services(tmp_path) as there:
        name = await attached(there, server)
        async with watching(there, names=[name], looking="closely") as seen:
            view = await seen.until(name, measured, "its figures")
            assert view["sample"]["host"]["memory_total"] == memory_total()
            assert view["sample"]["host"]["cpus"] == os.cpu_count()
            assert 0 <= view["sample"]["host"]["cpu"] <= 100
            (probe,) = probes_of(server)

            def late(view: dict[str, Any]) -> bool:
                for one in probes_of(server):  # the next one may be there before anybody looks
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(one, signal.SIGKILL)
                return bool(view["freshness"] == "late")

            await seen.until(name, late, "it to be late")
            before = seen.machines[name]["sample"]["time"]
            assert seen.machines[name]["sample"]["host"]["memory_total"] == memory_total()
            view = await seen.until(name, measured, "it to be back")
            assert view["sample"]["time"] > before
            assert probes_of(server) not in ([probe], [])
        history = await there.call("compute.history", name=name, series=["cpu"], seconds=60, points=60)
        assert any(value is not None for value in history["series"]["cpu"])


async def test_one_that_was_just_attached_or_let_go_is_known_to_be(
    server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for what the monitor hears of the store by and by."""

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(MonitorFeed, "_keep", never)
    async with services(tmp_path) as there:
        name = await attached(there, server)
        assert (await there.call("compute.sample", name=name))["sample"]["host"]["cpus"] == os.cpu_count()
        await there.call("compute.detach", name=name)
        with pytest.raises(NotFound):
            await there.call("compute.sample", name=name)


async def test_this_machine_is_watched_without_a_link_while_somebody_looks(tmp_path: Path) -> None:
    async with services(tmp_path) as there:
        async with watching(there, names=["local"], looking="closely") as seen:
            view = await seen.until("local", measured, "its figures")
            assert view["state"] == "connected"
            assert view["sample"]["host"]["memory_total"] == memory_total()
            assert there.workspace.monitor.view("local").sample is not None
            (sampler,) = samplers()
            os.kill(sampler, signal.SIGKILL)
            before = view["sample"]["time"]
            await seen.until(
                "local",
                lambda view: measured(view) and view["sample"]["time"] > before and "problem" not in view,
                "it to be back",
            )
            assert there.workspace._fleet.current("local") is None
        await until(lambda: samplers() == [], "it to rest")


async def test_a_machine_that_lost_its_python_is_told_of_by_its_shell(
    server: SshServer, tmp_path: Path
) -> None:
    async with services(tmp_path) as there:
        name = await attached(there, server)
        await there.call("compute.set", name=name, changes={"python": str(tmp_path / "none")})
        with pytest.raises(NoPython):
            await there.call("compute.facts", name=name)
        async with watching(there, names=[name], looking="closely") as seen:
            view = await seen.until(name, measured, "its figures")
            assert view["state"] == "unreachable"
            assert "python" in view["problem"]
            assert view["sample"]["host"]["memory_total"] == memory_total()
            assert probes_of(server) == []
            await there.call("compute.set", name=name, changes={"python": None})
            view = await seen.until(
                name, lambda view: view["state"] == "connected" and measured(view), "its probe"
            )
            assert "problem" not in view
        await until(lambda: shells() == [], "its shell to end")


def shells() -> list[str]:
    """The shells that tell of a machine."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if words == b"/bin/sh\0-s\0":
                found.append(folder.name)
    return found


def samplers() -> list[int]:
    """The children of this process that sample this machine."""
    found = []
    for child in descendants(os.getpid()):
        try:
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"workbench.compute.local_sampling" in words:
            found.append(child)
    return found


async def test_a_machine_that_was_cut_off_is_late_then_lost_then_back(
    server: SshServer, make_proxy: MakeProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.compute.ssh_hop.KEEPALIVE", 0.5)
    monkeypatch.setattr("workbench.compute.machine.KEEPALIVE", 0.5)
    monkeypatch.setattr("workbench.compute.freshness.LOST", 6.0)
    proxy = await make_proxy(server)
    async with services(tmp_path) as there:
        name = await attached(there, server)
        async with watching(there) as seen:
            await seen.until(name, measured, "its figures")
            proxy.cut()
            await seen.until(name, lambda view: view["freshness"] == "late", "it to be late")
            lost = await seen.until(name, lambda view: view["freshness"] == "lost", "it to be lost")
            assert lost["age"] > 6
            assert lost["sample"]["host"]["memory_total"] == memory_total(), "its last values stay"
            proxy.heal()
            view = await seen.until(name, measured, "it to be back")
            assert view["state"] == "connected"
            assert "problem" not in view


async def test_who_watches_keeps_a_connection_and_nobody_does_not(server: SshServer, tmp_path: Path) -> None:
    settings = Settings(compute=ComputeSettings(idle=0.5))
    async with services(tmp_path, settings) as there:
        name = await attached(there, server)
        async with watching(there) as seen:
            await seen.until(name, measured, "its figures")
            begun = seen.machines[name]["sample"]["time"]
            await seen.until(name, lambda view: view["sample"]["time"] > begun + 3, "more of them")
            assert server.connections() in (1, 2), "the one it was attached over may have been closed"
            kept = server.connections()
        async with watching(there, looking="away") as seen:
            await seen.until(name, lambda view: view["state"] == "idle", "the connection to be closed")
        assert server.connections() == kept


async def test_a_run_is_seen_on_its_machine_while_it_lasts(tmp_path: Path) -> None:
    async with services(tmp_path) as there, watching(there, names=["local"]) as seen:
        go = tmp_path / "go"
        run = await there.submit(1, f"while ! test -e {go}; do sleep 0.05; done")

        def there_with_processes(view: dict[str, Any]) -> bool:
            known = view["runs"].get(run["id"], {})
            processes = view.get("sample", {}).get("processes", [])  # none is there before the first one came
            return known.get("status") == "Running" and any(one.get("run") == run["id"] for one in processes)

        view = await seen.until("local", there_with_processes, "the run and its processes")
        assert view["runs"][run["id"]]["experiment"] == run["experiment"]
        go.touch()
        await seen.until("local", lambda view: not view["runs"], "the run to be over")


async def test_after_the_server_was_restarted_history_is_the_stores(wb: Wb, tmp_path: Path) -> None:
    await asyncio.to_thread(attach_local, wb, tmp_path)
    async with opened(wb) as client:
        stream = client.items("compute", "watch", names=["local"])
        async with aclosing(stream):
            seen = Watched(stream)
            view = await seen.until("local", measured, "its figures")
            begun = view["sample"]["time"]
            await seen.until("local", lambda view: view["sample"]["time"] > begun + 2, "more of them")
        until = time.time()
        pid = wb.server_pid()
        await asyncio.to_thread(wb, "server", "stop")
        history = await client.call("compute", "history", name="local", seconds=600, points=600, bounds=True)
        assert wb.server_pid() != pid
    assert {"cpu", "memory"} <= history["series"].keys()
    known = [
        history["start"] + place * history["step"]
        for place, value in enumerate(history["series"]["memory"])
        if value is not None
    ]
    assert any(second <= until for second in known)
    assert all(
        low is None or low <= mean <= high
        for low, mean, high in zip(
            history["low"]["cpu"], history["series"]["cpu"], history["high"]["cpu"], strict=True
        )
    )


async def test_a_server_that_somebody_watches_over_does_not_end_itself(wb: Wb, tmp_path: Path) -> None:
    wb.environ["WORKBENCH_SERVER__IDLE"] = "0.5"
    await asyncio.to_thread(attach_local, wb, tmp_path)
    async with opened(wb) as client:
        stream = client.items("compute", "watch", names=["local"])
        async with aclosing(stream):
            seen = Watched(stream)
            view = await seen.until("local", measured, "its figures")
            pid, begun = wb.server_pid(), view["sample"]["time"]
            # The server looks whether it is idle every two seconds.
            await seen.until("local", lambda view: view["sample"]["time"] > begun + 6, "six seconds more")
            assert wb.server_pid() == pid
    await asyncio.to_thread(wb.until, lambda: wb.server_pid() is None, "the server to end")


async def test_watching_goes_on_when_the_server_was_killed(wb: Wb, tmp_path: Path) -> None:
    await asyncio.to_thread(attach_local, wb, tmp_path)

    def watch() -> None:
        with Workspace.open("default", embedded=False, home=Home(wb.folder, wb.folder)) as workspace:
            killed = 0.0
            for machines in workspace.watch_machines("local"):
                view = machines["local"]
                if view["freshness"] == "fresh" and not killed:
                    killed = view["sample"]["time"]
                    wb.kill_server()
                elif view["freshness"] == "fresh" and view["sample"]["time"] > killed:
                    return

    async with asyncio.timeout(PATIENCE):
        await asyncio.to_thread(watch)
