"""Tracking by real processes: forks, threads, kills, full disks, and every Python from 3.6."""

from __future__ import annotations

import collections
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.machines.inside import RUN, InsideRun, interpreters
from tests.record_files import read_file, read_run
from workbench.remote.forms import protocol


@pytest.fixture
def inside(tmp_path):
    return InsideRun(tmp_path)


def script(inside: InsideRun, text: str) -> str:
    path = inside.folder / "code" / "train.py"
    path.write_text(textwrap.dedent(text))
    return str(path)


def counted(inside: InsideRun) -> collections.Counter[tuple[str, float]]:
    return collections.Counter((r["n"], r["v"]) for r in read_run(inside.folder) if r["k"] == "metric")


EVERY_CALL = """
    import argparse, fractions, warnings
    from workbench import Run
    import workbench

    warnings.simplefilter("ignore")
    run = Run.get_context(allow_offline=False)
    run.log("loss", 0.5); run.log("loss", 1e-9); run.log("acc", 1, step=3); run.log("acc", 2, "how good", 4)
    run.log("odd", fractions.Fraction(1, 3)); run.log("text", "warm up"); run.log("bool", True)
    run.log("nan", float("nan")); run.log("l", [1, 2]); run.log(); run.log("a", "b", "c", "d", "e", f=1)
    run.log("n\\ud800\\n", 2 ** 70)
    run.log_list("list", range(3)); run.log_row("row", a=1, name="x"); run.log_table("table", {"y": [1]})
    run.log_confusion_matrix("cm", {"schema_type": "confusion_matrix", "schema_version": "v1",
                                    "data": {"class_labels": ["a"], "matrix": [[1]]}})
    run.log_params({"lr": 3e-4}); run.log_params(argparse.Namespace(n=2)); run.log_param("p", None)
    run.tag("bare"); run.tag("k", 1); run.add_properties({"p": "v"}); run.add_properties({"p": "w"})
    open("model", "w").write("weights")
    run.upload_file("model", "model"); run.upload_folder("all", "."); run.log_image("i")
    run.register_model("m", model_path="outputs/model")
    workbench.log("loss", 2.5); workbench.log_row("row", a=2); workbench.tag("t")
    run.flush()
    assert run.get_metrics()["loss"] == [0.5, 1e-9, 2.5], run.get_metrics()
    assert run.get_metrics("row") == {"row": {"a": [1, 2], "name": ["x", None]}}
    assert run.get_tags() == {"bare": None, "k": "1", "t": None} and run.get_properties() == {"p": "v"}
    assert run.experiment.name == "default" and run.parent is None and run.rank == 2 and run.name == run.id
    assert run.input_datasets == {"x": "/data"} and run.get_secret("nope") is None
    with run.child_run("fold 1") as child:
        child.log("loss", 0.1); child.tag("fold", 1); child.child_run().log("loss", 0.2)
    assert [c.status for c in run.get_children()] == ["Completed"], run.get_children()
    assert len(run.get_children(recursive=True)) == 2 and child.parent is run
    assert len(run.create_children(count=2)) == 2
    with run:
        run.log("last", 1)
    print("ok")
"""


@pytest.mark.parametrize("python", interpreters())
def test_every_call_in_every_python(inside, python):
    """AZ-93, AZ-95, AZ-97, AZ-98, AZ-99, AZ-106 from the payload alone, 3.6 to the newest."""
    environment = inside.environment(python, RANK="2", WORKBENCH_INPUT_x="/data")
    out, err = inside.output(["python", script(inside, EVERY_CALL)], environment)
    assert (out, err) == ("ok\n", "")
    children = [path for path in (inside.folder / "records").iterdir() if "child" in read_file(path)[0]]
    assert len(children) == 4
    [path] = set((inside.folder / "records").iterdir()) - set(children)
    header, *records = read_file(path)
    assert (header["run"], header["rank"], header["attempt"]) == (RUN, 2, 1)
    assert {r["k"] for r in records} == protocol.RECORD_KINDS - {protocol.RECORD_ENVIRONMENT}
    assert all(type(r["t"]) is float and 0 <= r["t"] < 600 for r in records)
    assert records[-1]["v"] == "Completed"
    assert (inside.folder / "outputs" / "model").read_text() == "weights"


