"""What a model's page knows, for its tabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.errors import NotFound
from workbench.tui.model.feed import Services
from workbench.views import models as look

CHAMPION = "champion"


class Known:
    """A model and its versions, the newest first, as they were asked for last."""

    def __init__(self) -> None:
        self.model: Mapping[str, Any] = {}
        self._versions: dict[int, Mapping[str, Any]] = {}
        self.champion: Mapping[str, Any] | None = None
        """The version that is champion, also one that is too old to be among them."""

    @property
    def versions(self) -> Sequence[Mapping[str, Any]]:
        """The versions that are listed."""
        return list(self._versions.values())

    async def ask(self, services: Services, name: str, limit: int) -> None:
        """Ask for the model and its newest versions; raises NotFound, and then knows nothing."""
        try:
            model = await services.call("models", "get", name=name)
            found = await services.call("models", "versions", name=name, limit=limit)
            versions = {int(one["version"]): one for one in found}
            number = (model.get("aliases") or {}).get(CHAMPION)
            champion = None if number is None else versions.get(number)
            if number is not None and champion is None:
                champion = await services.call("models", "version", model=f"{name}:{number}")
        except NotFound:
            self.model, self._versions, self.champion = {}, {}, None
            raise
        self.model, self._versions, self.champion = model, versions, champion

    def version(self, number: int) -> Mapping[str, Any] | None:
        """A version by its number, of those that are listed."""
        return self._versions.get(number)

    def metrics(self, most: int) -> list[str]:
        """Names of metrics that versions have: those of the champion first, then the most common."""
        champion = self.champion
        first = list(champion.get("metrics") or {}) if champion is not None else []
        return look.metric_names(self.versions, first)[:most]
