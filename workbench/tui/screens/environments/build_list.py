"""The table of what is built on machines, for the page of all and for the page of a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from workbench.errors import WorkbenchError
from workbench.text import sizes
from workbench.text.numbers import counted
from workbench.text.sanitize import clean, clean_name
from workbench.tui.actions.acting import Acting
from workbench.tui.dialogs.confirm import Confirm
from workbench.tui.frame.detail import Detail
from workbench.tui.model.dirty import Dirty
from workbench.tui.screens.environments.columns import BUILDS, build_cells
from workbench.tui.screens.environments.known_builds import KnownBuilds
from workbench.tui.table import messages
from workbench.tui.table.cell import Cell
from workbench.tui.table.column_table import MarkingTable
from workbench.tui.themes.palette import palette_of
from workbench.views import environment_builds as look

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard

EMPTY = (
    "Nothing is built on a connected machine.   Runs build what they need by themselves; b builds before.\n\n"
)
COMMAND = "wb env build NAME -t MACHINE"
AGAIN = 3.0
"""Seconds between two looks while something is built."""
Json = Mapping[str, Any]


class BuildList(Acting, Vertical):
    """Builds on machines that are connected; of one version where its name is given."""

    PLACES: ClassVar[tuple[str, ...]] = ("builds",)

    def __init__(self, environment: str | None = None) -> None:
        super().__init__()
        self._environment = environment
        self._known = KnownBuilds(self, self._machines_said, self._machines_refused, environment)
        self.builds: dict[str, Json] = {}
        """By machine and key."""
        self.table = MarkingTable(self, BUILDS, frozen=1, empty="asking the machines ...")
        self._detail = Detail()

    def compose(self) -> ComposeResult:
        """The table, and what a row has no room for."""
        yield self.table
        yield self._detail

    def on_mount(self) -> None:
        """What is being built is looked at again."""
        self.set_interval(AGAIN, self._look_again)

    def _look_again(self) -> None:
        building = {str(one["target"]) for one in self.builds.values() if one.get("state") == "building"}
        if building and self.is_on_screen:
            self._known.ask(building)

    async def hear(self, dirty: Dirty) -> None:
        """A machine that came or went has, or had, builds."""
        if dirty.everything or dirty.environments:
            self._known.ask()
        elif dirty.targets:
            self._known.ask(dirty.targets)

    def _machines_refused(self, problem: WorkbenchError) -> None:
        self.table.empty = clean(f"{problem.message}\n\n{problem.hint}", 600)
        self.table.refresh()

    def _machines_said(self) -> None:
        self.builds = {f"{one['target']} {one['key']}": one for one in self._known.every}
        self.fill()
        self.table.changed(self.builds)
        self._tell()
        cast("Dashboard", self.app).say_aside()

    def fill(self) -> None:
        """All, or those the page has a filter for."""
        fits = getattr(self.parent, "fits", None)
        named = self._environment or "NAME"
        self.table.empty = EMPTY + COMMAND.replace("NAME", named)
        self.table.replace([key for key, one in self.builds.items() if fits is None or fits(_said(one))])

    def cells(self, key: str) -> Sequence[Cell] | None:
        """A build's cells."""
        found = self.builds.get(key)
        return None if found is None else build_cells(found, datetime.now(UTC), palette_of(self.app).ascii)

    def want(self, keys: Sequence[str]) -> None:
        """All are here."""

    @property
    def build(self) -> Json | None:
        """The one under the cursor."""
        return self.builds.get(self.table.cursor or "")

    @on(messages.CursorMoved)
    @on(messages.MarksChanged)
    def _moved(self, event: messages.TableMessage) -> None:
        event.stop()
        self._tell()
        cast("Dashboard", self.app).say_aside()

    def _tell(self) -> None:
        one = self.build
        if one is None:
            self._detail.said = ("", "")
        elif one.get("problem"):
            self._detail.said = (clean(str(one["problem"]), 600).replace("\n", " "), "bad")
        else:
            packages = one.get("packages") or {}
            first = ", ".join(f"{name} {version}" for name, version in list(packages.items())[:12])
            self._detail.said = (clean_name(first, 600), "dim")

    @on(messages.Opened)
    async def _opened(self, event: messages.Opened) -> None:
        event.stop()
        await self.action_act("builds.log")

    def refusal(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        if action in ("builds.log", "builds.prune") and self.build is None and not self.table.marked:
            return "there is no build under the cursor"
        if action == "builds.log" and (self.build or {}).get("version") is None:
            return "it is of no version that is known here"
        return super().refusal(action)

    def do_builds_again(self) -> None:
        """Ask the machines again."""
        self._known.ask()

    async def do_builds_log(self) -> None:
        """Its log, as it comes."""
        from workbench.tui.screens.environments.building import show_log

        if self.build is not None:
            await show_log(cast("Dashboard", self.app), self.build)

    async def do_builds_prune(self) -> None:
        """Remove the marked ones, or the one under the cursor, after a look at what would go."""
        chosen = [self.builds[key] for key in self.table.chosen if key in self.builds]
        by_machine: dict[str, list[str]] = {}
        for one in chosen:
            by_machine.setdefault(str(one["target"]), []).append(str(one["key"]))
        gone, kept, size = await self._prune(by_machine, dry_run=True)
        names = {str(one["key"]): look.called(one) for one in chosen}
        lines = [f"{names.get(key, clean_name(key, 60))} on {clean_name(target, 40)}" for target, key in gone]
        stays = [f"{names.get(key, clean_name(key, 60))} stays: {clean_name(why, 200)}" for key, why in kept]
        if not lines:
            self.app.notify("\n".join(stays) or "nothing may go", severity="warning", timeout=6)
            return
        said = "\n".join(
            [*lines[:12], *([f"and {len(lines) - 12} more"] if len(lines) > 12 else []), *stays[:5]]
        )
        said += f"\n\n{sizes.short(size)} would be freed. What is needed again is built again."
        title = f"Remove {counted(len(lines), 'build')}?"
        if await self.app.push_screen_wait(Confirm(title, said, do="remove")):
            gone, kept, size = await self._prune(by_machine, dry_run=False)
            self.table.unmark()
            self.app.notify(f"{counted(len(gone), 'build')} removed, {sizes.short(size)} freed", timeout=5)
            self._known.ask(by_machine)

    async def _prune(
        self, by_machine: Mapping[str, list[str]], *, dry_run: bool
    ) -> tuple[list[tuple[str, str]], list[tuple[str, str]], int]:
        """What goes as (machine, key), what stays as (key, why), bytes. Raises WorkbenchError."""
        services = cast("Dashboard", self.app).services
        gone: list[tuple[str, str]] = []
        kept: list[tuple[str, str]] = []
        size = 0
        for target, keys in by_machine.items():
            asked = {"target": target, "older": 0.0, "keys": keys, "dry_run": dry_run}
            async with aclosing(services.items("environment_builds", "prune", **asked)) as stages:
                async for item in stages:
                    if "removed" in item:
                        gone.append((target, str(item["removed"]["environment"])))
                    elif "kept" in item:
                        kept.append((str(item["kept"]["environment"]), str(item["kept"].get("why"))))
                    else:
                        size += int(item.get("bytes") or 0)
        return gone, kept, size


def _said(build: Json) -> str:
    return f"{look.called(build)} {build.get('target')} {build.get('state')} {build.get('python')}"