@pytest.mark.parametrize("python", interpreters())
def test_forks_spawns_and_threads_at_once(inside, python):
    """Every record is there exactly once, in a file of the process that wrote it."""
    text = """
        import multiprocessing, os, sys, threading
        from workbench import Run

        run = Run.get_context()

        def work(who, passed=None):
            def log(thread):
                for n in range(50):
                    (passed or run).log("%s/%d" % (who, thread), n)
            threads = [threading.Thread(target=log, args=(t,)) for t in range(3)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()

        if __name__ == "__main__":
            run.log("main/before", 0)
            children = []
            for n in range(3):
                pid = os.fork()
                if pid == 0:
                    work("fork%d" % n)
                    if os.fork() == 0:
                        work("grandchild%d" % n)
                    else:
                        os.wait()
                    os._exit(0)
                children.append(pid)
            for kind in ("fork", "spawn"):
                context = multiprocessing.get_context(kind)
                for n in (10, 11):
                    children.append(context.Process(target=work, args=("%s%d" % (kind, n), run)))
                    children[-1].start()
            work("main")
            for child in children:
                if isinstance(child, int):
                    assert os.waitpid(child, 0)[1] == 0
                else:
                    child.join()
                    assert child.exitcode == 0
            run.log("main/after", 0)
    """
    environment = inside.environment(python, PYTHONWARNINGS="ignore")
    inside.output(["python", script(inside, text)], environment)
    whos = ["main", "spawn10", "spawn11", *(f"fork{n}" for n in (0, 1, 2, 10, 11))]
    whos += [f"grandchild{n}" for n in range(3)]
    wanted = {(f"{who}/{thread}", n): 1 for who in whos for thread in range(3) for n in range(50)}
    wanted.update({("main/before", 0): 1, ("main/after", 0): 1})
    assert counted(inside) == wanted
    for path in (inside.folder / "records").iterdir():
        header, *records = read_file(path)
        assert path.name.startswith(f"{header['pid']}-")
        assert len({r["n"].split("/")[0] for r in records}) == 1
    assert len(list((inside.folder / "records").iterdir())) == len(whos)


def written(inside: InsideRun) -> int:
    return sum(path.stat().st_size for path in (inside.folder / "records").iterdir())


def test_kill_9_tears_at_most_the_last_line(inside):
    text = """
        from workbench import Run
        run = Run.get_context()
        n = 0
        print("started", flush=True)
        while True:
            run.log("loss", n)
            run.log_list("list", [n] * 3000)
            n += 1
    """
    for _ in range(5):
        process = inside.start(["python", script(inside, text)], inside.environment())
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline and written(inside) < 1 << 20:
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        [path] = (inside.folder / "records").iterdir()
        lines = path.read_bytes().split(b"\n")
        records = [json.loads(line) for line in lines[:-1]]
        values = [r["v"] for r in records if r.get("n") == "loss"]
        assert values == list(range(len(values)))
        assert len(values) > 3
        path.unlink()


FULL = """
    import resource, sys, warnings
    from workbench import Run
    run = Run.get_context()
    {before}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for n in range(40000):
            run.log("loss", n)
            run.log("named %d" % n, n, step=n)
        run.log_list("list", range(5000))
        run.upload_file("big", __file__)
    {after}
    said = [str(w.message) for w in caught if "cannot be written" in str(w.message)]
    assert len(said) == 1, caught
    assert run._records.file.dropped > 1000
    run.log("again", 1)
    run.log("again", 2)
    print("survived")
"""


def check_full(inside: InsideRun) -> None:
    [path] = (inside.folder / "records").iterdir()
    records = read_file(path)
    again = [r["v"] for r in records if r.get("n") == "again"]
    told = [r["v"] for r in records if r["k"] == "warning" and "could not be written" in r["v"]]
    losses = [r["v"] for r in records if r.get("n") == "loss"]
    assert again == [1, 2]
    assert told
    assert losses == sorted(set(losses))
    assert len(losses) > 100


@contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    """A real file system of its own at that folder, for the block."""
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip("cannot mount a file system here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_costs_records_only(inside):
    """A real small file system, filled up by something else, freed again."""
    records = inside.folder / "records"
    with mounted(records, "size=1m"):
        filler = records / "filler"
        before = f"open({str(filler)!r}, 'wb').write(b'x' * (900 << 10))"
        after = f"import os; os.unlink({str(filler)!r})"
        path = script(inside, FULL.format(before=before, after=after))
        assert inside.output(["python", path], inside.environment())[0] == "survived\n"
        check_full(inside)


def test_a_limit_on_file_size_costs_records_only(inside):
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (%s, resource.RLIM_INFINITY))"
    path = script(inside, FULL.format(before=limit % 200000, after=limit % "resource.RLIM_INFINITY"))
    assert inside.output(["python", path], inside.environment())[0] == "survived\n"
    check_full(inside)


MANY_CALLS = """
    import warnings
    warnings.simplefilter("always")
    from workbench import Run
    run = Run.get_context()
    for n in range(10):
        run.log("loss", n)
    run.log_row("row", a=1)
    run.get_metrics(); run.get_tags()
    print("survived")
"""


