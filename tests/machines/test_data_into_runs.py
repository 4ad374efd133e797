"""Data into runs and out of them: from this side, other machines and the web, over real sshd machines."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.machines.data_runs import attach, data_of, ended, finish, output, submit, there
from tests.machines.rig import MakeServer, SshServer, until
from tests.machines.test_data_cache import serving
from tests.services import Services
from workbench.errors import Conflict, NotFound, UsageError

__all__ = ["there"]

MB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Data on this side."""
    made = tmp_path / "data"
    (made / "sub").mkdir(parents=True)
    (made / "a.csv").write_text("1,2\n")
    (made / "sub/b c.csv").write_text("3,4\n")
    return made


async def test_a_folder_here_is_on_the_machine_before_the_run_and_sent_once(
    there: Services, folder: Path, server: SshServer
) -> None:
    """AZ-57, AZ-59, AZ-60, AZ-62: and what it read is kept with the run."""
    inputs = {"x": {"path": str(folder)}}
    run, text = await finish(there, 'cat ${{inputs.x}}/a.csv "$AZURE_ML_INPUT_x"/sub/*', data_inputs=inputs)
    assert (run["status"], text) == ("Completed", "1,2\n3,4\n"), run
    row = (await data_of(there, run))["x"]
    assert (row["direction"], row["mechanism"], row["files"], row["bytes"], row["sent"]) == (
        "input", "cache", 2, 8, 8,
    )  # fmt: skip
    assert row["location"] == f"{server.home}/wb/data/{row['hash']}/tree"
    again, text = await finish(there, "ls ${{inputs.x}}", data_inputs=inputs)
    assert text.split() == ["a.csv", "sub"]
    assert (await data_of(there, again))["x"]["sent"] == 0
    one = {"x": {"path": str(folder / "a.csv"), "type": "uri_file"}}
    run, text = await finish(there, ["cat", "${{inputs.x}}"], data_inputs=one)
    assert text == "1,2\n", run["message"]
    assert (await data_of(there, run))["x"]["sent"] == 0, "its content is there already"


async def test_links_to_folders_are_told_of(there: Services, folder: Path, make_server: MakeServer) -> None:
    """What is not brought is not left out in silence, of this side or another machine."""
    for name in "abcde":
        (folder / f"link-{name}").symlink_to(folder / "sub")
    other = make_server("other")
    await attach(there, other, "other")
    (other.home / "set").mkdir()
    (other.home / "set/x").write_text("1")
    (other.home / "set/more").symlink_to("/")
    inputs = {"x": {"path": str(folder)}, "y": {"path": f"other:{other.home}/set"}}
    run, _ = await finish(there, "ls ${{inputs.x}} ${{inputs.y}}", data_inputs=inputs)
    told = sorted(await there.call("runs.warnings", run=run["id"]))
    assert told[0].startswith("input x: left out, being links to folders: link-")
    assert told[0].endswith(" and 2 more")
    assert told[1] == "input y: left out, being links to folders: more"


async def test_a_type_that_is_not_what_is_there_is_said(there: Services, folder: Path) -> None:
    wrong = {"x": {"path": str(folder), "type": "uri_file"}}
    run, _ = await finish(there, "true", data_inputs=wrong)
    assert run["status"] == "Failed"
    assert "is a folder, and its type is uri_file" in run["message"]
    with pytest.raises(UsageError, match="no absolute path"):
        await submit(there, "true", data_inputs={"x": {"path": "data/here"}})
    with pytest.raises(NotFound):
        await submit(there, "true", data_inputs={"x": {"path": "data:absent"}})


async def test_what_the_machine_has_is_used_in_place(there: Services, server: SshServer) -> None:
    """AZ-46: a version that says where it lies copies nothing; one path on that machine neither."""
    place = server.home / "imagenet"
    place.mkdir()
    (place / "x.bin").write_bytes(b"x" * 10)
    (place / "y.txt").write_bytes(b"y")
    await there.call("datasets.register", name="images", source={"paths": ["http://127.0.0.1:9/nothing.bin"]})
    await there.call("datasets.locate", dataset="images:1", set={"box": str(place)})
    run, text = await finish(there, "echo ${{inputs.x}}", data_inputs={"x": {"path": "data:images"}})
    assert text.strip() == str(place), run
    row = (await data_of(there, run))["x"]
    assert (row["mechanism"], row["asset"], row["location"]) == ("in place", "data:images:1", str(place))
    for path in (f"box:{place}", str(place)):
        run, text = await finish(
            there, "ls ${{inputs.x}}", data_inputs={"x": {"path": path, "mode": "direct"}}
        )
        assert text.split() == ["x.bin", "y.txt"]
    await there.call("datasets.register", name="some", source={"target": "box", "paths": [f"{place}/*.bin"]})
    run, text = await finish(there, "ls ${{inputs.x}}", data_inputs={"x": {"path": "data:some:1"}})
    assert text.split() == ["x.bin"]


