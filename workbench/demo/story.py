"""The demo's story: attach two machines, submit several configurations, follow, compare, name the best."""

from __future__ import annotations

import os
import queue
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from workbench.demo.board import Board, Lane
from workbench.demo.curves import curves
from workbench.demo.machines import EmbeddedMachine, MachineRoom
from workbench.demo.promotion import decide, is_champion, set_up
from workbench.demo.verdict import verdict
from workbench.entities.configuration import RunConfiguration
from workbench.errors import HostKeyUnknown, Refused
from workbench.examples_path import example
from workbench.home import Home, find_home
from workbench.text.style import Look, paint
from workbench.workspace import Workspace
from workbench.workspace.on_demand import running_server

Write = Callable[[str], None]
Show = Callable[[Home], int]
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
EPOCHS = 12
STAGE_SECONDS = 30.0
"""The longest a demo that is left waits for its beginning to end."""
LOOK_AGAIN = 0.5
"""Seconds between two looks whether the runs behind a dashboard are over."""
BREATH = 0.2
"""Seconds without news after which the board is looked at again."""


class News(NamedTuple):
    """One item of one run's live stream; None ends it."""

    run: str
    item: dict[str, Any] | None


class Teller:
    """Says the story's lines, in colours where there are some."""

    def __init__(self, write: Write, look: Look, live: bool) -> None:
        self.write, self.look, self.live = write, look, live
        self._chapters = 0

    def say(self, text: str = "", role: str = "") -> None:
        """One line."""
        self.write(paint(text, role, self.look.colour) + "\n")

    def chapter(self, title: str) -> None:
        """The next part begins."""
        self._chapters += 1
        self.say()
        self.say(f"{self._chapters}  {title}", "bold")

    def command(self, words: str) -> None:
        """What one would type for what comes now."""
        self.say(f"   $ {words}", "active")

    def done(self, text: str) -> None:
        """Something worked."""
        mark = "+" if self.look.ascii_only else "✔"
        self.write(f"   {paint(mark, 'good', self.look.colour)} {text}\n")


def run(keep: bool, write: Write, look: Look, live: bool, show: Show | None = None) -> int:
    """Tell the whole story through write; 0 when every run completed.

    keep leaves the demo's folder behind and says where it is. live redraws the runs in place, which takes a
    terminal; else each change is a line of its own. show: opens the dashboard of a home until it is left; the
    story then happens behind it, and ends with it.
    """
    tell = Teller(write, look, live)
    with ExitStack() as stack:
        for number in (signal.SIGHUP, signal.SIGTERM):  # a closed window cleans up like Ctrl-C
            stack.callback(signal.signal, number, signal.signal(number, signal.default_int_handler))
        if keep:
            folder = Path(tempfile.mkdtemp(prefix="workbench-demo-"))
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workbench-demo-")))
        home = find_home({**os.environ, "WORKBENCH_HOME": str(folder / "wb")})
        tell.say("The whole loop on two machines made up on the spot: real SSH, code and data.", "bold")
        tell.say(f"Everything stays in {folder}{'' if keep else ', gone when this ends'}.", "quiet")
        room = stack.enter_context(MachineRoom(folder / "machines", list(MACHINES)))
        workspace = stack.enter_context(Workspace.open("default", embedded=False, home=home))
        stack.callback(_stop_server, workspace, home)
        try:
            code = _tell(workspace, room, tell) if show is None else _behind(workspace, room, tell, show)
        except KeyboardInterrupt:
            try:
                tell.say("\nInterrupted: cancelling what runs.", "warn")
            finally:  # the terminal may be gone
                _cancel_all(workspace)
            raise
        if keep:
            tell.say("\nKept; the two machines are gone, their files are not. Look around with")
            tell.command(f"WORKBENCH_HOME={home.root} wb ps")
    return code


def _behind(workspace: Workspace, room: MachineRoom, tell: Teller, show: Show) -> int:
    """Attach and submit in a thread while the dashboard is shown; whatever still runs ends with it."""
    problems: list[Exception] = []

    left = threading.Event()

    def stage() -> None:
        try:
            quiet = Teller(lambda _: None, tell.look, live=False)
            lanes = _begin(workspace, room, quiet)
            _promote_behind(workspace, [lane.run for lane in lanes], quiet, left)
        except Exception as problem:  # told when the screen is free again
            problems.append(problem)

    thread = threading.Thread(target=stage, name="demo", daemon=True)
    thread.start()
    try:
        code = show(workspace.home)
    finally:
        tell.say("The demo ends: its runs, its machines, its server.", "quiet")
        left.set()
        thread.join(STAGE_SECONDS)
        _cancel_all(workspace)
    if problems:
        raise problems[0]
    return code


def _promote_behind(workspace: Workspace, runs: list[str], tell: Teller, left: threading.Event) -> None:
    """Wait until every run is over and put the best beside a weaker champion, for the guide to promote it.

    Nothing of it once the dashboard was left; who leaves without having promoted it finds it done (--keep).
    """
    while workspace.call("runs", "list", active=True, limit=1):
        if left.wait(LOOK_AGAIN):
            return
    rivals = set_up(workspace, workspace.call("runs", "compare", runs=runs), METRIC, tell)
    left.wait()
    if rivals is not None and not is_champion(workspace, rivals.new):
        decide(workspace, rivals, tell)


