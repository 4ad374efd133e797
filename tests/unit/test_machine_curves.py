"""A machine's history as curves: what was not heard is a gap, and no value."""

from __future__ import annotations

from math import isnan
from typing import Any

from workbench.tui.chart.source import Window
from workbench.tui.model.machine_curves import MachineCurves


class Services:
    """A history of CPU with a gap, its newest second not measured yet."""

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        assert (noun, method, parameters["series"]) == ("compute", "history", ["cpu"])
        return {"start": 100.0, "step": 1.0, "series": {"cpu": [10.0, None, 30.0, None]}}


async def test_the_value_of_a_curve_is_the_last_that_was_measured() -> None:
    curves = MachineCurves(Services(), "m", lambda: {})  # type: ignore[arg-type]
    (trace,) = (await curves.curves(["CPU %"], Window("time", None, None, 4)))["CPU %"]
    assert [span.last for span in trace.spans if not isnan(span.last)] == [10.0, 30.0]
    assert len(trace.spans) == 4
    assert trace.last == 30.0
