"""One command on several machines through the product: in parallel, whole lines, a summary, ended by Ctrl-C."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.machines.links import alive
from tests.machines.rig import MakeServer
from tests.machines.test_main_job import attach
from tests.machines.wb import Wb


def test_they_run_at_the_same_time_and_each_line_is_whole(
    wb: Wb, make_server: MakeServer, tmp_path: Path
) -> None:
    names = ["one", "two", "three"]
    for name in names:
        attach(wb, make_server(name))
    # Each waits for the others to have begun: one after the other none would end.
    meet = f'touch {tmp_path}/$$.here; until [ "$(ls {tmp_path}/*.here | wc -l)" = 3 ]; do sleep 0.02; done; '
    shell = meet + "for n in 1 2 3 4 5 6 7 8 9; do printf a; printf b; printf 'c\\n'; done"
    out = wb("compute", "exec", "--all", "--timeout", "60s", "--", shell)
    assert sorted(out.splitlines()) == sorted(f"{name}\tabc" for name in names for _ in range(9))


def test_who_is_dead_is_named_and_the_others_do_it(wb: Wb, make_server: MakeServer) -> None:
    one, two = make_server("one"), make_server("two")
    attach(wb, one)
    attach(wb, two)
    two.stop()
    done = wb.run("compute", "exec", "one", "two", "--", "echo here")
    assert (done.returncode, done.stdout) == (4, "one\there\n")
    assert done.stderr.splitlines()[-1] == "1 ok; 1 unreachable: two"
    done = wb.run("compute", "exec", "one", "two", "--format", "json", "--", "exit 3")
    assert done.returncode == 1
    found = {row["name"]: row for row in json.loads(done.stdout)}
    assert found["one"]["exit_code"] == 3
    assert found["two"]["unreachable"] is True


def test_ctrl_c_ends_the_command_on_all(wb: Wb, make_server: MakeServer, tmp_path: Path) -> None:
    for name in ("one", "two"):
        attach(wb, make_server(name))
    shell = f"setsid sleep 1000 & echo $! > {tmp_path}/$$.pid; wait"
    process = wb.start("compute", "exec", "--all", "--", shell)
    wb.until(lambda: len(list(tmp_path.glob("*.pid"))) == 2, "both to run")
    pids = [
        int(wb.until(lambda path=path: path.read_text().strip(), "a pid")) for path in tmp_path.glob("*.pid")
    ]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    wb.until(lambda: not any(alive(pid) for pid in pids), "what they started to end")


def test_no_more_than_asked_at_once(wb: Wb, make_server: MakeServer, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        attach(wb, make_server(name))
    shell = f"mkdir {tmp_path}/alone && sleep 0.1 && rmdir {tmp_path}/alone"
    assert wb.run("compute", "exec", "--all", "--at-once", "1", "--", shell).returncode == 0
