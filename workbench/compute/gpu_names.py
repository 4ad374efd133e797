"""What the GPUs of a machine are called: one that hangs before it was asked cannot say so itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from workbench.entities.base import replace
from workbench.entities.sample import GpuSample, MachineSample
from workbench.remote.forms.gpu_words import UNKNOWN
from workbench.text.sanitize import clean_name


class Card(NamedTuple):
    """What does not change of a GPU."""

    uuid: str
    name: str | None
    memory: int | None
    """Bytes."""


class GpuNames:
    """The cards of one machine by their position, from what was measured of it and what they said later."""

    def __init__(self) -> None:
        self._measured: list[Card] = []
        self._said: dict[int | None, Card] = {}

    def measured(self, listed: object) -> None:
        """Take the GPUs of a target's facts, in their order; what is none is passed over."""
        gpus = listed if isinstance(listed, list) else []
        self._measured = [card for card in map(_card, gpus) if card is not None]

    def named(self, sample: MachineSample) -> MachineSample:
        """The sample with the names of those that did not say them, where they are known."""
        cards = [gpu for gpu in sample.gpus if gpu.parent is None]
        if not any(_nameless(gpu) for gpu in cards):
            self._said = {gpu.index: Card(gpu.uuid, gpu.name, gpu.memory_total) for gpu in cards}
            return sample
        taken = {gpu.uuid for gpu in cards}
        found = []
        for gpu in sample.gpus:
            card = self._at(gpu.index, len(cards)) if _nameless(gpu) else None
            if card is None or card.uuid in taken:
                found.append(gpu)
                continue
            taken.add(card.uuid)
            memory = gpu.memory_total if gpu.memory_total is not None else card.memory
            found.append(replace(gpu, uuid=card.uuid, name=gpu.name or card.name, memory_total=memory))
        return replace(sample, gpus=found)

    def _at(self, index: int | None, count: int) -> Card | None:
        """The card at a position of so many; where there were more or fewer, nobody knows of positions."""
        if index is None:
            return None
        if len(self._said) == count:
            return self._said.get(index)
        return self._measured[index] if len(self._measured) == count > index else None


def _nameless(gpu: GpuSample) -> bool:
    return gpu.uuid.startswith(UNKNOWN)


def _card(listed: object) -> Card | None:
    fields: Mapping[str, Any] = listed if isinstance(listed, Mapping) else {}
    uuid, name, memory = fields.get("uuid"), fields.get("name"), fields.get("memory")
    if not isinstance(uuid, str) or not uuid or uuid.startswith(UNKNOWN):
        return None
    return Card(
        clean_name(uuid, 100),
        clean_name(name, 100) if isinstance(name, str) and name else None,
        memory if isinstance(memory, int) and memory > 0 else None,
    )
