"""What a GPU is called that hangs before it could say so: by its position, where that is known."""

from __future__ import annotations

from typing import Any

import pytest

from tests.alerted_machine import Machine
from workbench.compute.gpu_names import GpuNames
from workbench.entities.base import replace
from workbench.entities.sample import GpuSample, MachineSample

FACTS = [{"uuid": f"GPU-{letter}", "name": "NVIDIA H100", "memory": 80 << 30} for letter in "abc"]


def sample(*uuids: str) -> MachineSample:
    gpus = [GpuSample(uuid=uuid, index=index, name=None) for index, uuid in enumerate(uuids)]
    return MachineSample(time=1.0, every=1.0, gpus=gpus)


def called(names: GpuNames, *uuids: str) -> list[str]:
    return [gpu.uuid for gpu in names.named(sample(*uuids)).gpus]


def test_one_that_hangs_from_the_start_is_called_as_it_was_measured() -> None:
    names = GpuNames()
    names.measured(FACTS)
    found = names.named(sample("GPU-a", "GPU-unknown-1", "GPU-c")).gpus[1]
    assert (found.uuid, found.name, found.memory_total) == ("GPU-b", "NVIDIA H100", 80 << 30)


def test_what_they_said_since_counts_more() -> None:
    names = GpuNames()
    names.measured(FACTS)
    assert called(names, "GPU-a", "GPU-new", "GPU-c") == ["GPU-a", "GPU-new", "GPU-c"]
    assert called(names, "GPU-a", "GPU-unknown-1", "GPU-c") == ["GPU-a", "GPU-new", "GPU-c"]


@pytest.mark.parametrize(
    ("facts", "uuids"),
    [
        (FACTS, ["GPU-a", "GPU-unknown-1"]),
        (FACTS, ["GPU-b", "GPU-unknown-1", "GPU-a"]),
        ([], ["GPU-unknown-0"]),
        (None, ["GPU-unknown-0"]),
        ([{"uuid": "GPU-unknown-0"}], ["GPU-unknown-0"]),
        (["nonsense"], ["GPU-unknown-0"]),
    ],
    ids=[
        "another number of cards",
        "another order",
        "none",
        "never measured",
        "no name either",
        "no mapping",
    ],
)
def test_nothing_is_guessed(facts: Any, uuids: list[str]) -> None:
    names = GpuNames()
    names.measured(facts)
    assert called(names, *uuids) == uuids


def test_an_alert_of_it_is_not_told_again_by_a_new_server() -> None:
    names = GpuNames()
    names.measured([{"uuid": "GPU-0", "name": "NVIDIA H100"}])
    before = Machine()
    before.gpus["GPU-0"] = replace(before.gpus["GPU-0"], error="hung", age=60.0)
    before.go_on(5)
    (told,) = before.raised
    after = Machine(known=[told])
    hung = MachineSample(
        time=1.0, every=1.0, gpus=[GpuSample(uuid="GPU-unknown-0", index=0, error="hung", age=60.0)]
    )
    after.gpus = {gpu.uuid: gpu for gpu in names.named(hung).gpus}
    after.go_on(5)
    assert (after.raised, after.cleared) == ([], [])
