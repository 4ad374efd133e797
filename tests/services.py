"""The services of a home of their own, inside a test's event loop, called as a client would."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

from tests.machines.settled import settled
from workbench.entities.base import to_wire
from workbench.entities.identity import make_run_id
from workbench.home import Home, find_home, private_folder
from workbench.services.context import BusWatcher
from workbench.services.hub import Hub
from workbench.services.open_workspace import OpenWorkspace
from workbench.services.operation import find
from workbench.settings import Settings
from workbench.workspace.exchange import encode_parameters


class Services:
    """One workspace's operations; what they take and give is what JSON can say."""

    def __init__(self, workspace: OpenWorkspace) -> None:
        self.workspace = workspace
        self.store = workspace.store
        self.watcher = BusWatcher(workspace.bus)

    async def call(self, operation_name: str, /, **parameters: Any) -> Any:
        """One value."""
        noun, _, method = operation_name.partition(".")
        operation = find(self.workspace.operations, noun, method)
        return to_wire(await operation.call(json.loads(encode_parameters(parameters))))

    async def items(self, operation_name: str, /, **parameters: Any) -> AsyncIterator[Any]:
        """A stream."""
        noun, _, method = operation_name.partition(".")
        operation = find(self.workspace.operations, noun, method)
        async with aclosing(operation.iterate(json.loads(encode_parameters(parameters)))) as values:
            async for value in values:
                yield to_wire(value)

    async def read(self, operation_name: str, /, **parameters: Any) -> AsyncIterator[bytes]:
        """A stream of bytes."""
        noun, _, method = operation_name.partition(".")
        operation = find(self.workspace.operations, noun, method)
        async with aclosing(operation.iterate(json.loads(encode_parameters(parameters)))) as blocks:
            async for block in blocks:
                yield block

    async def submit(self, number: int, command: str, **configuration: Any) -> Any:
        """Submit a shell command to this machine; the run."""
        return await self.call(
            "runs.submit",
            id=make_run_id(1_790_000_000_000 + number, number.to_bytes(10, "big")),
            configuration={"command": command, **configuration},
        )


@asynccontextmanager
async def services(folder: Path, settings: Settings | None = None) -> AsyncIterator[Services]:
    """Services whose home and whose runs on this machine are below folder."""
    home: Home = find_home({"WORKBENCH_HOME": str(private_folder(folder / "home")), "HOME": str(folder)})
    hub = Hub(home, settings or Settings(), lambda: None)
    try:
        opened = Services(await hub.workspace("default"))
        place = {"root": str(settled(folder / "root")), "lease_dir": str(folder / "leases")}
        await opened.call("compute.set", name="local", changes=place)
        yield opened
    finally:
        await hub.close()
