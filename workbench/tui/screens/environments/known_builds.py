"""What is built of environments on machines that are connected; those there is news of are asked again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, cast

from textual.widget import Widget

from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

Build = Mapping[str, Any]


class KnownBuilds:
    """Builds of all environments or of one, for a widget. Machines are asked beside: they may be slow."""

    def __init__(
        self,
        owner: Widget,
        shown: Callable[[], None],
        refused: Callable[[WorkbenchError], None],
        environment: str | None = None,
    ) -> None:
        """shown: called when other builds are known, refused: when they cannot be asked for."""
        self._owner, self._shown, self._refused = owner, shown, refused
        self._environment = environment
        self._builds: dict[str, list[Build]] = {}
        self._everywhere = False
        self._wanted: set[str] = set()
        self._asking = False

    def ask(self, machines: Collection[str] | None = None) -> None:
        """Ask these machines, or all; what went from the connected ones is forgotten with its builds."""
        self._everywhere = self._everywhere or machines is None
        self._wanted.update(machines or ())
        if not self._asking:
            self._asking = True
            self._owner.run_worker(self._ask(), group="builds", exit_on_error=True)

    async def _ask(self) -> None:
        """Until nobody is left to be asked: there may be news of others meanwhile."""
        services = cast("Dashboard", self._owner.app).services
        try:
            while self._everywhere or self._wanted:
                among = None if self._everywhere else sorted(self._wanted)
                self._everywhere, self._wanted = False, set()
                found = await services.call(
                    "environment_builds", "list", environment=self._environment, among=among
                )
                self._take(found, among)
                self._shown()
        except WorkbenchError as problem:
            self._refused(problem)
        finally:
            self._asking = False

    def _take(self, found: Collection[Build], among: Collection[str] | None) -> None:
        """What machines say now: all of them, or those among."""
        for machine in list(self._builds) if among is None else among:
            self._builds.pop(machine, None)
        for build in found:
            self._builds.setdefault(str(build["target"]), []).append(build)

    @property
    def every(self) -> list[Build]:
        """All that are known, by machine."""
        return [build for machine in sorted(self._builds) for build in self._builds[machine]]

    def of(self, name: str, version: int | None = None) -> list[Build]:
        """Those of an environment, or of one version of it."""
        return [
            build
            for build in self.every
            if build.get("name") == name and (version is None or build.get("version") == version)
        ]
