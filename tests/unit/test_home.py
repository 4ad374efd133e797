"""Where this side keeps things."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.errors import ConfigurationError, Refused, UsageError
from workbench.home import MAX_SOCKET_PATH, find_home, private_folder, user_name
from workbench.settings import load_settings, settings_schema


def test_workbench_home_moves_everything_even_the_socket(tmp_path):
    home = find_home({"WORKBENCH_HOME": "/h/wb"})
    assert home.socket == Path("/h/wb/server.sock")
    assert {home.known_hosts.parent, home.settings_file.parent, home.cache.parent} == {Path("/h/wb")}


def test_a_long_home_keeps_its_socket_short_and_its_own(tmp_path):
    runtime = {"XDG_RUNTIME_DIR": str(tmp_path / ("y" * 90))}
    os.mkdir(runtime["XDG_RUNTIME_DIR"])
    homes = [find_home({"WORKBENCH_HOME": f"/{'x' * 120}/{name}", **runtime}) for name in "ab"]
    assert all(len(os.fsencode(home.socket)) <= MAX_SOCKET_PATH for home in homes)
    assert homes[0].socket != homes[1].socket


def test_two_users_without_runtime_folder_are_apart():
    home = find_home({"XDG_RUNTIME_DIR": "/nonexistent"})
    assert str(os.getuid()) in str(home.socket)


def test_a_user_the_system_has_no_name_for_is_a_number(monkeypatch):
    """As in a container that runs under any number its owner likes."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 61001)
    assert user_name() == "61001"
    monkeypatch.setenv("USER", "ann")
    assert user_name() == "ann"


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "x" * 65, "a\0b"])
def test_a_workspace_name_is_never_a_path(name):
    with pytest.raises(UsageError):
        find_home({"WORKBENCH_HOME": "/h"}).workspace(name)


def test_a_private_folder_is_closed_to_others_and_never_a_link(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    assert private_folder(folder).stat().st_mode & 0o777 == 0o700
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(Refused):
        private_folder(tmp_path / "link")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a folder that is somebody else's")
def test_a_folder_of_somebody_else_is_refused(tmp_path):
    folder = tmp_path / "trap"
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(Refused):
        private_folder(folder)


def test_settings_come_from_the_file_under_the_environment(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("[snapshots]\nmax_files = 10\nmax_bytes = 5\n")
    settings = load_settings(file, {"WORKBENCH_SNAPSHOTS__MAX_FILES": "7", "WORKBENCH_HOME": "/x"})
    assert (settings.snapshots.max_files, settings.snapshots.max_bytes) == (7, 5)
    assert load_settings(tmp_path / "none", {}).server.idle == 900


@pytest.mark.parametrize(("text", "word"), [
    ("[snapshots]\nmax_fils = 1\n", "max_fils"), ("[nonsense]\n", "nonsense"), ("x = [", "settings.toml"),
    ("[snapshots]\nmax_files = 'many'\n", "max_files"), ("[snapshots]\nmax_files = 0\n", "max_files"),
])  # fmt: skip
def test_a_wrong_setting_is_named(tmp_path, text, word):
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=word):
        load_settings(file, {})


def test_every_setting_is_described():
    for definition in settings_schema()["$defs"].values():
        for name, field in definition["properties"].items():
            assert "description" in field or "$ref" in field or "allOf" in field or "default" in field, name


def test_the_settings_page_and_schema_are_current():
    script = Path(__file__).parents[2] / "docs" / "make_settings.py"
    assert subprocess.run([sys.executable, str(script), "--check"], check=False).returncode == 0
