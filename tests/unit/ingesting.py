"""Records taken into a store, and what is there afterwards."""

from __future__ import annotations

from workbench.store.metrics import series


def points(store, run, name="loss", rank=None):
    steps, _, values = store.read(series.columns, run, name, rank)
    return list(zip(steps, values, strict=True))
