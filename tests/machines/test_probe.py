"""The probe over a link of real processes: what it tells, at which rate, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.links import MakeLink, alive, interpreter, make_link, until
from workbench.compute.link import Link
from workbench.compute.link_stream import LinkStream
from workbench.compute.samples import State
from workbench.entities.sample import MachineSample
from workbench.errors import UsageError

__all__ = ["make_link"]


class Watch:
    """One stream of samples; `say` sends a line."""

    def __init__(self, link: Link, **params: Any) -> None:
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        self.stream: LinkStream = link.stream("probe", params, self._source())
        self.state = State()
        self.kinds: list[str] = []

    async def _source(self) -> AsyncIterator[bytes]:
        while True:
            yield await self._lines.get()

    def say(self, **line: Any) -> None:
        self._lines.put_nowait(json.dumps(line).encode() + b"\n")

    async def sample(self) -> MachineSample:
        message = await anext(self.stream)
        assert isinstance(message, dict)
        self.kinds += message
        return self.state.apply(message)


def probes_of(link: Link) -> list[int]:
    """The probes among the link's children."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(stat[1]) == link.hello["pid"] and b"probe" in (entry / "cmdline").read_bytes().split(
                    b"\0"
                ):
                    found.append(int(entry.name))
        except OSError:
            continue  # it has gone
    return found


async def test_it_tells_of_the_machine_in_full_then_what_changed(make_link: MakeLink) -> None:
    link = await make_link()
    watch = Watch(link, every=0.1)
    async with watch.stream:
        first = await watch.sample()
        assert first.every in (0.1, 1.0)  # the link's first line may come a moment after the first sample
        assert first.host.cpus
        assert first.host.memory_total
        assert first.host.memory_used
        assert [role for disk in first.host.disks for role in disk.roles]
        later = [await watch.sample() for _ in range(5)]
    assert watch.kinds == ["full"] + ["delta"] * 5
    assert [sample.time for sample in later] == sorted(sample.time for sample in later)
    assert later[-1].every == 0.1
    assert later[-1].host.cpu is not None


@pytest.mark.parametrize("version", ["3.6", "3.13"])
async def test_it_runs_on_the_machines_python(make_link: MakeLink, version: str) -> None:
    link = await make_link(python=str(interpreter(version)))
    watch = Watch(link, every=0.1)
    async with watch.stream:
        while (await watch.sample()).host.cpu is None:
            pass
    assert link.hello["python_version"].startswith(version)


async def test_one_probe_serves_all_who_ask_at_the_fastest_rate(make_link: MakeLink) -> None:
    link = await make_link()
    slow, fast = Watch(link, every=3600), Watch(link, every=0.05)
    async with slow.stream:
        await slow.sample()
        async with fast.stream:
            await fast.sample()
            assert fast.kinds == ["full"]
            assert len(probes_of(link)) == 1
            for _ in range(5):
                await slow.sample()
                await fast.sample()
            assert fast.kinds[1:] == ["delta"] * 5
        [pid] = probes_of(link)
        slow.say(full=True)
        while slow.kinds[-1] != "full":
            await slow.sample()
        slow.say(every=0.05)
        while (await slow.sample()).every != 0.05:
            pass
        assert probes_of(link) == [pid]
    await until(lambda: not alive(pid), "the probe to end with the last who listens")


async def test_it_ends_with_the_link(make_link: MakeLink) -> None:
    link = await make_link()
    watch = Watch(link)
    await watch.sample()
    [pid] = probes_of(link)
    os.kill(link.hello["pid"], 9)
    await until(lambda: not alive(pid), "the probe to end")


async def test_one_that_crashed_is_started_again(make_link: MakeLink) -> None:
    link = await make_link()
    watch = Watch(link, every=0.1)
    async with watch.stream:
        await watch.sample()
        [pid] = probes_of(link)
        os.kill(pid, 9)
        watch.kinds.clear()
        while "full" not in watch.kinds:
            await watch.sample()
        assert probes_of(link) != [pid]


@pytest.mark.parametrize(
    "params", [{"every": "often"}, {"every": 0}, {"every": True}, {"detail": "GPU-1"}, {"detail": [3]}]
)
async def test_parameters_that_make_no_sense_are_refused(make_link: MakeLink, params: dict[str, Any]) -> None:
    link = await make_link()
    with pytest.raises(UsageError, match="parameter"):
        await link.call("probe", params)
    async with Watch(link).stream as stream:
        await anext(stream)


async def test_a_line_that_makes_no_sense_ends_its_own_stream_only(make_link: MakeLink) -> None:
    link = await make_link()
    good, bad = Watch(link, every=0.1), Watch(link, every=0.1)
    async with good.stream:
        await good.sample()
        bad._lines.put_nowait(b"often, please\n")
        with pytest.raises(UsageError, match="no JSON"):
            await bad.stream.result()
        await good.sample()
