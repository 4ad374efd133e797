"""The queue of one machine in the fixed world."""

from __future__ import annotations

from typing import Any

from tests.faces.fixed_runs import ago

OTTER, FINCH = "01JD0000000000000000000042", "01JD0000000000000000000037"


def entry(run: str, name: str, state: str, **fields: Any) -> dict[str, Any]:
    """Somebody in a queue."""
    return {
        "run": run,
        "kind": "run",
        "name": name,
        "experiment": "mnist",
        "by": "ann@laptop",
        "user": "ann",
        "mine": True,
        "target": "gpu1",
        "state": state,
        "gpus": 2,
        "devices": [],
        "priority": 0,
        "reason": "",
        "since": ago(minutes=6),
        **fields,
    }


HERON, WREN = "01JD0000000000000000000041", "01JD0000000000000000000050"
QUEUE = [
    entry(
        OTTER,
        "calm-otter-42",
        "running",
        devices=["GPU-gpu1-2", "GPU-gpu1-3"],
        since=ago(minutes=4),
        expected_left=900.0,
    ),
    entry(
        HERON,
        "brisk-heron-41",
        "waiting",
        position=1,
        reason="2 GPUs wanted, 1 free, 2 held by calm-otter-42 (ann)",
        expected_wait=900.0,
    ),
    entry(
        WREN,
        "shy-wren-50",
        "waiting",
        position=2,
        gpus=1,
        reason="behind brisk-heron-41, which has waited long",
        expected_wait=2100.0,
        at_most=True,
        since=ago(minutes=2),
    ),
    entry("01JD0000000000000000000051", "night-owl-51", "held", gpus=1, reason="on hold"),
    entry(
        "01JD0000000000000000000052",
        "bobs-job",
        "waiting",
        position=3,
        by="bob@desk",
        user="bob",
        mine=False,
        experiment="",
        gpus=4,
        reason="4 GPUs wanted, 1 free",
    ),
]