async def test_another_machines_folder_comes_through_us(there: Services, make_server: MakeServer) -> None:
    """Neither machine reaches the other: what one has, the other gets over our two connections."""
    other = make_server("other")
    await attach(there, other, "other")
    place = other.home / "corpus"
    (place / "deep").mkdir(parents=True)
    body = os.urandom(3 * MB)
    (place / "deep/big.bin").write_bytes(body)
    (place / "small").write_text("s")
    run, text = await finish(
        there, "sha256sum < ${{inputs.x}}/deep/big.bin", data_inputs={"x": {"path": f"other:{place}"}}
    )
    assert text.split()[0] == hashlib.sha256(body).hexdigest(), run
    assert (await data_of(there, run))["x"]["sent"] == 3 * MB + 1
    run, _ = await finish(there, "true", data_inputs={"x": {"path": f"other:{place}"}})
    assert (await data_of(there, run))["x"]["sent"] == 0
    (place / "small").write_text("t")
    os.utime(place / "small", (9, 9))
    run, text = await finish(there, "cat ${{inputs.x}}/small", data_inputs={"x": {"path": f"other:{place}"}})
    assert text == "t", "another content is another file, and only that is sent"
    assert (await data_of(there, run))["x"]["sent"] == 1


async def test_the_web_is_fetched_by_the_machine(there: Services) -> None:
    with serving() as web:
        web.bodies["/iris.csv"] = b"5.1,3.5\n"
        run, text = await finish(
            there, "cat ${{inputs.x}}", data_inputs={"x": {"path": web.url + "/iris.csv", "type": "uri_file"}}
        )
        assert text == "5.1,3.5\n", run
        run, _ = await finish(
            there, "true", data_inputs={"x": {"path": web.url + "/absent", "type": "uri_file"}}
        )
        assert "404" in run["message"]
        signed = web.url + "/iris.csv?sig=SECRET"
        run, text = await finish(
            there, "cat ${{inputs.x}}", data_inputs={"x": {"path": signed, "type": "uri_file"}}
        )
        assert text == "5.1,3.5\n", run


async def test_what_a_server_tells_no_mark_of_is_fetched_each_time(there: Services) -> None:
    """Another content of the same size would pass for what is in the cache."""
    with serving() as web:
        web.etag = ""
        for body in (b"1st,1\n", b"2nd,2\n"):
            web.bodies["/x.csv"] = body
            run, text = await finish(
                there,
                "cat ${{inputs.x}}",
                data_inputs={"x": {"path": web.url + "/x.csv", "type": "uri_file"}},
            )
            assert text == body.decode(), run


