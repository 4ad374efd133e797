"""The entry of the dashboard."""

from __future__ import annotations

import asyncio
import gc
import os

from workbench.home import Home, find_home, wants_embedded, workspace_name
from workbench.text.location import Location
from workbench.tui.model.head_start import Ahead, HeadStart
from workbench.tui.model.link_speed import paints
from workbench.tui.places.first_questions import first_questions
from workbench.workspace import Workspace

SETTLED = 2.0
"""Seconds after which what was made at the start is taken to stay."""


def run_dashboard(
    location: Location | None = None,
    workspace: str | None = None,
    *,
    home: Home | None = None,
    guided: bool = False,
) -> int:
    """Show the dashboard at a location until it is left; the exit code.

    home: another than the environment's. guided: with the line that leads through the demo. The local server
    is started when the first question finds none. Raises ConfigurationError, UsageError.
    """
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_FPS", str(paints(os.environ)))
    home = home or find_home()
    home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = workspace or workspace_name()
    gc.disable()  # nothing of what is imported is ever garbage
    ahead = None if wants_embedded() else _asked_ahead(name, home, location)

    from workbench.settings import load_settings
    from workbench.tui.app import Dashboard
    from workbench.tui.terminal_gone import end_with_terminal
    from workbench.tui.tour.steps import Tour
    from workbench.workspace.async_client import AsyncClient

    settings = load_settings(home.settings_file)
    end_with_terminal()

    async def main() -> int:
        async with AsyncClient.open(name, home=home) as services:
            app = Dashboard(
                services if ahead is None else Ahead(services, ahead),
                home,
                location,
                workspace=name,
                theme=settings.dashboard.theme,
                keys=settings.keys,
                bell=settings.dashboard.bell,
                tour=Tour() if guided else None,
            )
            asyncio.get_running_loop().call_later(SETTLED, _collect)
            code = await app.run_async(mouse=settings.dashboard.mouse)
            return app.return_code or code or 0

    return asyncio.run(main())


def _collect() -> None:
    """Collect garbage from now on, without looking at what stays: that would hold up a key."""
    gc.freeze()
    gc.enable()


def _asked_ahead(name: str, home: Home, location: Location | None) -> HeadStart:
    """The first place's questions, under way from now on."""
    asked = first_questions(location or Location("runs"))
    return HeadStart(asked, lambda: Workspace.open(name, embedded=False, home=home))
