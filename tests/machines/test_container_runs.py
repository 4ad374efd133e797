"""What else a run in a container has as any other: its data, several ranks, MLflow's endpoint (real podman)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.machines.ground import Ground, ground, untagged, until
from tests.machines.podman import SYSTEM, Podman, build_of, examined, known_images, podman
from tests.machines.test_ranks import TALK, asks, last, log_of
from tests.machines.test_run_data import cached
from tests.machines.test_run_logs_read import records
from tests.machines.test_run_mlflow import SCRIPT
from workbench.remote.processes import process_trees
from workbench.remote.supervision.cancel import cancel

__all__ = ["examined", "ground", "known_images", "podman", "untagged"]
pytestmark = pytest.mark.usefixtures("known_images")

READS = """
import json, os, sys
from azureml.core import Run
run = Run.get_context()
found = {}
for name, path in run.input_datasets.items():
    file = path if os.path.isfile(path) else sorted(os.path.join(at, one) for at, _, all in os.walk(path) for one in all)[0]
    try:
        open(file, "a").write("more")
        said = "written"
    except OSError as problem:
        said = problem.strerror
    found[name] = [path, open(file).read(), said]
for name in ("model", "scores"):
    place = run.output_datasets[name]
    with open(place if name == "scores" else os.path.join(place, "m"), "w") as file:
        file.write(name)
print(json.dumps([sys.argv[1:], found, os.environ["AZUREML_DATAREFERENCE_images"]]))
"""


def test_its_data_is_at_the_same_paths_and_cannot_be_written_to(
    ground: Ground, podman: Podman, tmp_path: Path
) -> None:
    """AZ-57 to AZ-60 hold in a container: inputs of each kind are mounted where they lie, read-only even for
    root; what is to be written to is not."""
    key = cached(ground, {"train/a.csv": b"1\n", "b.csv": b"2\n"})
    for name in ("here, and there", "own"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "c.csv").write_bytes(b"3\n")
    here, own = tmp_path / "here, and there", tmp_path / "own"
    data = {
        "inputs": {
            "images": {"type": "uri_folder", "mode": "ro_mount", "key": key},
            "table": {"type": "uri_file", "mode": "download", "key": key, "file": "b.csv"},
            "here": {"type": "uri_folder", "mode": "ro_mount", "path": str(here)},
            "own": {"type": "uri_folder", "mode": "rw_mount", "path": str(own)},
        },
        "outputs": {
            "model": {"type": "uri_folder", "mode": "rw_mount"},
            "scores": {"type": "uri_file", "mode": "rw_mount", "path": str(tmp_path / "kept/scores.txt")},
        },
    }
    command = ["python", "-c", READS, "${{inputs.images}}/train", "--at=${{inputs.here}}"]
    status, output = ground.finish(command, data=data, environment_build=build_of(podman, SYSTEM))
    assert last(status)["state"] == "Completed", output
    argv, found, reference = json.loads(output)
    tree = f"{ground.machine.root}/data/{key}/tree"
    assert argv == [f"{tree}/train", f"--at={here}"]
    assert reference == tree
    refused = "Read-only file system"
    assert found == {
        "images": [tree, "2\n", refused], "table": [f"{tree}/b.csv", "2\n", refused],
        "here": [str(here), "3\n", refused], "own": [str(own), "3\nmore", "written"],
    }  # fmt: skip
    assert ground.path(status["run"], "outputs/model/m").read_text() == "model"
    assert (tmp_path / "kept/scores.txt").read_text() == "scores"
    assert (own / "c.csv").read_text() == "3\nmore"


def test_ranks_meet_in_one_container(ground: Ground, podman: Podman) -> None:
    """AZ-148 in an image: its own python starts them, each knows its rank and has a log."""
    build = build_of(podman, SYSTEM)
    run = ground.submit(["python", "-c", TALK], distribution=asks(3), environment_build=build)
    status = ground.wait(run)
    assert last(status)["state"] == "Completed", (last(status), ground.output(run))
    for rank in range(3):
        assert log_of(ground, run, rank) == f"rank {rank} of 3 has 3\n"


def test_one_rank_that_fails_ends_the_others_in_it(ground: Ground, podman: Podman) -> None:
    code = "import os, time\nif os.environ['RANK'] == '1': raise SystemExit(7)\ntime.sleep(1000)"
    build = build_of(podman, SYSTEM)
    run = ground.submit(["python", "-c", code], distribution=asks(3), environment_build=build)
    end = last(ground.wait(run))
    assert (end["state"], end["cause"], end["exit_code"]) == ("Failed", "exit", 7)
    assert end["message"] == "rank 1 of 3 failed first: exit code 7"


def test_a_cancel_ends_all_ranks_in_it(ground: Ground, podman: Podman) -> None:
    """AZ-76: each is told, and nothing of them is left."""
    code = (
        "import os, signal, sys, time\n"
        "run, rank = os.environ['WORKBENCH_RUN_DIR'], os.environ['RANK']\n"
        "signal.signal(signal.SIGTERM, lambda *_: (open(run + '/outputs/told' + rank, 'w').close(), sys.exit(0)))\n"
        "open(run + '/ready' + rank, 'w').close()\n"
        "while True: time.sleep(0.1)\n"
    )
    build = build_of(podman, SYSTEM)
    run = ground.submit(["python", "-c", code], distribution=asks(2), environment_build=build, grace=20.0)
    until(lambda: all(ground.path(run, f"ready{rank}").exists() for rank in range(2)), "the ranks")
    inside = ground.folder_of(run).read_tree()
    cancel(ground.machine, run)
    assert last(ground.wait(run))["state"] == "Canceled"
    assert [ground.path(run, f"outputs/told{rank}").exists() for rank in range(2)] == [True, True]
    assert [one for one in inside if process_trees.alive(*one)] == []


def test_ranks_of_an_image_without_python_are_refused_in_words(ground: Ground, podman: Podman) -> None:
    run = ground.submit(["true"], distribution=asks(2), environment_build=build_of(podman))
    assert "the image has no python" in last(ground.wait(run))["message"]


def test_mlflows_endpoint_is_reached_from_inside(ground: Ground, podman: Podman) -> None:
    """What a script logs there is the run's; with a network of its own it is not told of an endpoint."""
    build = build_of(podman, SYSTEM)
    run = ground.submit(["python", "-c", SCRIPT, "-", "-"], mlflow=True, environment_build=build)
    assert last(ground.wait(run))["state"] == "Completed", ground.output(run)
    assert sorted(record["s"] for record in records(ground, run)) == [0, 1]
    alone = build_of(podman, SYSTEM, container={"docker_args": ["--network", "none"]})
    words = ["python", "-c", "import os; print([n for n in os.environ if n.startswith('MLFLOW')])"]
    status, output = ground.finish(words, mlflow=True, environment_build=alone)
    assert (last(status)["state"], output) == ("Completed", b"[]\n")


def test_files_it_writes_are_read_beside_it(ground: Ground, podman: Podman) -> None:
    """The companion on the machine follows what a script in the container writes in its working folder."""
    words = "print('step,loss'); print('0,0.5', flush=True)"
    code = f"import sys; sys.stdout = open('metrics.csv', 'w'); {words}"
    run = ground.submit(["python", "-c", code], ingest=True, environment_build=build_of(podman, SYSTEM))
    assert last(ground.wait(run))["state"] == "Completed", (ground.output(run), sys.version)
    found = [one for one in records(ground, run) if one.get("k") == "metric"]
    assert [(one["n"], one["v"]) for one in found] == [("loss", 0.5)]
