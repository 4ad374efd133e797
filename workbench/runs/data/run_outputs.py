"""Named outputs of a run: where its machine writes them, and what becomes of them when it has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.entities.configuration import DataOutput
from workbench.entities.run import Run
from workbench.entities.run_data import DataDirection, Mechanism, RunData
from workbench.entities.target import Target
from workbench.errors import UsageError
from workbench.runs.data.places import place_of_store
from workbench.store.async_store import AsyncStore
from workbench.store.registry import datastores
from workbench.text.data_path import read_data_path


async def output_spec(
    store: AsyncStore, target: Target, folder: Path, name: str, output: DataOutput
) -> dict[str, Any]:
    """What the machine is told of an output; without "path" it goes to the run's own outputs/.

    Raises UsageError for a place that nothing can be written to, NotFound (datastore).
    """
    spec: dict[str, Any] = {"type": output.type, "mode": output.mode}
    if output.path is None:
        return spec
    path = read_data_path(output.path)
    if path.datastore is not None:
        known = await store.read(datastores.get, path.datastore)
        if known.read_only:
            raise UsageError(f"output {name}: the datastore {known.name} is only read")
        there = place_of_store(known, [path.path or f"{name}"], target, str(folder)).there
        if there is not None and output.mode != "upload":
            return {**spec, "path": there[0]}
        last = path.path.rstrip("/").rpartition("/")[2]
        return {**spec, "upload": True, **({"file": last} if output.type == "uri_file" and last else {})}
    if path.target is not None and path.target != target.name:
        raise UsageError(
            f"output {name}: the run is on {target.name}, and {path.target} is another machine",
            "make a datastore of that folder: wb datastore add NAME MACHINE:PATH",
        )
    if path.url or path.data or path.model:
        raise UsageError(f"output {name}: nothing can be written to {output.path}", "a path, or a datastore")
    return {**spec, "path": path.path}


def output_row(run: Run, root: str, name: str, output: DataOutput, spec: dict[str, Any]) -> RunData:
    """What is kept of an output before it is written."""
    own = f"{root}/runs/{run.id}/outputs/{name}"
    if spec.get("file"):
        own += f"/{spec['file']}"
    waits = output.name is not None or spec.get("upload")
    return RunData(
        run=run.id,
        direction=DataDirection.OUTPUT,
        name=name,
        type=output.type,
        mode=output.mode,
        source=output.path,
        mechanism=Mechanism.UPLOAD if spec.get("upload") else Mechanism.FOLDER,
        location=str(spec.get("path") or own),
        registers=output.name,
        state="waiting" if waits else "ready",
    )
