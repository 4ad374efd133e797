"""Environments that are there without a file: plain Python, scikit-learn, PyTorch. Pure.

Nothing in them is pinned: the first use of one resolves it, and its version keeps that (AZ-135).
"""

from __future__ import annotations

from workbench.entities.base import Entity
from workbench.entities.environment import EnvironmentDefinition, EnvironmentKind

CPU_WHEELS = "https://download.pytorch.org/whl/cpu"


class Preset(Entity, frozen=True, kw_only=True):
    """A definition that is built in."""

    name: str
    description: str
    definition: EnvironmentDefinition


def _preset(name: str, description: str, *packages: str, indexes: tuple[str, ...] = ()) -> Preset:
    text = "".join(f"{package}\n" for package in packages)
    definition = EnvironmentDefinition(
        kind=EnvironmentKind.REQUIREMENTS, requirements=text, indexes=list(indexes)
    )
    return Preset(name=name, description=description, definition=definition)


PRESETS = {
    preset.name: preset
    for preset in (
        _preset("python", "The machine's Python, with nothing beside its standard library."),
        _preset("sklearn", "scikit-learn with pandas.", "joblib", "numpy", "pandas", "scikit-learn"),
        _preset("pytorch", "PyTorch for NVIDIA GPUs; runs on CPUs too.", "numpy", "torch"),
        _preset(
            "pytorch-cpu",
            "PyTorch for CPUs alone, a tenth of the size.",
            "numpy",
            "torch",
            indexes=(CPU_WHEELS,),
        ),
    )
}
"""By name. A registered environment of the same name goes first."""
