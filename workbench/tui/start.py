"""The entry of the dashboard."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from workbench.home import find_home, workspace_name
from workbench.settings import load_settings

if TYPE_CHECKING:
    from workbench.home import Home
    from workbench.text.location import Location


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
    from workbench.tui.app import Dashboard
    from workbench.tui.tour.steps import Tour
    from workbench.workspace.async_client import AsyncClient

    home = home or find_home()
    home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = workspace or workspace_name()
    settings = load_settings(home.settings_file)

    async def main() -> int:
        async with AsyncClient.open(name, home=home) as services:
            app = Dashboard(
                services,
                home,
                location,
                workspace=name,
                theme=settings.dashboard.theme,
                keys=settings.keys,
                tour=Tour() if guided else None,
            )
            code = await app.run_async(mouse=settings.dashboard.mouse)
            return app.return_code or code or 0

    return asyncio.run(main())
