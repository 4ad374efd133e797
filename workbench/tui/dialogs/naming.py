"""The question what something that is saved shall be called; one that will not do stays to be mended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workbench.text.saved_names import RULE, valid_saved_name
from workbench.tui.dialogs.form import Field, Form

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


async def ask_name(app: Dashboard, title: str) -> str | None:
    """A name that a view or comparison may have; None when nothing shall be saved. For a worker."""
    form = Form(title, [Field("name", "name", "", RULE)], do="save", check=_wrong)
    values = await app.push_screen_wait(form)
    return None if values is None else values["name"].strip()


def _wrong(values: Mapping[str, str]) -> dict[str, str]:
    name = values["name"].strip()
    return {} if valid_saved_name(name) else {"name": RULE if name else "give it a name"}
