"""Where a script that scores finds a model (AZ-173): no services, only folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from workbench.errors import NotFound
from workbench.text.asset_reference import checked_name

CACHE = "azureml-models"
VARIABLE = "AZUREML_MODEL_DIR"


def find(
    name: str,
    version: int | None = None,
    *,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Path:
    """The model's file or folder; one file alone in a version's folder is that file.

    Looked for in azureml-models/NAME/VERSION (the newest without a number), then as ./NAME, then in
    AZUREML_MODEL_DIR. Raises NotFound, UsageError.
    """
    checked_name(name)
    here = Path.cwd() if folder is None else folder
    cached = here / CACHE / name
    if cached.is_dir():
        numbers = sorted(int(path.name) for path in cached.iterdir() if path.name.isdigit())
        chosen = version if version is not None else (numbers[-1] if numbers else None)
        if chosen in numbers:
            return _only(cached / str(chosen))
    given = (os.environ if environ is None else environ).get(VARIABLE)
    for place in (here / name, *([Path(given) / name, Path(given)] if given else [])):
        if version is None and place.exists():
            return _only(place)
    shown = name if version is None else f"{name}:{version}"
    raise NotFound(
        f"the model {shown} is neither in {cached} nor {here / name}", f"wb model download {shown} saves it"
    )


def _only(place: Path) -> Path:
    inside = list(place.iterdir()) if place.is_dir() else []
    return inside[0] if len(inside) == 1 and inside[0].is_file() else place