def _begin(workspace: Workspace, room: MachineRoom, tell: Teller) -> list[Lane]:
    """Attach the machines and submit every configuration."""
    tell.chapter("Attach two machines: SSH servers on loopback, nothing installed on them")
    for machine in room.machines:
        _attach(workspace, machine, room.identity, tell)
    count = len(CONFIGURATIONS)
    tell.chapter(f"Submit {count} configurations, to run one at a time on each machine")
    tell.command(f"wb submit -e {EXPERIMENT} -t atlas -- python train.py --lr 0.05 --hidden 32 ...")
    lanes = [
        _submit(workspace, example(EXPERIMENT), machine, options, tell)
        for options, machine in zip(CONFIGURATIONS, MACHINES * count, strict=False)
    ]
    workspace.call("experiments", "set", name=EXPERIMENT, primary_metric=METRIC, goal="maximize")
    return lanes


def _tell(workspace: Workspace, room: MachineRoom, tell: Teller) -> int:
    lanes = _begin(workspace, room, tell)
    count = len(lanes)
    tell.chapter("Follow them live")
    tell.command("wb ps")
    _follow(workspace, lanes, tell)
    tell.chapter("Compare them")
    references = " ".join(f"@{number}" for number in range(count, 0, -1))
    tell.command(f"wb run compare {references}")
    comparison = workspace.call("runs", "compare", runs=[lane.run for lane in lanes])
    for line in curves(workspace, comparison, METRIC, list(CONFIGURATIONS[0]), tell.look):
        tell.say(f"   {line}" if line else "")
    for line in verdict(comparison, METRIC, list(CONFIGURATIONS[0]), tell.look):
        tell.say(f"   {line}" if line else "")
    tell.chapter("Register the best, and promote it over a weaker champion")
    rivals = set_up(workspace, comparison, METRIC, tell)
    crowned = rivals is not None and decide(workspace, rivals, tell)
    tell.chapter("Your turn, on your own machine")
    tell.command("wb compute attach gpu1 you@host")
    tell.command("wb submit -e mnist --follow -- python train.py")
    failed = [lane for lane in lanes if lane.status != "Completed"]
    for lane in failed:
        tell.say(f"{lane.name} did not complete", "bad")
    return 0 if crowned and not failed else 1


def _attach(workspace: Workspace, machine: EmbeddedMachine, identity: Path, tell: Teller) -> None:
    address = f"demo@127.0.0.1:{machine.port}"
    tell.command(f"wb compute attach {machine.name} {address}")
    settings: dict[str, Any] = {
        "address": address,
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
    facts = _machine(answer["target"].get("facts", {}))
    tell.done(f"{machine.name:9} {facts}, its key {shown[:19]}... checked")


def _machine(facts: dict[str, Any]) -> str:
    gpus = len(facts.get("gpus") or [])
    return f"{facts.get('cpus')} CPUs, {gpus or 'no'} GPU{'s' if gpus > 1 else ''}"


def _submit(workspace: Workspace, code: Path, target: str, options: dict[str, str], tell: Teller) -> Lane:
    command = ["python", "train.py", "--epochs", str(EPOCHS)]
    for name, value in options.items():
        command += [f"--{name}", value]
    configuration = RunConfiguration(command=command, code=str(code), experiment=EXPERIMENT, target=target)
    submitted = workspace.submit(configuration)
    shown = "   ".join(f"{name} {value:5}" for name, value in options.items())
    tell.done(f"{submitted['name']:18} {target:9} {shown}".rstrip())
    return Lane(submitted["id"], submitted["name"], target)


def _follow(workspace: Workspace, lanes: list[Lane], tell: Teller) -> None:
    """Every run's live stream at once, into its lane of the board."""
    news: queue.Queue[News] = queue.Queue()

    def listen(run_id: str) -> None:
        try:
            for item in workspace.items("runs", "follow", run=run_id):
                news.put(News(run_id, item))
        finally:
            news.put(News(run_id, None))

    threads = [threading.Thread(target=listen, args=(lane.run,), daemon=True) for lane in lanes]
    for thread in threads:
        thread.start()
    by_run = {lane.run: lane for lane in lanes}
    board = Board(lanes, METRIC, EPOCHS, tell.write, tell.look, live=tell.live)
    open_streams = len(threads)
    while open_streams:
        try:
            piece = news.get(timeout=BREATH)
        except queue.Empty:
            board.draw()
            continue
        if piece.item is None:
            open_streams -= 1
        else:
            board.take(by_run[piece.run], piece.item)
    board.end()


def _cancel_all(workspace: Workspace) -> None:
    for active in workspace.call("runs", "list", active=True):
        workspace.call("runs", "cancel", run=active["id"], grace=1.0)
        for _ in workspace.items("runs", "watch", run=active["id"]):
            pass


def _stop_server(workspace: Workspace, home: Home) -> None:
    """End the demo's own server and wait until it is gone, so that its folder can go too."""
    server = running_server(home, workspace.name)
    if server is None:
        return
    pid = int(server.call("server", "info")["pid"])
    server.call("server", "stop")
    _wait_gone(pid)


def _wait_gone(pid: int) -> None:
    for _ in range(500):
        if ended(pid):
            return
        time.sleep(0.02)


def ended(pid: int) -> bool:
    """Whether a process is over; a child of this process stays a zombie until somebody asks after it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"
