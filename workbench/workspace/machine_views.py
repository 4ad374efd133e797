"""The views of machines that a stream of `compute.watch` tells of, put together. Pure."""

from __future__ import annotations

from typing import Any

from workbench.entities.merge_patch import merged

View = dict[str, Any]


class MachineViews:
    """Made empty; `take` brings it up to date. A stream that begins anew begins with all there are."""

    def __init__(self) -> None:
        self.views: dict[str, View] = {}
        """By name; a view is not changed but replaced."""

    def take(self, item: dict[str, Any]) -> set[str]:
        """Take one item of the stream; the names of the machines that are others now, or gone."""
        changed: set[str] = set()
        if "machines" in item:
            changed = self.views.keys() | item["machines"].keys()
            self.views = dict(item["machines"])
        for name, patch in item.get("patch", {}).items():
            self.views[name] = merged(self.views.get(name, {}), patch)
            changed.add(name)
        for name in item.get("gone", []):
            self.views.pop(name, None)
            changed.add(name)
        return changed
