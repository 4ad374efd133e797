"""Data as an input of a run, under a name: how it gets there is said by a method (AZ-57, AZ-59)."""

from __future__ import annotations

from workbench.entities.base import replace
from workbench.entities.configuration import DataInput, RunConfiguration


class NamedData:
    """A dataset's or model's version that a run is to read."""

    def __init__(self, name: str, path: str, mode: str = "ro_mount", type: str = "uri_folder") -> None:
        self.name = name
        self._input = DataInput(type=type, path=path, mode=mode)

    def __str__(self) -> str:
        return f"{self.name}={self._input.path}"

    def as_mount(self) -> NamedData:
        """Used in place where the machine has it, else from its cache; read-only."""
        return self._mode("ro_mount")

    def as_download(self) -> NamedData:
        """Fetched before the run starts."""
        return self._mode("download")

    def as_direct(self) -> NamedData:
        """Only its address is handed over."""
        return self._mode("direct")

    def _mode(self, mode: str) -> NamedData:
        return NamedData(self.name, self._input.path, mode, self._input.type)

    def as_input(self) -> DataInput:
        """The input as run configurations have it."""
        return self._input


def with_inputs(configuration: RunConfiguration, *data: NamedData) -> RunConfiguration:
    """The configuration with further inputs, which its command names as ${{inputs.NAME}}."""
    more = {item.name: item.as_input() for item in data}
    return replace(configuration, data_inputs={**configuration.data_inputs, **more})
