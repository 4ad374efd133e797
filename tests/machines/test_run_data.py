"""What a run finds of its data on its machine: in place, in the cache, fetched; told in command and variables."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.machines.ground import Ground, ground, untagged
from tests.machines.test_data_cache import serving
from workbench.remote.data.arriving import Arrival
from workbench.remote.data.cache import Cache, key_of, unverified_id
from workbench.remote.data.expressions import replaced
from workbench.remote.data.fingerprints import fingerprint
from workbench.remote.data.selection import list_files, select

__all__ = ["ground", "untagged"]


def cached(ground: Ground, files: dict[str, bytes]) -> str:
    """The key of a tree that is in the machine's cache."""
    cache = Cache(ground.machine.root, ground.machine.machine_id, ground.machine.boot_id)
    entries = [(path, len(body), hashlib.sha256(body).hexdigest()) for path, body in sorted(files.items())]
    key = key_of(entries)
    cache.want(key, entries)
    for body in files.values():
        arrival = Arrival(cache, hashlib.sha256(body).hexdigest(), len(body))
        if arrival.begin(0, lambda: None):
            arrival.write(body)
            arrival.settle()
        arrival.close()
    assert cache.seal(key)["ready"]
    return key


def end(status: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = status["transitions"][-1]
    return found


def warnings(ground: Ground, run: str) -> list[str]:
    lines = [
        json.loads(line)
        for path in ground.path(run, "records").glob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    return [line["v"] for line in lines if line["k"] == "warning"]


def test_a_run_finds_its_inputs_and_outputs(ground: Ground, tmp_path: Path) -> None:
    """AZ-57, AZ-58: by its argv, by environment variables, by `run.input_datasets`."""
    key = cached(ground, {"train/a.csv": b"1\n", "b.csv": b"2\n"})
    there = tmp_path / "data here"
    there.mkdir()
    (there / "c.csv").write_bytes(b"3\n")
    data = {
        "inputs": {
            "images": {"type": "uri_folder", "mode": "ro_mount", "key": key},
            "table": {"type": "uri_file", "mode": "download", "key": key, "file": "b.csv"},
            "here": {"type": "uri_folder", "mode": "ro_mount", "path": str(there)},
            "far": {"type": "uri_folder", "mode": "direct", "value": "s3://bucket/x"},
        },
        "outputs": {
            "model": {"type": "uri_folder", "mode": "rw_mount"},
            "scores": {"type": "uri_file", "mode": "rw_mount", "path": str(tmp_path / "kept/scores.txt")},
        },
    }
    script = (
        "import json, os, sys; from azureml.core import Run; run = Run.get_context();"
        "open(os.path.join(run.output_datasets['model'], 'm'), 'w').write('m');"
        "print(json.dumps([sys.argv[1:], run.input_datasets, os.environ['AZUREML_DATAREFERENCE_images'],"
        "os.environ['AZURE_ML_INPUT_table'], os.environ['AZURE_ML_OUTPUT_scores']]))"
    )
    words = ["${{inputs.images}}/train", "--at=${{inputs.here}}", "${{inputs.far}}", "${{ outputs.model }}"]
    status, output = ground.finish([sys.executable, "-c", script, *words], data=data)
    assert end(status)["state"] == "Completed", output
    argv, found, reference, table, scores = json.loads(output)
    tree = f"{ground.machine.root}/data/{key}/tree"
    outputs = ground.path(status["run"], "outputs")
    assert argv == [f"{tree}/train", f"--at={there}", "s3://bucket/x", str(outputs / "model")]
    assert found == {"images": tree, "table": f"{tree}/b.csv", "here": str(there), "far": "s3://bucket/x"}
    assert (reference, table, scores) == (tree, f"{tree}/b.csv", str(tmp_path / "kept/scores.txt"))
    assert (outputs / "model/m").read_text() == "m"
    assert (tmp_path / "kept").is_dir()


NASTY = ["a b.csv", "$(touch pwned).csv", "it's.csv", 'say "hi".csv', "`id`;rm -rf x.csv", "-n.csv", "ü.csv"]


@pytest.mark.parametrize("name", NASTY)
def test_no_name_of_a_file_becomes_a_command(name: str, ground: Ground) -> None:
    key = cached(ground, {name: b"7"})
    item = {"type": "uri_file", "mode": "ro_mount", "key": key, "file": name}
    text = (
        'cat ${{inputs.x}} "${{inputs.x}}" \'${{inputs.x}}\' # don\'t\ncat "${{inputs.x}}"; test ! -e pwned'
    )
    status, output = ground.finish(text, data={"inputs": {"x": item}})
    assert (end(status)["state"], output) == ("Completed", b"7777")


@pytest.mark.parametrize(
    "path", ["/d/a b", "/d/it's", '/d/"q"', "/d/$HOME`id`\\", "/d/x\ny", "/d/*", "/d/#a"]
)
def test_a_shell_takes_a_path_for_one_word_whatever_quotes_are_around(path: str) -> None:
    text = "printf '%s|' ${{inputs.x}} \"${{inputs.x}}\" '${{inputs.x}}' p${{inputs.x}} # it's ${{inputs.x}}"
    if "\n" in path:
        text = text.partition(" #")[0]
    made = replaced(text, {"inputs": {"x": path}, "outputs": {}})
    shown = subprocess.run(["/bin/sh", "-c", made], capture_output=True, text=True, check=True).stdout
    assert shown == f"{path}|{path}|{path}|p{path}|"


def test_data_that_is_not_there_fails_before_a_lease_and_says_so(ground: Ground, tmp_path: Path) -> None:
    one = {"type": "uri_folder", "mode": "ro_mount"}
    (tmp_path / "file").write_text("x")
    for item, words in (
        ({**one, "path": str(tmp_path / "absent")}, "input x: .*absent on this machine: No such file"),
        ({**one, "path": str(tmp_path / "file")}, "is a file, and its type is uri_folder"),
        ({**one, "key": "0" * 64}, "not in this machine's cache any more"),
        (
            {"type": "uri_file", "mode": "ro_mount", "path": "/proc/self/mem",
             "fingerprint": {"hash": "0" * 64, "content": True}},
            "input x: /proc/self/mem: Input/output error",
        ),
    ):  # fmt: skip
        status, _ = ground.finish("true", data={"inputs": {"x": item}}, slots=1)
        assert (end(status)["state"], end(status)["cause"]) == ("Failed", "data")
        with pytest.raises(AssertionError, match=words):
            raise AssertionError(end(status)["message"])
        assert "Queued" not in [step["state"] for step in status["transitions"]]
    status, _ = ground.finish("cat ${{inputs.nope}}", data={"inputs": {}, "outputs": {"y": {}}})
    assert "there is no such input" in end(status)["message"]


def test_links_that_lead_nowhere_and_folders_without_files_are_data_too(
    ground: Ground, tmp_path: Path
) -> None:
    there, empty = tmp_path / "data", tmp_path / "empty"
    there.mkdir()
    empty.mkdir()
    (there / "a").write_text("1")
    for name, to in (("gone", "absent"), ("round", "round"), ("through", "a/b")):
        (there / name).symlink_to(to)
    one = {"type": "uri_folder", "mode": "ro_mount"}
    item = {**one, "path": str(there), "fingerprint": fingerprint(os.fsencode(there))}
    status, _ = ground.finish("true", data={"inputs": {"x": item}})
    assert end(status)["state"] == "Completed", end(status)
    item = {**one, "paths": [str(empty), str(tmp_path / "empty")]}
    status, _ = ground.finish("test -d ${{inputs.x}}", data={"inputs": {"x": item}})
    assert end(status)["state"] == "Completed", end(status)


def test_data_that_changed_on_its_machine_is_refused_or_warned_of(ground: Ground, tmp_path: Path) -> None:
    """AZ-63: the same version never silently holds other bytes."""
    there = tmp_path / "data"
    there.mkdir()
    (there / "a").write_text("1")
    known = fingerprint(os.fsencode(there))
    item = {"type": "uri_folder", "mode": "ro_mount", "path": str(there), "asset": "data:digits:3"}
    data: dict[str, Any] = {"inputs": {"x": {**item, "fingerprint": known}}}
    status, _ = ground.finish("true", data=data)
    assert end(status)["state"] == "Completed"
    (there / "b").write_text("22")
    status, _ = ground.finish("true", data=data)
    assert end(status)["cause"] == "data"
    assert "data:digits:3 on this machine" in end(status)["message"]
    assert "2 files, 3 B, then 1 files, 1 B" in end(status)["message"]
    status, _ = ground.finish("true", data={**data, "changed": "warn"})
    assert end(status)["state"] == "Completed"
    assert any("is not what it was" in text for text in warnings(ground, status["run"]))


@pytest.mark.parametrize("contents", [False, True])
def test_files_of_patterns_that_changed_are_noticed_too(
    ground: Ground, tmp_path: Path, contents: bool
) -> None:
    """AZ-63: whether a version is a folder, several paths or a pattern."""
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text(name)
    paths = [f"{tmp_path}/[ab].csv", f"{tmp_path}/c.csv"]
    known = list_files(select(paths), contents, lambda files, size: None, lambda entries: None)
    item = {"type": "uri_folder", "mode": "ro_mount", "paths": paths, "asset": "data:digits:3"}
    data: dict[str, Any] = {"inputs": {"x": {**item, "fingerprint": known}}}
    status, output = ground.finish("cat ${{inputs.x}}/*", data=data)
    assert (end(status)["state"], output) == ("Completed", b"abc")
    os.utime(tmp_path / "a.csv", (1, 1))
    status, _ = ground.finish("true", data=data)
    assert end(status)["state"] == ("Completed" if contents else "Failed")
    (tmp_path / "a.csv").write_text("x")
    status, _ = ground.finish("true", data=data)
    assert end(status)["cause"] == "data"
    assert "is not what it was when it was registered" in end(status)["message"]


def test_a_copy_to_write_to_is_the_runs_own(ground: Ground) -> None:
    """rw_mount of what is in the cache: the cache stays as it is."""
    key = cached(ground, {"d/a": b"1"})
    item = {"type": "uri_folder", "mode": "rw_mount", "key": key}
    status, output = ground.finish(
        "echo 2 >> ${{inputs.x}}/d/a; cat ${{inputs.x}}/d/a", data={"inputs": {"x": item}}
    )
    assert output == b"12\n"
    assert Path(ground.machine.root, "data", key, "tree/d/a").read_bytes() == b"1"
    assert ground.path(status["run"], "inputs/x/d/a").exists()


def test_a_machine_fetches_by_itself_while_it_prepares(ground: Ground) -> None:
    """AZ-59: before the run; what it says meanwhile stands in its status, and nobody here is needed."""
    body = os.urandom(3 << 20)
    with serving() as web:
        web.bodies["/data.bin"] = body
        identity = unverified_id(web.url, "data.bin", len(body), '"1"')
        entries = [("data.bin", len(body), identity)]
        cache = Cache(ground.machine.root, ground.machine.machine_id, ground.machine.boot_id)
        cache.want(key_of(entries), entries)
        item = {
            "type": "uri_file", "mode": "ro_mount", "key": key_of(entries), "file": "data.bin",
            "fetch": [{"id": identity, "size": len(body), "url": web.url + "/data.bin", "etag": '"1"'}],
        }  # fmt: skip
        status, output = ground.finish("sha256sum < ${{inputs.x}}", data={"inputs": {"x": item}})
        assert output.decode().split()[0] == hashlib.sha256(body).hexdigest(), end(status)
        web.etag = '"2"'
        asked = len(web.asked)
        ground.finish("true", data={"inputs": {"x": item}})
        assert len(web.asked) == asked, "it is in the cache"


def test_a_supervisor_killed_while_it_fetches_leaves_nothing_broken(ground: Ground) -> None:
    body = os.urandom(2 << 20)
    with serving() as web:
        web.bodies["/a"] = body
        web.pause = 0.2
        identity = unverified_id(web.url, "a", len(body), '"1"')
        entries = [("a", len(body), identity)]
        cache = Cache(ground.machine.root, ground.machine.machine_id, ground.machine.boot_id)
        cache.want(key_of(entries), entries)
        fetch = [{"id": identity, "size": len(body), "url": web.url + "/a", "etag": '"1"'}]
        item = {"type": "uri_file", "mode": "ro_mount", "key": key_of(entries), "file": "a", "fetch": fetch}
        run = ground.submit("true", data={"inputs": {"x": item}})
        ground.wait(run, "Preparing")
        ground.kill(run, "supervisor")
        assert end(ground.wait(run))["cause"] == "supervisor_lost"
        web.pause = 0
        status, output = ground.finish("sha256sum < ${{inputs.x}}", data={"inputs": {"x": item}})
        assert output.decode().split()[0] == hashlib.sha256(body).hexdigest(), end(status)


def test_an_ordinary_user_cannot_write_to_an_input(ground: Ground) -> None:
    """AZ-62: neither to a file, nor beside it; root without its capabilities is such a user."""
    key = cached(ground, {"d/a": b"1"})
    item = {"type": "uri_folder", "mode": "ro_mount", "key": key}
    plain = "setpriv --inh-caps=-all --bounding-set=-all " if os.getuid() == 0 else ""
    script = "echo 2 > ${{inputs.x}}/d/a || echo kept; touch ${{inputs.x}}/d/b || echo kept; rm -f ${{inputs.x}}/d/a"
    text = f"{plain}sh -c '{script}' 2>&1; cat ${{{{inputs.x}}}}/d/a"
    _, output = ground.finish(text, data={"inputs": {"x": item}})
    assert output.count(b"kept\n") == 2, output
    assert output.endswith(b"1"), output