async def test_a_file_that_changes_while_it_is_sent_fails_the_run_in_words(
    there: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workbench.runs.data import folder_origin

    big = tmp_path / "big.bin"
    big.write_bytes(b"x" * 4 * MB)
    plain = folder_origin.FolderOrigin._hash

    def hashed(self: Any, path: Path) -> str:
        found = plain(self, path)
        with open(path, "ab") as file:
            file.write(b"more")
        return found

    monkeypatch.setattr(folder_origin.FolderOrigin, "_hash", hashed)
    run, _ = await finish(there, "true", data_inputs={"x": {"path": str(big), "type": "uri_file"}})
    assert run["status"] == "Failed"
    assert "changed while it was sent" in run["message"]


async def test_an_output_becomes_a_version_where_it_lies(there: Services, server: SshServer) -> None:
    """Registered when the run completes, located at its machine, fingerprinted there; lineage both ways."""
    outputs = {"clean": {"name": "cleaned"}, "plain": {}, "none": {"name": "nothing"}}
    run, _ = await finish(
        there, "echo 1 > ${{outputs.clean}}/a; echo 2 > ${{outputs.plain}}/b", outputs=outputs
    )
    assert run["status"] == "Completed", run
    version = await there.call("datasets.get", dataset="cleaned")
    place = f"{server.home}/wb/runs/{run['id']}/outputs/clean"
    assert version["locations"] == {"box": place}
    assert (version["run"], version["fingerprint"]["files"], version["fingerprint"]["made_on"]) == (
        run["id"], 1, "box",
    )  # fmt: skip
    rows = await data_of(there, run)
    assert (rows["clean"]["asset"], rows["clean"]["state"]) == ("data:cleaned:1", "ready")
    assert (rows["none"]["state"], "nothing was written" in rows["none"]["problem"]) == ("failed", True)
    assert "nothing was written" in (await there.call("runs.warnings", run=run["id"]))[0]
    with pytest.raises(NotFound):
        await there.call("datasets.get", dataset="nothing")

    reader, text = await finish(there, "cat ${{inputs.x}}/a", data_inputs={"x": {"path": "data:cleaned"}})
    assert text == "1\n", reader
    lineage = await there.call("datasets.lineage", dataset="cleaned:1")
    assert lineage["made_by"]["id"] == run["id"]
    assert [item["id"] for item in lineage["read_by"]] == [reader["id"]]

    (Path(place) / "a").write_text("other")
    changed, _ = await finish(there, "true", data_inputs={"x": {"path": "data:cleaned:1"}})
    assert (changed["status"], changed["cause"]) == ("Failed", "data")
    assert "is not what it was when it was registered" in changed["message"]


async def test_nothing_is_registered_of_a_run_that_failed(there: Services) -> None:
    run, _ = await finish(there, "echo 1 > ${{outputs.x}}/a; exit 3", outputs={"x": {"name": "bad"}})
    assert (await data_of(there, run))["x"]["state"] == "failed"
    with pytest.raises(NotFound):
        await there.call("datasets.get", dataset="bad")


async def test_an_upload_goes_on_when_the_machine_is_back(
    there: Services, server: SshServer, tmp_path: Path
) -> None:
    """The connection is cut in the middle of 64 MB: the run waits, says so, and goes on from there."""
    body = os.urandom(64 * MB)
    big = tmp_path / "big.bin"
    big.write_bytes(body)
    partials = server.home / "wb/data/files"
    run = await submit(
        there, "sha256sum < ${{inputs.x}}", data_inputs={"x": {"path": str(big), "type": "uri_file"}}
    )

    def arrived() -> int:
        return sum(path.stat().st_size for path in partials.glob("*/*.partial"))

    await until(lambda: arrived() >= 8 * MB, "some of it")
    server.drop_sessions()
    kept = arrived()
    run = await ended(there, run)
    assert (await output(there, run)).split()[0] == hashlib.sha256(body).hexdigest(), run
    sent = (await data_of(there, run))["x"]["sent"]
    assert sent <= 64 * MB - kept + 16 * MB, (sent, kept)


async def test_two_runs_with_the_same_data_bring_it_once(there: Services, tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(8 * MB))
    inputs = {"x": {"path": str(big), "type": "uri_file"}}
    started = [await submit(there, "wc -c < ${{inputs.x}}", data_inputs=inputs) for _ in range(3)]
    over = [await ended(there, run) for run in started]
    assert [run["status"] for run in over] == ["Completed"] * 3
    sent = [(await data_of(there, run))["x"]["sent"] for run in over]
    assert sorted(sent) == [0, 0, 8 * MB]


async def test_a_run_is_canceled_while_its_data_is_sent(there: Services, tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(96 * MB))
    run = await submit(there, "true", data_inputs={"x": {"path": str(big), "type": "uri_file"}})
    canceled = await there.call("runs.cancel", run=run["id"])
    assert (canceled["status"], canceled["message"]) == ("Canceled", "canceled before it was sent")
    assert signal.SIGTERM  # nothing of it runs anywhere


async def test_a_run_that_holds_a_versions_files_is_not_removed(there: Services) -> None:
    run, _ = await finish(there, "echo 1 > ${{outputs.x}}/a", outputs={"x": {"name": "held"}})
    with pytest.raises(Conflict, match="the files of data:held:1 lie in its folder"):
        await there.call("runs.remove", run=run["id"])
    plan = await there.call("compute.prune_plan", name="box", older=0)
    assert plan["stays"][run["id"]] == "registered"
    await there.call("datasets.remove", dataset="held:1")
    await there.call("runs.remove", run=run["id"])


async def test_the_cache_is_counted_and_pruned_by_use(
    there: Services, folder: Path, server: SshServer, tmp_path: Path
) -> None:
    """What a run that is not over needs stays, and so does what was wanted a moment ago."""
    inputs = {"x": {"path": str(folder)}}
    run, _ = await finish(there, "true", data_inputs=inputs)
    key = (await data_of(there, run))["x"]["hash"]
    cache = server.home / "wb/data"
    (folder / "new").write_text("new")
    go = tmp_path / "go"
    living = await submit(there, f"while ! test -e {go}; do sleep 0.05; done", data_inputs=inputs)
    try:
        async with asyncio.timeout(60):
            async for item in there.items("runs.watch", run=living["id"]):
                if item["run"]["status"] == "Running":
                    break
        used = (await data_of(there, living))["x"]["hash"]
        held = [item async for item in there.items("compute.du", name="box")][-1]["holdings"]["data"]
        assert {item["id"]: item["name"] for item in held} == {key: str(folder), used: str(folder)}
        plan = await there.call("compute.prune_plan", name="box", older=0)
        assert not [item for item in plan["remove"] if item["kind"] == "data"], "wanted a moment ago"
        for one in (key, used):
            os.utime(cache / one / "ready", (1, 1))
        plan = await there.call("compute.prune_plan", name="box", older=86400 * 30)
        assert [item["id"] for item in plan["remove"] if item["kind"] == "data"] == [key]
        told = [item async for item in there.items("compute.prune", name="box", data=[key, used])]
        assert {"kept": {"data": used, "why": "a run needs it"}} in told
        assert told[-1]["data"] == 1
        assert not (cache / key).exists()
        assert (cache / used / "tree/a.csv").read_text() == "1,2\n"
    finally:
        go.touch()
        await ended(there, living)
    os.utime(cache / used / "ready", (1, 1))
    told = [item async for item in there.items("compute.prune", name="box", data=[used])]
    assert told[-1]["data"] == 1
    assert not [path for path in cache.rglob("*") if path.is_file()]


async def test_a_models_files_are_sent_and_what_came_of_it_is_known(there: Services) -> None:
    """azureml:NAME:VERSION of an input that is a model is a version of ours; data -> run -> model."""
    run, _ = await finish(
        there,
        "mkdir outputs/m; echo weights > outputs/m/w; echo 1 > ${{outputs.d}}/a",
        outputs={"d": {"name": "features"}},
    )
    items = there.items("models.register_run", name="churn", run=run["id"], path="outputs/m", facts={})
    assert [item async for item in items][-1]["version"]["version"] == 1
    reader, text = await finish(
        there,
        "cat ${{inputs.m}}/w; echo 2 > outputs/p",
        data_inputs={
            "m": {"type": "custom_model", "path": "azureml:churn@latest"},
            "d": {"path": "data:features"},
        },
    )
    assert text == "weights\n", reader
    row = (await data_of(there, reader))["m"]
    assert (row["asset"], row["mechanism"]) == ("model:churn:1", "cache")
    items = there.items("models.register_run", name="better", run=reader["id"], path="outputs/p", facts={})
    assert [item async for item in items][-1]["version"]["one_file"]
    lineage = await there.call("datasets.lineage", dataset="features:1")
    assert [model["name"] for model in lineage["models"]] == ["better"]
    one, text = await finish(
        there, "cat ${{inputs.m}}", data_inputs={"m": {"type": "custom_model", "path": "model:better:1"}}
    )
    assert text == "2\n", one


async def test_addresses_of_the_cloud_lead_to_where_the_bytes_are_here(there: Services, folder: Path) -> None:
    hosted = "wasbs://data@account.blob.core.windows.net/sets"
    asked = {"x": {"path": f"{hosted}/sub"}}
    with pytest.raises(UsageError, match="no address of the web"):
        await submit(there, "true", data_inputs=asked)
    await there.call("workspace.map", kind="data", hosted=hosted, ours=str(folder))
    run, text = await finish(there, "ls ${{inputs.x}}", data_inputs=asked)
    assert text == "b c.csv\n", run


async def test_versions_of_data_are_compared(there: Services, server: SshServer) -> None:
    place = server.home / "d"
    place.mkdir()
    (place / "a").write_text("1")
    for _ in range(2):
        source = {"target": "box", "paths": [str(place)]}
        await there.call("datasets.register", name="d", source=source, new_version=True)
    ran = [
        (await finish(there, "true", data_inputs={"x": {"path": f"data:d:{version}"}}))[0]["id"]
        for version in (1, 2)
    ]
    facts = (await there.call("runs.compare", runs=ran))["facts"]
    assert facts["input x"] == ["data:d:1", "data:d:2"]
