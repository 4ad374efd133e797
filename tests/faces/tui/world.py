"""A fixed world behind the dashboard: services that answer from plain values, and events one can make happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from copy import deepcopy
from typing import Any

from tests.faces.asked import Asked
from tests.faces.fixed_runs import ago
from tests.faces.tui.world_files import FileServices
from tests.faces.tui.world_lists import ListServices
from tests.faces.tui.world_machines import MachineServices, target
from tests.faces.tui.world_room import RoomServices
from tests.faces.tui.world_rows import EXPERIMENTS, ROWS
from tests.faces.tui.world_runs import RunServices
from tests.faces.tui.world_values import ValueServices
from tests.faces.tui.world_views import ViewServices
from workbench.errors import NotFound, ServerError, from_wire


class World(
    RoomServices, RunServices, ValueServices, MachineServices, ViewServices, FileServices, ListServices, Asked
):
    """Answers calls as the server would; `answers` may be replaced one by one, `calls` are kept."""

    def __init__(self, rows: list[dict[str, Any]] | None = None) -> None:
        self.rows = deepcopy(ROWS) if rows is None else [dict(item) for item in rows]
        self.experiments = deepcopy(EXPERIMENTS)
        super().__init__()
        self.submitted: list[dict[str, Any]] = []
        self.sequence = 100
        self.gone: str | None = None
        self._events: list[asyncio.Queue[dict[str, Any]]] = []

    # The four calls of the asyncio client

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        self.loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        if self.gone is not None:
            raise ServerError(self.gone, "try again")
        said = self.note(noun, method, parameters)
        answer = self.answers.get(f"{noun}.{method}") or getattr(self, f"{noun}_{method}", None)
        if answer is None:
            raise NotFound(f"there is no {noun}.{method} in this world")
        found = answer(**said)
        return await found if asyncio.iscoroutine(found) else found

    async def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        if self.gone is not None:
            raise ServerError(self.gone, "try again")
        if (noun, method) != ("events", "watch"):
            async for item in self._stream(noun, method, parameters):
                yield item
            return
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._events.append(queue)
        try:
            while True:
                event = await queue.get()
                if "error" in event:
                    raise from_wire(event["error"])
                yield event
        finally:
            self._events.remove(queue)

    async def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        async for block in self._stream(noun, method, parameters):
            yield block

    def _stream(self, noun: str, method: str, parameters: dict[str, Any]) -> AsyncGenerator[Any, None]:
        self.calls.append((f"{noun}.{method}", parameters))
        return (self.answers.get(f"{noun}.{method}") or getattr(self, f"{noun}_{method}"))(**parameters)

    # What happens in it

    def happen(self, kind: str, subject: str, /, **data: Any) -> None:
        """An event everybody who watches hears of."""
        self.sequence += 1
        event = {
            "sequence": self.sequence,
            "time": ago(),
            "actor": "ann",
            "kind": kind,
            "subject": subject,
            "data": data,
        }
        for queue in self._events:
            queue.put_nowait(event)

    def change(self, run: str, kind: str = "RunStatusChanged", **fields: Any) -> None:
        """Change a run's row and say so."""
        found = self.run(run)
        found.update(fields)
        self.happen(kind, f"experiments/{found['experiment']}/runs/{found['id']}")

    def add(self, new: dict[str, Any]) -> None:
        """A run somebody submitted."""
        self.rows.insert(0, new)
        self.happen("RunCreated", f"experiments/{new['experiment']}/runs/{new['id']}")

    def vanish(self, words: str) -> None:
        """The server goes away; `gone = None` brings it back."""
        self.gone = words
        for queue in self._events:
            queue.put_nowait({"error": ServerError(words, "try again").to_wire()})

    # Services

    def events_last(self) -> Any:
        return {"sequence": self.sequence}

    def workspace_summary(self) -> Any:
        counts = [item["status"] for item in self.rows]
        return {
            "machines": len(self.targets),
            "connected": 3,
            "troubled": 1,
            "running": counts.count("Running"),
            "waiting": counts.count("Queued"),
        }

    def environments_list(self, **_: Any) -> Any:
        return [
            {"name": "train", "version": 2, "definition": {"kind": "requirements"}, "created": ago(days=1)}
        ]

    def models_list(self, **_: Any) -> Any:
        return []

    def datasets_list(self, **_: Any) -> Any:
        return []

    def datasets_last_used(self) -> Any:
        return {}

    def datastores_list(self) -> Any:
        return []

    def environment_builds_list(self, **_: Any) -> Any:
        return []

    def environments_presets(self) -> Any:
        return [{"name": "sklearn"}]

    def experiments_list(self, **_: Any) -> Any:
        return self.experiments

    def runs_cancel(self, run: str) -> Any:
        self.change(run, status="CancelRequested")
        return self.run(run)

    def runs_archive(self, run: str, archived: bool) -> Any:
        self.run(run)["archived"] = archived
        self.happen("RunChanged", f"experiments/{self.run(run)['experiment']}/runs/{run}", archived=archived)
        return self.run(run)


def fleet(views: dict[str, dict[str, Any]]) -> World:
    """A world of these machines."""
    world = World()
    world.machines = views
    world.targets = [target(name, state=item["state"], problem="", facts={}) for name, item in views.items()]
    return world
