"""What opens a picture: the desk one sits at, and nothing where there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from workbench.tui.values.outside import program


def _installed(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def test_a_desk_has_a_screen_and_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    assert program({"DISPLAY": ":0"}) is None, "nothing is installed"
    gio = _installed(tmp_path, "gio")
    assert program({"WAYLAND_DISPLAY": "wayland-0"}) == gio
    opener = _installed(tmp_path, "xdg-open")
    assert program({"DISPLAY": ":0"}) == opener
    assert program({"SSH_CONNECTION": "1 2 3 4"}) is None
    monkeypatch.setattr(sys, "platform", "darwin")
    mac = _installed(tmp_path, "open")
    assert program({}) == mac
    assert program({"SSH_CONNECTION": "1 2 3 4"}) is None
