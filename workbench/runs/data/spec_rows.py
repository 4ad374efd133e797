"""What a machine's spec says of a run's data, as rows: for a run that another workspace submitted. Pure."""

from __future__ import annotations

from typing import Any

from workbench.entities.configuration import RunConfiguration
from workbench.entities.run_data import DataDirection, Mechanism, RunData
from workbench.remote.data.cache import KEY
from workbench.text.sanitize import clean_name

MOST = 1000


def rows_of_spec(run: str, spec: dict[str, Any], configuration: RunConfiguration) -> list[RunData]:
    """Inputs and outputs as far as they make sense; versions are the other workspace's, so only named."""
    data = spec.get("data")
    if not isinstance(data, dict):
        return []
    rows = []
    for name, told in _items(data.get("inputs")):
        asked = configuration.data_inputs.get(name)
        if asked is None:
            continue
        key = told.get("key")
        held = isinstance(key, str) and KEY.match(key) is not None
        copied = asked.mode == "rw_mount"
        mechanism = Mechanism.DIRECT
        if held:
            mechanism = Mechanism.COPY if copied else Mechanism.CACHE
        elif "path" in told or "paths" in told:
            mechanism = Mechanism.IN_PLACE
        rows.append(
            RunData(
                run=run,
                direction=DataDirection.INPUT,
                name=name,
                type=asked.type,
                mode=asked.mode,
                source=asked.asset or asked.path,
                mechanism=mechanism,
                location=_text(told.get("path")) or _text(told.get("value")),
                hash=key if held else None,
            )
        )
    for name, told in _items(data.get("outputs")):
        output = configuration.outputs.get(name)
        if output is None:
            continue
        rows.append(
            RunData(
                run=run,
                direction=DataDirection.OUTPUT,
                name=name,
                type=output.type,
                mode=output.mode,
                source=output.path,
                mechanism=Mechanism.UPLOAD if told.get("upload") else Mechanism.FOLDER,
                location=_text(told.get("path")) or f"runs/{run}/outputs/{name}",
            )
        )
    return rows


def _items(value: Any) -> list[tuple[str, dict[str, Any]]]:
    entries = value.items() if isinstance(value, dict) else ()
    return [(str(name), told) for name, told in entries if isinstance(told, dict)][:MOST]


def _text(value: Any) -> str | None:
    return clean_name(value, 4000) if isinstance(value, str) and value else None
