"""Workspaces themselves: described, listed, tied to folders, removed with or without what machines keep."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb


def test_a_workspace_is_described_and_listed(wb: Wb) -> None:
    """AZ-1, AZ-6 in part, AZ-7."""
    assert wb.json("workspace", "show")["name"] == "default"
    wb(
        "workspace",
        "set",
        "--friendly-name",
        "the \x1b[2Jlab",
        "--description",
        "**all**",
        "--tag",
        "team=a",
        "--tag",
        "x",
    )
    wb("workspace", "set", "--untag", "x")
    found = wb.json("workspace", "show")
    assert (found["description"], found["tags"], found["created"][:2]) == ("**all**", {"team": "a"}, "20")
    assert "\x1b" not in wb("workspace", "show")
    wb("ps", WORKBENCH_WORKSPACE="other")
    found = wb.json("workspace", "ls")
    assert [(item["name"], item["machines"]) for item in found] == [("default", 1), ("other", 1)]
    assert wb("workspace", "set", code=2) == ""


def test_one_that_is_damaged_does_not_hide_the_others(wb: Wb) -> None:
    wb("ps", WORKBENCH_WORKSPACE="other")
    damaged = wb.folder / "workspaces" / "damaged"
    damaged.mkdir(parents=True)
    (damaged / "workbench.db").write_bytes(b"this was a database" * 100)
    found = {item["name"]: item for item in wb.json("workspace", "ls")}
    assert set(found) >= {"damaged", "other"}
    assert found["other"]["machines"] == 1
    assert "not a database" in found["damaged"]["problem"]
    assert "runs" not in found["damaged"], "absent is not zero"
    assert "the database" in wb("workspace", "ls", "-o", "table")


def test_one_that_is_damaged_is_removed_and_nothing_else(wb: Wb) -> None:
    """What belongs to another program or a newer version is not damaged, only not ours to read."""
    wb("ps", WORKBENCH_WORKSPACE="other")
    folders = {name: wb.folder / "workspaces" / name for name in ("garbage", "unread", "foreign", "newer")}
    for folder in folders.values():
        (folder / "spool").mkdir(parents=True)
        (folder / "spool" / "x.log").write_bytes(b"output")
    (folders["garbage"] / "workbench.db").write_bytes(b"this was a database" * 100)
    (folders["unread"] / "workbench.db").mkdir()
    for name, sql in (("foreign", "CREATE TABLE theirs (x)"), ("newer", "PRAGMA user_version = 9999")):
        with closing(sqlite3.connect(folders[name] / "workbench.db")) as database:
            database.execute(sql)
    for name in ("garbage", "unread"):
        plan = wb.json("workspace", "rm", name, "--dry-run")
        assert (plan["folder"], plan["removed"]) == (str(folders[name]), False)
        assert plan["bytes"] > 0
        assert "the database" in plan["problem"]
        assert "runs" not in plan, "absent is not zero"
        wb("workspace", "rm", name, "--machines", "--yes", code=2)
        wb("workspace", "rm", name, code=5)
        assert "runs that are not known" in wb("workspace", "rm", name, "--dry-run", "-o", "table")
        assert folders[name].is_dir()
        assert wb.json("workspace", "rm", name, "--yes")["removed"]
        assert not folders[name].exists()
        wb("workspace", "rm", name, "--yes", code=3)
    for name in ("foreign", "newer"):
        wb("workspace", "rm", name, "--yes", code=1)
        assert (folders[name] / "spool" / "x.log").read_bytes() == b"output"
    assert {item["name"] for item in wb.json("workspace", "ls")} >= {"foreign", "newer", "other"}


def test_a_folder_is_tied_to_a_workspace(wb: Wb, tmp_path: Path) -> None:
    """AZ-2, AZ-4: the command line finds it too; a name that is said comes first."""
    below = tmp_path / "code" / "deep"
    below.mkdir(parents=True)

    def here(cwd: Path, **environ: str) -> str:
        return str(json.loads(wb("workspace", "show", "-o", "json", cwd=cwd, **environ))["name"])

    wb("workspace", "init", "team", "--folder", str(tmp_path / "code"))
    assert json.loads((tmp_path / "code/.azureml/config.json").read_text()) == {"workspace_name": "team"}
    assert here(below) == "team"
    assert here(below, WORKBENCH_WORKSPACE="mine") == "mine"
    assert here(tmp_path) == "default"
    wb("workspace", "init", "../x", code=2)


def test_removing_says_first_what_goes_and_keeps_what_machines_have(wb: Wb, server: SshServer) -> None:
    """AZ-8, and its better: a listing first; machines keep their folders unless that is asked for."""
    for name, kept in (("first", True), ("second", False)):
        wb.environ["WORKBENCH_WORKSPACE"] = name
        attach(wb, server)
        run = wb("submit", "--no-code", "--wait", "--", "true").strip()
        folder = server.home / "wb" / "runs" / run
        assert folder.is_dir()
        asked = ("workspace", "rm", name, *(() if kept else ("--machines",)))
        plan = wb.json(*asked, "--dry-run")
        assert (plan["runs"], plan["by_machine"], plan["removed"]) == (1, {server.name: 1}, False)
        assert plan["bytes"] > 0
        wb("workspace", "rm", name, "--yes", code=2)
        wb.environ["WORKBENCH_WORKSPACE"] = "default"
        assert wb.json(*asked, "--yes")["removed"]
        assert folder.is_dir() == kept
        assert not Path(plan["folder"]).exists()
        assert name not in [item["name"] for item in wb.json("workspace", "ls")]
    wb("workspace", "rm", "first", "--yes", code=3)


def test_one_with_active_runs_is_not_removed(wb: Wb, server: SshServer) -> None:
    wb.environ["WORKBENCH_WORKSPACE"] = "busy"
    attach(wb, server)
    run = wb("submit", "--no-code", "--", "sleep", "600").strip()
    wb.environ["WORKBENCH_WORKSPACE"] = "default"
    wb("workspace", "rm", "busy", "--yes", code=5)
    wb("cancel", run, WORKBENCH_WORKSPACE="busy")


def test_one_damaged_while_its_runs_are_followed_goes_once_its_server_let_go(
    wb: Wb, server: SshServer
) -> None:
    wb.environ["WORKBENCH_WORKSPACE"] = "busy"
    attach(wb, server)
    run = wb("submit", "--no-code", "--", "sleep", "600").strip()
    database = wb.folder / "workspaces" / "busy" / "workbench.db"
    for path in database.parent.glob("workbench.db*"):
        path.write_bytes(b"this was a database" * 1000)
    wb.environ["WORKBENCH_WORKSPACE"] = "default"
    wb("workspace", "rm", "busy", "--yes", code=5)
    assert database.exists()
    wb("server", "stop")
    assert wb.json("workspace", "rm", "busy", "--yes")["removed"]
    assert not database.parent.exists()
    attach(wb, server)
    wb("compute", "adopt", server.name, "--from", "busy")
    wb("cancel", run)
