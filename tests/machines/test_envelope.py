"""What a chart asks the services for, of a run that really logged it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.services import Services, services
from workbench.errors import NotFound, UsageError
from workbench.text.curves import from_bucket

TRAIN = """python3 -c '
from workbench import Run
run = Run.get_context()
for step in range(100):
    run.log("loss", 1 / (step + 1), step=step)
    run.log("epoch", step // 10, step=step)
'"""


async def trained(live: Services) -> str:
    """A run that logged two metrics and is over."""
    run = await live.submit(1, TRAIN)
    async for news in live.items("runs.watch", run=run["id"]):
        run = news["run"]
    assert run["status"] == "Completed", run
    return str(run["id"])


async def test_a_chart_gets_parts_of_a_metric_over_steps_time_and_other_metrics(tmp_path: Path) -> None:
    """AZ-100."""
    async with services(tmp_path) as live:
        run = await trained(live)

        async def ask(**more: Any) -> list[Any]:
            found = await live.call("runs.envelope", run=run, name="loss", buckets=500, **more)
            return [from_bucket(bucket) for bucket in found]

        whole = await ask()
        assert [span.last for span in whole] == [1 / (step + 1) for step in range(100)]
        assert [span.first_x for span in await ask(low=20, high=29.5)] == list(range(20, 30))
        by_time = await ask(x="time")
        assert sum(span.points for span in by_time) == 100
        assert whole[0].first_x == 0
        assert by_time[0].first_x > 1.7e9
        epochs = await ask(x="metric:epoch", low=3)
        assert [(span.first_x, span.points) for span in epochs] == [(float(n), 10) for n in range(3, 10)]
        assert await ask(attempt=1) == whole
        with pytest.raises(UsageError, match="x axis"):
            await ask(x="sideways")
        with pytest.raises(NotFound):
            await ask(x="metric:nothing")
