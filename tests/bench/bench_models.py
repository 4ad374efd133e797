"""A registry of 10,000 versions: registered, listed, found, promoted, and its history asked for."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.report import Row
from workbench.entities.model import ModelDetails, ModelVersion
from workbench.registry import promotion
from workbench.store.blocking_store import Store
from workbench.store.registry import model_aliases, model_versions, models
from workbench.store.registry.model_versions import VersionQuery
from workbench.store.sqlite.database import Transaction
from workbench.text.asset_reference import AssetReference

SIZES = (100, 1_000, 10_000)
MODELS = 20
REPETITIONS = 7


def run() -> list[Row]:
    """All rows; everything is written below one temporary folder."""
    first: dict[str, float] = {}
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-models-") as place:
        for size in SIZES:
            rows += _at(Path(place) / str(size), size, first)
    return rows


def _at(folder: Path, size: int, first: dict[str, float]) -> list[Row]:
    store = Store.open(folder)
    try:
        begin = time.perf_counter()
        store.write(_filled, size)
        each = (time.perf_counter() - begin) / size * 1000
        store.write(models.change_facts, "m0", {"gate": ["acc >= champion.acc - 1", "loss < 10"]})
        # Between two versions, so that each promotion moves it.
        store.write(promotion.promote, AssetReference("m0", 1), "champion", "ann")
        turn = [1]

        def promoted() -> Any:
            turn[0] = 3 - turn[0]
            return store.write(promotion.promote, AssetReference("m0", turn[0]), "champion", "ann")

        asked: dict[str, Callable[[], Any]] = {
            "a version by its alias": lambda: store.read(
                model_versions.get, AssetReference("m0", alias="champion")
            ),
            f"{MODELS} models listed": lambda: store.read(models.every),
            "the newest 100 versions": lambda: store.read(model_versions.find, VersionQuery()),
            "versions by a tag's value": lambda: store.read(
                model_versions.find, VersionQuery(tags={"stage": "s7"})
            ),
            "the newest of each model": lambda: store.read(model_versions.find, VersionQuery(latest=True)),
            "judged and promoted": promoted,
            "who was champion": lambda: store.read(model_aliases.standing, "m0", datetime.now(UTC)),
        }
        rows = [_row("registered, a version", each, size, first)]
        for name, call in asked.items():
            figures = []
            for _ in range(REPETITIONS):
                begin = time.perf_counter()
                call()
                figures.append((time.perf_counter() - begin) * 1000)
            rows.append(_row(name, sorted(figures)[REPETITIONS // 2], size, first))
        return rows
    finally:
        store.close()


def _row(name: str, figure: float, size: int, first: dict[str, float]) -> Row:
    before = first.setdefault(name, figure)
    grown = "" if before == figure else f"{figure / before:.2g} x that of {SIZES[0]}"
    return Row(f"registry of {size:,} versions: {name}", figure, "ms", "", "", None, grown)


def _filled(change: Transaction, size: int) -> None:
    for number in range(size):
        version = ModelVersion(
            name=f"m{number % MODELS}",
            version=0,
            created=datetime.now(UTC),
            manifest=f"{number:064d}",
            files=3,
            size=1000 + number,
            framework="pytorch",
            format="safetensors",
            tags={"stage": f"s{number % 50}", "owner": "ann"},
            metrics={"acc": 0.5 + number % 100 / 250, "loss": 1.0},
        )
        model_versions.register(change, version, ModelDetails(), True)