def test_a_read_only_folder_costs_records_only(inside):
    with mounted(inside.folder / "records", "ro"):
        out, err = inside.output(["python", script(inside, MANY_CALLS)], inside.environment())
    assert out == "survived\n"
    assert err.count("cannot be written") == 1
    assert "Read-only file system" in err


def test_a_folder_that_is_not_there_costs_records_only(inside):
    environment = inside.environment()
    environment[protocol.ENV_RUN_DIR] = str(inside.folder / "gone")
    out, err = inside.output(["python", script(inside, MANY_CALLS)], environment)
    assert out == "survived\n"
    assert err.count("cannot be written") == 1
    assert not (inside.folder / "gone").exists()


def test_a_payload_that_is_removed_under_a_running_script_is_harmless(inside):
    """What is loaded late can then not be loaded: a warning, not an end."""
    text = f"""
        import os, warnings
        warnings.simplefilter("always")
        from workbench import Run
        run = Run.get_context()
        run.log("loss", 1)
        os.unlink({str(inside.payload)!r})
        run.upload_file("x", __file__)
        assert run.get_metrics() == {{}}
        run.log("loss", 2)
        print("survived")
    """
    out, err = inside.output(["python", script(inside, text)], inside.environment())
    assert out == "survived\n"
    assert "upload_file" in err
    assert counted(inside) == {("loss", 1): 1, ("loss", 2): 1}


def test_a_folder_removed_under_a_running_script_is_harmless(inside):
    text = """
        import os, shutil
        from workbench import Run
        run = Run.get_context()
        run.log("loss", 1)
        shutil.rmtree(os.environ["WORKBENCH_RUN_DIR"])
        for n in range(10):
            run.log("loss", n)
        assert run.get_metrics() == {}
        print("survived")
    """
    assert inside.output(["python", script(inside, text)], inside.environment()) == ("survived\n", "")


def test_a_script_that_closes_everything_and_detaches_keeps_its_records(inside):
    text = """
        import os
        from workbench import Run
        run = Run.get_context()
        run.log("loss", 0)
        if os.fork():
            os.wait()
        else:
            os.setsid()
            os.closerange(3, 1024)
            mine = [os.open("mine%d" % n, os.O_RDWR | os.O_CREAT) for n in range(900)]
            for n in range(1, 5):
                run.log("loss", n)
            assert all(os.fstat(one).st_size == 0 for one in mine)
            os._exit(0)
        run.log("loss", 5)
    """
    environment = inside.environment(PYTHONWARNINGS="ignore")
    inside.output(["python", script(inside, text)], environment)
    assert counted(inside) == {("loss", n): 1 for n in range(6)}
    assert all((inside.folder / "code" / f"mine{n}").stat().st_size == 0 for n in range(900))


def test_outside_a_run_the_payload_only_prints(inside, tmp_path):
    """AZ-102 in a process of its own."""
    text = """
        from workbench import Run
        run = Run.get_context()
        run.log("acc", 0.9); run.log("acc", 0.95)
    """
    environment = inside.environment()
    for variable in (protocol.ENV_RUN_ID, protocol.ENV_RUN_DIR):
        del environment[variable]
    out, err = inside.output(["python", script(inside, text)], environment)
    assert out == "Attempted to log scalar metric acc:\n0.9\n"
    assert err.count("\n") == 1
    assert list((inside.folder / "records").iterdir()) == []


def test_importing_the_payload_loads_little(inside):
    """What makes the import cheap: none of the standard library's heavy modules comes with it."""
    heavy = {"json", "re", "typing", "threading", "functools", "collections", "enum", "logging", "warnings"}
    text = f"""
        import sys
        before = set(sys.modules) | {{"zipimport"}}
        sys.path.append({str(inside.payload)!r})
        from workbench import Run
        run = Run.get_context()
        run.log("loss", 0.5)
        print({heavy!r} & (set(sys.modules) - before))
    """
    out, _ = inside.output([inside.python, "-S", "-c", textwrap.dedent(text)], inside.environment())
    assert out == "set()\n"


def test_importing_our_own_package_loads_nothing_of_the_house():
    root = str(Path(__file__).parent.parent.parent)
    text = "import sys; import workbench; print([m for m in sys.modules if m.startswith('workbench.')])"
    argv = [sys.executable, "-S", "-c", text + "; print('typing' in sys.modules)"]
    out = subprocess.check_output(argv, env={**os.environ, "PYTHONPATH": root}, text=True)
    assert out == "['workbench.version']\nFalse\n"
