"""The demo's story: attach two machines, submit several configurations, follow, compare, name the best."""

from __future__ import annotations

import queue
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from workbench.demo.machines import EmbeddedMachine, MachineRoom
from workbench.demo.verdict import verdict
from workbench.entities.configuration import RunConfiguration
from workbench.errors import HostKeyUnknown, Refused
from workbench.examples_path import example
from workbench.home import Home
from workbench.start import answers
from workbench.text.numbers import format_metric
from workbench.workspace import Workspace

Say = Callable[[str], None]
EXPERIMENT = "digits"
METRIC = "val_accuracy"
MACHINES = ("atlas", "borealis")
CONFIGURATIONS = (
    {"lr": "0.05", "hidden": "32"},
    {"lr": "0.005", "hidden": "32"},
    {"lr": "0.2", "hidden": "16"},
    {"lr": "0.05", "hidden": "8"},
    {"lr": "2.0", "hidden": "16"},
    {"lr": "0.1", "hidden": "48"},
)
EPOCHS = "25"
TOLD_EVERY = 5  # epochs between two lines about a run


class News(NamedTuple):
    """One item of one run's live stream; None ends it."""

    run: str
    item: dict[str, Any] | None


def run(headless: bool, keep: bool, out: Say) -> int:
    """Tell the whole story through out; 0 when every run completed.

    headless is for now always so. keep leaves the demo's folder behind and says where it is.
    """
    del headless  # the dashboard opens here once it exists
    with ExitStack() as stack:
        if keep:
            folder = Path(tempfile.mkdtemp(prefix="workbench-demo-"))
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workbench-demo-")))
        home = Home(folder / "wb", folder / "wb")
        out(f"A workspace of its own in {folder}" + ("" if keep else " (gone when this ends)"))
        room = stack.enter_context(MachineRoom(folder / "machines", list(MACHINES)))
        workspace = stack.enter_context(Workspace.open("default", embedded=False, home=home))
        stack.callback(_stop_server, workspace, home)
        try:
            code = _tell(workspace, room, out)
        except KeyboardInterrupt:
            _cancel_all(workspace, out)
            raise
        if keep:
            out(
                f"\nKept: WORKBENCH_HOME={home.root} wb ps   (the two machines are gone, their files are not)"
            )
        return code


def _tell(workspace: Workspace, room: MachineRoom, out: Say) -> int:
    out("\nTwo machines come up: SSH servers on loopback, nothing installed on them but a Python.")
    for machine in room.machines:
        _attach(workspace, machine, room.identity, out)
    code = example("digits")
    count = len(CONFIGURATIONS)
    out(f"\nSubmitting {count} configurations of {code.name}/train.py, one at a time on each machine.")
    submitted = [
        _submit(workspace, code, machine_name, options, out)
        for options, machine_name in zip(CONFIGURATIONS, MACHINES * len(CONFIGURATIONS), strict=False)
    ]
    workspace.call("experiments", "set", name=EXPERIMENT, primary_metric=METRIC, goal="maximize")
    out("\nFollowing them, as `wb logs -f` and `wb run metrics` would:")
    final = _follow(workspace, submitted, out)
    comparison = workspace.call("runs", "compare", runs=[submission["id"] for submission in submitted])
    out("\nwb run compare: only what differs")
    for line in verdict(comparison, METRIC, list(CONFIGURATIONS[0])):
        out(f"  {line}" if line else "")
    out("\nOn your own machine:  wb compute attach gpu1 you@host")
    out("              then:  wb submit -e mnist --follow -- python train.py")
    failed = [row["name"] for row in final.values() if row["status"] != "Completed"]
    for name in failed:
        out(f"  {name} did not complete")
    return 1 if failed or comparison.get("best") is None else 0


