"""Runs handed on in one file: from one home into another, whole, again when they are newer, never hostile ones."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.machines.settled import settled
from workbench import RunHandle, Workspace
from workbench.entities.configuration import RunConfiguration
from workbench.entities.run_bundle import BundleEntry
from workbench.errors import Conflict, UsageError
from workbench.home import Home
from workbench.runs.bundles import own_digest
from workbench.workspace.bundles import is_bundle

TRAIN = """\
import sys
from workbench.remote.tracking.run import Run
run = Run.get_context()
for step in range(5000):
    run.log("loss", 1 / (step + 1))
run.log("loss", float("nan")); run.log("up", float("inf")); run.log("phase", "warm up")
run.log_row("rows", a=1, b="x"); run.log_table("table", {"c": [1, 2]})
run.tag("kept", "yes")
open("outputs/model.txt", "w").write("weights" * 1000)
print("\\x1b[31mhello\\x1b[0m from", sys.argv[1:])
"""


def opened(folder: Path) -> Workspace:
    return Workspace.open("default", embedded=True, home=Home(folder / "home", folder / "run"))


def submitted(workspace: Workspace, **configuration: Any) -> RunHandle:
    return workspace.submit(RunConfiguration(**configuration))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, str, Path]]:
    """A home with a run that is over, its id, and the file it was written to."""
    folder = tmp_path_factory.mktemp("giver")
    with opened(folder) as giver:
        place = {"root": str(settled(folder / "root")), "lease_dir": str(folder / "leases")}
        giver.call("compute", "set", name="local", changes=place)
        giver.call("compute", "facts", name="local")
        code = folder / "code"
        code.mkdir()
        (code / "train.py").write_text(TRAIN)
        (code / "empty").mkdir()
        (code / "run.sh").write_text("#!/bin/sh\n")
        (code / "run.sh").chmod(0o755)
        run = submitted(
            giver, command=["python3", "train.py", "--lr", "0.1"], code=str(code), experiment="mnist"
        )
        run.wait_for_completion(show_output=False)
        giver.call("runs", "describe", run=run.id, description="# Why\nit **works**", name="the \x1b[2Jbest")
        to = folder / "it.wb"
        giver.export_runs([run.id], to)
        yield giver, run.id, to


def everything(workspace: Workspace, run: str) -> dict[str, Any]:
    """All that a face can show of a run."""
    client, found = workspace, {}
    for method in ("get", "metrics", "values", "rows", "texts", "evaluations", "distributions", "files", "artifacts",
                   "warnings", "snapshot", "git_diff", "configuration", "log_extent"):  # fmt: skip
        found[method] = client.call("runs", method, run=run)
    for series in found["metrics"]:
        found[series["name"]] = client.call("runs", "points", run=run, name=series["name"])
        found["env " + series["name"]] = client.call(
            "runs", "envelope", run=run, name=series["name"], buckets=50
        )
    found["log"] = b"".join(client.read("runs", "logs", run=run))
    found["code"] = b"".join(client.read("runs", "snapshot_zip", run=run))
    for file in found["files"]:
        found[file["path"]] = b"".join(client.read("runs", "download", run=run, path=file["path"]))
    return found


def test_a_run_is_the_same_in_another_home(bundle: tuple[Workspace, str, Path], tmp_path: Path) -> None:
    giver, run, file = bundle
    with opened(tmp_path) as taker:
        assert [(one.run, one.state) for one in taker.bring_bundle(file)] == [(run, "new")]
        here, there = everything(giver, run), everything(taker, run)
        for name in here:
            assert there[name] == here[name], name
        assert b"hello" in there["log"]
        assert there["outputs/model.txt"] == b"weights" * 1000
        facts = taker.call("compute", "get", name="local")
        assert not facts.get("facts")
        compared = giver.call("runs", "compare", runs=[run, run], all=True)
        again = taker.call("runs", "compare", runs=[run, run], all=True)
        for part in ("params", "metrics", "facts", "packages", "code", "tags"):
            assert again[part] == compared[part], part
        assert compared["facts"]["hostname"][0]
        assert taker.call("runs", "list", filter="note~works loss>0 tags.kept=yes or id~01")[0]["id"] == run


def test_again_changes_nothing_and_a_newer_one_what_is_new(
    bundle: tuple[Workspace, str, Path], tmp_path: Path
) -> None:
    giver, run, file = bundle
    with opened(tmp_path) as taker:
        taker.bring_bundle(file)
        before = everything(taker, run)
        assert [one.state for one in taker.bring_bundle(file)] == ["known"]
        assert everything(taker, run) == before
        taker.call("runs", "describe", run=run, description="my own words")
        giver.call("runs", "tag", run=run, set={"later": "1"})
        newer = tmp_path / "newer.wb"
        giver.export_runs([run], newer)
        assert [one.state for one in taker.bring_bundle(newer)] == ["updated"]
        found = taker.call("runs", "get", run=run)
        assert (found["description"], found["tags"]["later"]) == ("my own words", "1")
        assert found["metrics"] == before["get"]["metrics"]
        assert [one.state for one in taker.bring_bundle(file)] == ["older"]
        assert [one.state for one in giver.bring_bundle(newer)] == ["known"]
        taker.call("runs", "remove", run=run)
        assert giver.call("runs", "file_hash", run=run, path="outputs/model.txt")["sha256"]
        assert [one.state for one in taker.bring_bundle(newer)] == ["new"]
        giver.call("runs", "tag", run=run, remove=["later"])


def test_what_is_no_file_for_others_is_said(bundle: tuple[Workspace, str, Path], tmp_path: Path) -> None:
    giver, run, file = bundle
    with pytest.raises(Conflict):
        giver.export_runs([run], file)
    going = submitted(giver, command=["sleep", "600"], snapshot_code=False)
    with pytest.raises(Conflict, match="is not over"):
        giver.export_runs([going.id], tmp_path / "x.wb")
    going.cancel()
    going.wait_for_completion(show_output=False, raise_on_error=False)
    with pytest.raises(UsageError, match="is no bundle"):
        giver.bring_bundle(Path(__file__))


Change = Callable[[dict[str, bytes]], None]


def rewritten(file: Path, to: Path, change: Change) -> Path:
    """A bundle of the same entries after a change, its manifest as it was."""
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with warnings.catch_warnings(), zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # a name may stand twice
        for name, data in entries.items():
            archive.writestr(name.rstrip("*"), data)
    return to


def told(**changes: Any) -> Change:
    """The manifest says something else."""

    def change(entries: dict[str, bytes]) -> None:
        entries["bundle.json"] = json.dumps({**json.loads(entries["bundle.json"]), **changes}).encode()

    return change


def added(name: str, data: bytes = b"x", listed: bool = True) -> Change:
    """One entry more, and told of."""

    def change(entries: dict[str, bytes]) -> None:
        entries[name] = data
        manifest = json.loads(entries["bundle.json"])
        if listed:
            manifest["entries"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        entries["bundle.json"] = json.dumps(manifest).encode()

    return change


def bent(text: bytes, into: bytes) -> Change:
    """Another text in the row of the run."""

    def change(entries: dict[str, bytes]) -> None:
        (name,) = [name for name in entries if name.endswith("/run.json")]
        assert text in entries[name]
        entries[name] = entries[name].replace(text, into)

    return change


@pytest.mark.parametrize(("change", "words"), [
    (told(version=99), "version 99"),
    (told(form="something"), "another kind"),
    (told(runs={"../../x": "0"}), "does not fit"),
    (told(entries={}), "not those it tells of"),
    (added("../../evil"), "no bundle"),
    (added("/etc/evil"), "no bundle"),
    (added("runs/x/../../evil"), "no bundle"),
    (added("a/b"), "no place for an entry"),
    (added("blobs/" + "0" * 64, listed=False), "not those it tells of"),
    (added("bundle.json*", b"{}", listed=False), "no bundle|stands twice"),
    (bent(b'"status":"Completed"', b'"status":"Running"'), "damaged"),
    (bent(b'"experiment":"mnist"', b'"experiment":"../x"'), "damaged"),
    (lambda entries: entries.pop("bundle.json"), "no bundle.json"),
])  # fmt: skip
def test_hostile_bundles_are_refused_and_nothing_is_left(
    bundle: tuple[Workspace, str, Path], tmp_path: Path, change: Change, words: str
) -> None:
    file = rewritten(bundle[2], tmp_path / "evil.wb", change)
    with opened(tmp_path) as taker:
        with pytest.raises(UsageError, match=words) as caught:
            taker.bring_bundle(file)
        assert caught.value.hint
        assert taker.call("runs", "list") == []
    assert not list(tmp_path.rglob("evil"))
    assert not list((tmp_path / "home").rglob("upload-*"))


def consistent(entries: dict[str, bytes]) -> None:
    """The manifest says of all entries what is so."""
    manifest = json.loads(entries["bundle.json"])
    for name, data in entries.items():
        if name != "bundle.json":
            manifest["entries"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    known = {name: BundleEntry(**entry) for name, entry in manifest["entries"].items()}
    manifest["runs"] = {run: own_digest(run, known) for run in manifest["runs"]}
    entries["bundle.json"] = json.dumps(manifest).encode()


def bomb(entries: dict[str, bytes]) -> None:
    """Output that is small as long as nobody unpacks it."""
    (name,) = [name for name in entries if name.endswith("/output")]
    entries[name] = b"\0" * (60 << 20)


def lost(kind: str) -> Change:
    """A part is not there."""

    def change(entries: dict[str, bytes]) -> None:
        name = next(name for name in entries if kind in name)
        del entries[name]
        manifest = json.loads(entries["bundle.json"])
        del manifest["entries"][name]
        entries["bundle.json"] = json.dumps(manifest).encode()

    return change


@pytest.mark.parametrize("change", [
    bent(b'"status":"Completed"', b'"status":"Running"'),
    bent(b'"experiment":"mnist"', b'"experiment":"../x"'),
    bent(b'"stored":["outputs/model.txt"', b'"stored":["outputs/../../x"'),
    bent(b'"records":["records/', b'"records":["records/../'),
    bent(b'"attempt":1', b'"attempt":-1'),
    bent(b'"name":"the best"', b'"name":7'),
    bomb, lost("/records/0"), lost("/files/0"), lost("blobs/"),
])  # fmt: skip
def test_a_lie_that_fits_is_found_out_before_anything_is_changed(
    bundle: tuple[Workspace, str, Path], tmp_path: Path, change: Change
) -> None:
    def both(entries: dict[str, bytes]) -> None:
        change(entries)
        consistent(entries)

    file = rewritten(bundle[2], tmp_path / "evil.wb", both)
    with opened(tmp_path) as taker:
        with pytest.raises(UsageError, match="the bundle is damaged"):
            taker.bring_bundle(file)
        assert taker.call("runs", "list") == []


@pytest.mark.parametrize("cut", [0, 3, 100, -30])
def test_a_file_that_was_cut_is_no_bundle(
    bundle: tuple[Workspace, str, Path], tmp_path: Path, cut: int
) -> None:
    data = bundle[2].read_bytes()
    file = tmp_path / "cut.wb"
    file.write_bytes(data[:cut])
    with opened(tmp_path) as taker, pytest.raises(UsageError):
        taker.bring_bundle(file)
    assert io.BytesIO(data).read(2) == b"PK"
    renamed = file.rename(tmp_path / "cut")  # known by what it says of itself, as far as that is there
    assert is_bundle(renamed) is (cut not in (0, 3))
