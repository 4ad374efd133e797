"""Giving an action another key: asked for by pressing it, written to the settings, at work at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import ConfigurationError
from workbench.tui.actions.key_setting import with_key
from workbench.tui.actions.keymap import checked, keys_of
from workbench.tui.actions.keys import all_shown, shown
from workbench.tui.actions.table import by_id
from workbench.tui.dialogs.press import USUAL, Press

if TYPE_CHECKING:
    from workbench.tui.app import Dashboard


async def change_key(app: Dashboard, identity: str) -> None:
    """Ask for a key and give it to an action. For a worker."""
    action = by_id()[identity]
    pressed = await app.push_screen_wait(Press(action.help, all_shown(keys_of(app, action))))
    if pressed is None:
        return
    chosen = {**app.chosen_keys, identity: pressed}
    if pressed == USUAL:
        del chosen[identity]
    good, wrong = checked(chosen)
    if wrong:
        app.notify("; ".join(wrong), severity="warning", markup=False)
        return
    try:
        _write(app.home.settings_file, identity, None if pressed == USUAL else pressed)
    except ConfigurationError as problem:
        app.complain(problem)
        return
    app.chosen_keys = good
    app.set_keymap(good)
    app.say_aside()
    app.notify(f"{shown(keys_of(app, action).partition(',')[0])}: {action.help}", timeout=4, markup=False)


def _write(file: Path, identity: str, keys: str | None) -> None:
    """Change the settings file. Raises ConfigurationError."""
    try:
        text = file.read_text("utf-8") if file.exists() else ""
        changed = with_key(text, identity, keys)
        part = file.with_name(f".{file.name}.part")
        part.write_text(changed, "utf-8")
        part.replace(file)
    except OSError as problem:
        raise ConfigurationError(f"{file}: {problem.strerror}", "the key was not changed") from problem
