"""What is built of environments on machines that are connected, as it was asked for last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class KnownBuilds:
    """Builds, found by environment and version."""

    def __init__(self) -> None:
        self._builds: Sequence[Mapping[str, Any]] = ()

    def take(self, builds: Sequence[Mapping[str, Any]]) -> None:
        """What machines say now."""
        self._builds = builds

    def of(self, name: str, version: int | None = None) -> list[Mapping[str, Any]]:
        """Those of an environment, or of one version of it."""
        return [
            build
            for build in self._builds
            if build.get("name") == name and (version is None or build.get("version") == version)
        ]