def _attach(workspace: Workspace, machine: EmbeddedMachine, identity: Path, out: Say) -> None:
    settings: dict[str, Any] = {
        "address": f"demo@127.0.0.1:{machine.port}",
        "identity": str(identity),
        "root": str(machine.home / ".workbench"),
        "lease_dir": str(machine.leases),
        "python": sys.executable,
        "slots": 1,
        "ssh_config": "/dev/null",
    }
    question = {"name": machine.name, "kind": "ssh", "settings": settings}
    try:
        workspace.call("compute", "attach", **question)
        raise Refused("an unknown host key was accepted without asking")
    except HostKeyUnknown as unknown:
        shown = str(unknown.data.get("fingerprint"))
    if shown != machine.fingerprint:
        raise Refused(f"{machine.name} shows {shown}, not its own key {machine.fingerprint}")
    answer = workspace.call("compute", "attach", **question, accept_key=shown)
    facts = answer["target"].get("facts", {})
    place = f"127.0.0.1:{machine.port}"
    out(f"  {machine.name:9} attached at {place}, key {shown[:20]}... checked, {_machine(facts)}")


def _machine(facts: dict[str, Any]) -> str:
    cpus = facts.get("cpus")
    return f"{cpus} CPUs, {len(facts.get('gpus') or [])} GPUs" if cpus else "up"


def _submit(
    workspace: Workspace, code: Path, target: str, options: dict[str, str], out: Say
) -> dict[str, Any]:
    command = ["python", "train.py", "--epochs", EPOCHS]
    for name, value in options.items():
        command += [f"--{name}", value]
    configuration = RunConfiguration(command=command, code=str(code), experiment=EXPERIMENT, target=target)
    submitted = workspace.submit(configuration)
    out(f"  {submitted['name']:18} on {target:9} {' '.join(command)}")
    return submitted


def _follow(workspace: Workspace, submitted: list[dict[str, Any]], out: Say) -> dict[str, dict[str, Any]]:
    """Every run's live stream at once; each run's last row by id."""
    news: queue.Queue[News] = queue.Queue()

    def listen(run_id: str) -> None:
        try:
            for item in workspace.items("runs", "follow", run=run_id):
                news.put(News(run_id, item))
        finally:
            news.put(News(run_id, None))

    threads = [threading.Thread(target=listen, args=(run["id"],), daemon=True) for run in submitted]
    for thread in threads:
        thread.start()
    names = {run["id"]: run["name"] for run in submitted}
    rows = {run["id"]: run for run in submitted}
    open_streams = len(threads)
    while open_streams:
        piece = news.get()
        if piece.item is None:
            open_streams -= 1
        else:
            _report(names[piece.run], rows, piece.run, piece.item, out)
    return rows


def _report(name: str, rows: dict[str, dict[str, Any]], run_id: str, item: dict[str, Any], out: Say) -> None:
    if "run" in item:
        before, rows[run_id] = rows[run_id]["status"], item["run"]
        if item["run"]["status"] != before:
            why = f": {item['run']['message']}" if item["run"].get("message") else ""
            out(f"  {name:18} {item['run']['status']}{why}")
    elif "metric" in item and item["metric"]["name"] == METRIC:
        point = item["metric"]
        if point["step"] % TOLD_EVERY:
            return
        out(f"  {name:18}   {METRIC} {format_metric(point['value'])} after epoch {point['step']}")
    elif "log" in item:
        for line in item["log"].splitlines():
            if line.startswith(("training", "done")):
                out(f"  {name:18}   | {line}")


def _cancel_all(workspace: Workspace, out: Say) -> None:
    out("\nInterrupted: cancelling what runs.")
    for active in workspace.call("runs", "list", active=True):
        workspace.call("runs", "cancel", run=active["id"], grace=1.0)
        for _ in workspace.items("runs", "watch", run=active["id"]):
            pass


def _stop_server(workspace: Workspace, home: Home) -> None:
    """End the demo's own server and wait until it is gone, so that its folder can go too."""
    if not answers(home):
        return
    pid = int(workspace.call("server", "info")["pid"])
    workspace.call("server", "stop")
    _wait_gone(pid)


def _wait_gone(pid: int) -> None:
    deadline = threading.Event()
    for _ in range(500):
        if not Path(f"/proc/{pid}").exists():
            return
        deadline.wait(0.02)
