"""The actions of the place `compute`: what is done with the machine under the cursor of their list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.text.location import Location
from workbench.tui.places.page import Page
from workbench.tui.screens.compute import doing


class MachineActions(Page):
    """A page with machines; `chosen_id` says which one actions are about, `target` what is known of it."""

    def target(self, name: str) -> Mapping[str, Any]:
        """A machine's target; empty where there is none."""
        raise NotImplementedError

    def chosen_machines(self) -> Sequence[str]:
        """The machines that are marked, else the one under the cursor."""
        name = self.chosen_id()
        return [] if name is None else [name]

    def refusal(self, action: str) -> str | None:
        """Why an action on a machine cannot be done now."""
        name = self.chosen_id()
        if action.startswith("compute.") and action not in (
            "compute.attach",
            "compute.new",
            "compute.measure",
        ):
            if name is None:
                return "there is no machine under the cursor"
            local = self.target(name).get("kind") == "local"
            if action == "compute.detach" and local:
                return "this machine is always there"
            if action == "compute.login" and local:
                return "this machine asks for no sign-in"
        return super().refusal(action)

    def do_compute_attach(self) -> None:
        """Attach a machine."""
        from workbench.tui.screens.compute.attaching import attach

        self.run_worker(attach(self.dashboard), name="attach", group="attach", exit_on_error=True)

    def do_compute_login(self) -> None:
        """Sign in to the machine under the cursor."""
        work = doing.login(self.dashboard, self.chosen_id() or "")
        self.run_worker(work, name="login", group="attach", exit_on_error=True)

    async def do_compute_doctor(self) -> None:
        """Open the machine at its doctor's findings."""
        await self.dashboard.visit(Location("compute", (self.chosen_id() or "",), {"tab": "doctor"}))

    async def do_compute_files(self) -> None:
        """Look through the files of the machine under the cursor."""
        await self.dashboard.visit(Location("compute", (self.chosen_id() or "", "files")))

    async def do_compute_room(self) -> None:
        """What runs keep on the machine under the cursor."""
        await self.dashboard.visit(Location("compute", (self.chosen_id() or "", "room")))

    async def do_compute_exec(self) -> None:
        """Ask for a command and run it on the marked machines."""
        from workbench.tui.screens.compute.commanding import command_on

        await command_on(self.dashboard, self.chosen_machines())

    def do_compute_power(self) -> None:
        """Start, stop or restart the machine under the cursor."""
        work = doing.power(self.dashboard, self.chosen_id() or "")
        self.run_worker(work, name="power", group="power", exit_on_error=True)

    def do_compute_cordon(self) -> None:
        """Take the machine under the cursor out of service, or back."""
        from workbench.tui.screens.compute.cordoning import cordon

        work = cordon(self.dashboard, self.chosen_id() or "")
        self.run_worker(work, name="cordon", group="cordon", exit_on_error=True)

    async def do_compute_run(self) -> None:
        """A new run on the machine under the cursor."""
        from workbench.tui.submitting.sending import new_run

        await new_run(self.dashboard, target=self.chosen_id() or "")

    async def do_compute_new(self) -> None:
        """A new run."""
        from workbench.tui.submitting.sending import new_run

        await new_run(self.dashboard)

    async def do_compute_edit(self) -> None:
        """Settings of the machine under the cursor."""
        from workbench.tui.screens.compute.settings import edit

        await edit(self.dashboard, self.chosen_id() or "")

    def do_compute_detach(self) -> None:
        """Forget the machine under the cursor, after a yes."""
        work = doing.detach(self.dashboard, self.target(self.chosen_id() or ""))
        self.run_worker(work, name="detach", group="attach", exit_on_error=True)
