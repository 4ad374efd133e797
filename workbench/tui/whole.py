"""The actions of the whole dashboard: going places, copying, stepping aside, leaving."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, cast

from workbench.text.location import Location, format
from workbench.text.sanitize import clean_name
from workbench.tui.actions.acting import Acting, owners, perform
from workbench.tui.actions.table import by_id
from workbench.tui.frame.saying import Saying
from workbench.tui.leaving import copied, run_outside, run_wb
from workbench.tui.model.undo import Undo
from workbench.tui.places.history import History, outside
from workbench.tui.places.page import Page

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


class WholeActions(Acting, Saying):
    """What answers to the place `app`; the dashboard fills in where one is and how one gets elsewhere."""

    PLACES: ClassVar[tuple[str, ...]] = ("app",)
    environ: Mapping[str, str]
    places: History
    undo: Undo

    @property
    def page(self) -> Page | None:
        """The page that is seen."""
        raise NotImplementedError

    async def visit(self, location: Location) -> None:
        """Go to a place."""
        raise NotImplementedError

    async def arrive(self) -> None:
        """Show the place the history is at."""
        raise NotImplementedError

    async def action_perform(self, action: str) -> None:
        """Do an action of whoever answers to it, from where the focus is."""
        for owner in owners(self.focused or self.screen):
            if by_id()[action] in owner.actions():
                await perform(owner, action)
                return

    def refusal(self, action: str) -> str | None:
        """Why an action of the whole cannot be done now."""
        if action == "app.quit" and outside(self.places.current) is not None:
            return "esc steps out first; ctrl+q leaves from anywhere"
        if action == "app.back" and self.page is not None and self.places.out() is None:
            return None if self.page.narrowed else "nothing is open, and this is an outermost place: q leaves"
        if action == "app.copy" and (self.page is None or self.page.chosen_id() is None):
            return "the cursor is on nothing that has an id"
        if action == "app.undo" and self.undo.next is None:
            return "nothing was done here that could be taken back"
        return None

    async def do_app_undo(self) -> None:
        """Take the newest back."""
        words = await self.undo.back()
        self.notify(f"taken back: {words}", timeout=4, markup=False)

    async def do_app_runs(self) -> None:
        """Go to the runs."""
        await self.visit(Location("runs"))

    async def do_app_models(self) -> None:
        """Go to the models."""
        await self.visit(Location("models"))

    async def do_app_data(self) -> None:
        """Go to the datasets."""
        await self.visit(Location("data"))

    async def do_app_environments(self) -> None:
        """Go to the environments; from a run to the one it ran in."""
        of = self.page.environment if self.page is not None else None
        await self.visit(Location("environments", (of,) if of else ()))

    async def do_app_compute(self) -> None:
        """Go to the machines."""
        await self.visit(Location("compute"))

    async def do_app_queue(self) -> None:
        """Go to the queues."""
        await self.visit(Location("queue"))

    async def do_app_forwards(self) -> None:
        """Go to the forwarded ports."""
        await self.visit(Location("forwards"))

    async def do_app_comparisons(self) -> None:
        """Go to the comparisons that are kept."""
        await self.visit(Location("compare"))

    async def do_app_activity(self) -> None:
        """Go to the activities."""
        await self.visit(Location("activity"))

    async def do_app_back(self) -> None:
        """One step out."""
        page = self.page
        if page is not None and page.step_out():
            return
        inside, place = self.places.current, self.places.out()
        if place is not None:
            await self.visit(place)
            if self.page is not None:
                self.page.left_behind(inside)

    async def do_app_earlier(self) -> None:
        """Back along the way one came."""
        if self.places.back() is not None:
            await self.arrive()

    async def do_app_later(self) -> None:
        """Forward again."""
        if self.places.forward() is not None:
            await self.arrive()

    async def do_app_last(self) -> None:
        """Between two places."""
        self.places.last()
        await self.arrive()

    def do_app_quit(self) -> None:
        """Leave."""
        self.exit(0)

    def do_app_palette(self) -> None:
        """Find anything."""
        self.action_command_palette()

    async def do_app_prompt(self) -> None:
        """Ask where to go."""
        from workbench.tui.frame.prompt import ask_place

        await ask_place(cast("Dashboard", self))

    def do_app_keys(self) -> None:
        """Every key."""
        from workbench.tui.actions.keys_screen import KeysScreen

        self.push_screen(KeysScreen(owners(self.focused or self.screen)))

    def do_app_theme(self) -> None:
        """Choose colours."""
        from workbench.tui.themes.choosing import choose

        choose(cast("Dashboard", self))

    def do_app_copy(self) -> None:
        """Copy the id under the cursor."""
        assert self.page is not None
        copied(self, self.page.chosen_id() or "", "id")

    def do_app_copy_command(self) -> None:
        """Copy the command of this place."""
        copied(self, self.page.command_line() if self.page else "wb", "command")

    def do_app_copy_link(self) -> None:
        """Copy this place."""
        copied(self, format(self.places.current), "location")

    def do_app_suspend(self) -> None:
        """Step aside."""
        self.action_suspend_process()

    def do_app_shell(self) -> None:
        """A shell: there, where the page is about a machine or a run, else here."""
        words, where = (self.page.shell() if self.page is not None else None) or ([], "")
        if words:
            dashboard = cast("Dashboard", self)
            words = [*words, "--workspace", dashboard.workspace_name]
            run_wb(self, dashboard.home, words, f"{clean_name(where)}: exit comes back")
        else:
            run_outside(self, [self.environ.get("SHELL", "/bin/sh")], "here: exit comes back")
