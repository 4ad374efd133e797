"""The whole dashboard on a terminal: its first frame, what a key costs while things happen, bytes, memory.

Peers are looked for in the folder WORKBENCH_BENCH_PEERS names (the `bin` of a virtual environment with
harlequin and toolong in it), else on the PATH.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from tests.bench import dashboards
from tests.bench.dashboards import (
    HIGH,
    NEWEST,
    WIDE,
    Screen,
    changing,
    cpu,
    many_runs,
    opened,
    resident,
    shows,
)
from tests.bench.key_latency import DOWN, PAGE, ListOnScreen, moves, scrolls, summary
from tests.bench.place import Place, has_ssh, until
from tests.bench.report import Row
from tests.store_making import put_run
from tests.terminal.latency import TimedProgram
from workbench.home import private_folder
from workbench.sdk.run_handle import RunHandle
from workbench.sdk.session import Session
from workbench.store.blocking_store import Store
from workbench.workspace import Workspace

FEW, MANY = 300, 100_000
ROUNDS = 9
RATE = 200
SPARSE = 10 * 1_000_000_000
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)
LINES = 20
"""Lines a second of each run that writes."""
IDLE_SECONDS = 15.0
TALKER = f'i=0; while :; do i=$((i+1)); echo "step $i loss 0.$i"; sleep {1 / LINES}; done'


def run() -> list[Row]:
    """All rows; one server and store for the small list, one for the large."""
    with many_runs(FEW) as (where, workspace):
        rows = _first_frames(where)
        rows += _four_machines(where, workspace)
    with many_runs(MANY) as (where, workspace):
        _add_sparse_log(where, workspace)
        rows += _large_list(where)
        rows += _keys(where, workspace)
        return rows + _memory(where)


# The first frame


def _first_frames(where: Place) -> list[Row]:
    empty = [sys.executable, "-m", "tests.bench.empty_app"]
    ours, reference, mounted = [], [], []
    for _ in range(ROUNDS):
        reference.append(_shown_after(empty, "an empty app"))
        with opened(where) as program:
            ours.append(_since_start(program, shows(f"run-{FEW} ")))
            mounted.append(_since_start(program, _whole))
    base, rows, whole = (statistics.median(times) for times in (reference, ours, mounted))
    beside = f"an empty Textual app: {base:.0f} ms"
    peers = "; ".join(_peer(*peer, base) for peer in _peers())
    return [
        Row("dashboard: first frame with rows of runs", rows, "ms", "<= 1.6 x", beside, rows / base, peers),
        Row(
            "dashboard: all of it there, header and counts too", whole, "ms", "<= 2.2 x", beside, whole / base
        ),
    ]


def _whole(screen: Screen) -> bool:
    """Rows down to the last line, the counts in both lines of the frame, the footer's keys."""
    top, crumbs, *_ = lines = screen.display
    named = sum("run-" in line for line in lines)
    return named >= HIGH - 6 and "running" in top and f"{FEW} runs" in crumbs and "quit" in lines[-1]


def _shown_after(command: list[str], text: str) -> float:
    with TimedProgram(command, WIDE, HIGH, {"TEXTUAL_ANIMATIONS": "none"}) as program:
        return _since_start(program, shows(text))


def _since_start(program: TimedProgram, shown: dashboards.Condition) -> float:
    """ms from the start until the screen is as wanted."""
    return (program.until(lambda replay: shown(replay.screen)) - program.began) * 1000


def _peers() -> list[tuple[str, list[str], str]]:
    """Name, arguments, and a text of the first screen of programs of the same kind."""
    return [("harlequin", [], "Query Editor"), ("toolong", [__file__], "TAIL")]


def _peer(name: str, arguments: list[str], text: str, base: float) -> str:
    program = {"toolong": "tl"}.get(name, name)
    folder = os.environ.get("WORKBENCH_BENCH_PEERS")
    found = shutil.which(program, path=folder) or shutil.which(program)
    if found is None:
        return f"{name} is not installed"
    took = statistics.median(_shown_after([found, *arguments], text) for _ in range(3))
    return f"{name}: {took:,.0f} ms, {took / base:.1f} x"


# Over a slow link


def _four_machines(where: Place, workspace: Workspace) -> list[Row]:
    what = "dashboard over a slow link, four machines probed once a second: idle"
    if not has_ssh():
        return [Row(what, None, "B/s", "<= 2 KB/s", "sshd is not installed")]
    for number in range(1, 5):
        where.attach(workspace, name=f"gpu{number}")
    rows = []
    for page, text in (("compute", "gpu4"), ("runs", f"run-{FEW} ")):
        with opened(where, "dashboard", page, slow=True) as program:
            program.until(lambda replay, text=text: shows(text)(replay.screen))  # type: ignore[misc]
            until(lambda: _connected(workspace) == 4, "four machines")
            time.sleep(3)
            began = time.perf_counter()
            time.sleep(IDLE_SECONDS)
            rate = program.written(began) / (time.perf_counter() - began)
            rows.append(Row(f"{what}, {page}", rate, "B/s", "<= 2 KB/s", _screenful(program)))
    return rows + _followed_log(where, workspace)


def _followed_log(where: Place, workspace: Workspace) -> list[Row]:
    """Bytes a second of a log that scrolls, over a slow link and over a quick one."""
    run = _talker(workspace, 9)
    rates = []
    try:
        for slow in (True, False):
            with opened(where, "dashboard", f"runs/bench/{run.name}?tab=logs", slow=slow) as program:
                program.until(lambda replay: shows("step ")(replay.screen))
                time.sleep(4)
                began = time.perf_counter()
                time.sleep(IDLE_SECONDS)
                rates.append(program.written(began) / (time.perf_counter() - began))
    finally:
        workspace.call("runs", "cancel", run=run.id)
    what = f"dashboard over a slow link: a log that grows by {LINES} lines/s"
    return [Row(what, rates[0], "B/s", "", f"over a quick one: {rates[1]:,.0f} B/s", rates[0] / rates[1])]


def _connected(workspace: Workspace) -> int:
    return sum(
        target["state"] == "connected"
        for target in workspace.call("compute", "list")
        if target["kind"] == "ssh"
    )


def _screenful(program: TimedProgram) -> str:
    return f"a screen drawn anew: {_redrawn(program):,.0f} B"


def _redrawn(program: TimedProgram) -> int:
    """Bytes of drawing every line of the screen: what it takes to come back from another page."""
    program.type("7")
    time.sleep(1.5)
    began = program.type("1")
    time.sleep(1.5)
    return program.written(began)


# The large list


def _large_list(where: Place) -> list[Row]:
    rows = []
    first = f"run-{MANY} "
    with opened(where) as program:
        took = _since_start(program, shows(first))
        time.sleep(1.5)
        screenful = _redrawn(program)
        began = program.type(PAGE)
        time.sleep(1.5)
        rows.append(
            Row(
                "dashboard: bytes of a page down", program.written(began), "B", "<= one screenful",
                f"the screen drawn anew: {screenful:,} B", program.written(began) / screenful,
            )
        )  # fmt: skip
        turned = [_until_list(program, "S", _ascending), _until_list(program, "S", _descending)]
        program.type("/")
        time.sleep(0.5)
        program.type("run-9999")
        time.sleep(2.0)
        filtered = _until_list(program, "9", lambda names: names == ["run-99999"])
        rows[:0] = [
            Row(
                f"dashboard on {MANY:,} runs: opening, first rows",
                took,
                "ms",
                "",
                "see the first frame above",
            ),
            Row(
                f"dashboard on {MANY:,} runs: sorted the other way round",
                max(turned),
                "ms",
                "",
                "the order: 2.7 MB",
            ),
            Row(f"dashboard on {MANY:,} runs: filtered by a name, the last letter", filtered, "ms", "", ""),
        ]
    return rows


def _until_list(program: TimedProgram, key: str, wanted: Callable[[list[str]], bool]) -> float:
    """ms from a key until the names in the list are as wanted."""

    def condition(screen: Screen) -> bool:
        return wanted(re.findall(r"run-\d+", "\n".join(screen.display[3:-2])))

    pressed = program.type(key)
    shown = program.until(lambda replay: replay.now > pressed and condition(replay.screen))
    time.sleep(1.0)
    return (shown - pressed) * 1000


def _ascending(names: list[str]) -> bool:
    return len(names) > HIGH - 6 and names == sorted(names, key=lambda name: int(name[4:]))


def _descending(names: list[str]) -> bool:
    return len(names) > HIGH - 6 and _ascending(names[::-1])


# Keys


def _keys(where: Place, workspace: Workspace) -> list[Row]:
    with opened(where) as program:
        program.until(lambda replay: shows(f"run-{MANY} ")(replay.screen))
        time.sleep(1.5)
        idle = _moved(program, NEWEST) | summary("page", scrolls(program, NEWEST, PAGE, 40, 0.4))
    rows = [_key_row("idle", idle, "move", idle), _key_row("idle, a page down", idle, "page", idle)]
    with opened(where) as program:
        program.until(lambda replay: shows(f"run-{MANY} ")(replay.screen))
        time.sleep(1.5)
        with changing(where, RATE):
            time.sleep(1.0)
            before, began = workspace.call("events", "last")["sequence"], time.monotonic()
            busy = _moved(program, NEWEST)
            done = workspace.call("events", "last")["sequence"] - before
            rate = done / (time.monotonic() - began)
    rows.append(_key_row(f"runs changing, {rate:.0f}/s of {RATE} asked for", busy, "move", idle))
    talking = [_talker(workspace, number) for number in range(3)]
    try:
        with opened(where) as program:
            _visit_logs(program, [run.name for run in talking])
            time.sleep(1.0)
            with changing(where, RATE):
                below = ListOnScreen(NEWEST.first + len(talking), NEWEST.column)
                logs = _moved(program, below)
        rows.append(_key_row(f"the same and three logs growing, {LINES} lines/s each", logs, "move", idle))
    finally:
        for run in talking:
            run.cancel(grace=1)
        for run in talking:  # its folder goes with the place: what has not ended by then never would
            run.wait_for_completion(raise_on_error=False, timeout=30)
    return rows


def _moved(program: TimedProgram, where: ListOnScreen) -> dict[str, float]:
    """What ups and downs took, and the dashboard's share of a core in percent meanwhile."""
    used, began = cpu(program.pid), time.monotonic()
    found = summary("move", moves(program, where))
    return found | {"cpu": (cpu(program.pid) - used) / (time.monotonic() - began) * 100}


def _key_row(what: str, found: dict[str, float], name: str, idle: dict[str, float]) -> Row:
    return Row(
        f"dashboard on {MANY:,} runs, key to repaint: {what}",
        found[f"{name} p99"], "ms at p99", "p99 <= 33 ms", f"idle: p99 {idle['move p99']:.3g} ms",
        found[f"{name} p99"] / idle["move p99"], f"median {found[name]:.3g} ms, {found['cpu']:.0f} % of a core",
    )  # fmt: skip


def _talker(workspace: Workspace, number: int) -> RunHandle:
    """A run on this machine that writes lines until it is cancelled."""
    words = {"target": "local", "experiment": "bench", "name": f"run-20000{number}"}
    asked = workspace.configure(command=["sh", "-c", TALKER], **words)
    run = RunHandle(Session(workspace), workspace.submit(asked))
    until(lambda: run.refresh()["status"] == "Running", "a run to write")
    return run


def _visit_logs(program: TimedProgram, names: list[str]) -> None:
    """Open the logs of runs, one after the other, and come back to the list: all of them go on."""
    for name in names:
        program.until(lambda replay: shows("quit")(replay.screen))
        _go(program, f"runs/bench/{name}?tab=logs")
        program.until(lambda replay: shows("step ")(replay.screen))
    _go(program, "runs")
    program.until(lambda replay: shows(f"run-{MANY} ")(replay.screen))
    program.type("g" + DOWN * len(names))


def _go(program: TimedProgram, place: str) -> None:
    program.type(":")
    time.sleep(0.5)
    program.type(f"{place}\r")
    time.sleep(0.5)


# Memory


def _add_sparse_log(where: Place, workspace: Workspace) -> None:
    """A run called sparse whose log has 10 GB, all but 2 MB of it a gap."""
    workspace.call("server", "stop")
    where.stop_server()
    store = Store.open(private_folder(where.home.workspace("default")))
    try:
        piece = b"".join(b"line %07d of the output of a run\n" % number for number in range(30_000))
        run = put_run(store, 1, name="sparse", experiment="sparse", created=LONG_AGO)
        end = store.write(store.spool.append, run, 0, piece)
        end = store.write(store.spool.add_gap, run, end, SPARSE)
        store.write(store.spool.append, run, end, piece)
    finally:
        store.close()
    workspace.call("runs", "list", limit=1)


def _memory(where: Place) -> list[Row]:
    with TimedProgram([sys.executable, "-m", "tests.bench.empty_app"], WIDE, HIGH) as program:
        program.until(lambda replay: shows("an empty app")(replay.screen))
        base = resident(program.pid)
    with opened(where) as program:
        program.until(lambda replay: shows(f"run-{MANY} ")(replay.screen))
        for _ in range(30):
            program.type(PAGE)
            time.sleep(0.1)
        program.type("G")
        time.sleep(3.0)
        listed = resident(program.pid)
    with opened(where, "runs/sparse/sparse") as program:
        program.until(lambda replay: shows("sparse")(replay.screen))
        time.sleep(2.0)
        before = resident(program.pid)
        pressed = program.type("\t")
        took = program.until(lambda replay: shows("line 0029999")(replay.screen)) - pressed
        for key in (*[PAGE.replace("6", "5")] * 30, "g", "G"):
            program.type(key)
            time.sleep(0.1)
        time.sleep(3.0)
        grown = resident(program.pid) - before
    beside = f"an empty Textual app: {base:.0f} MB"
    return [
        Row(f"dashboard on {MANY:,} runs: resident memory after going through them", listed, "MB", "", beside, listed / base),
        Row("dashboard: log of 10 GB, tab pressed to its end shown", took * 1000, "ms", "<= 200 ms", "see log view"),
        Row("dashboard: log of 10 GB, memory after going through it", grown, "MB", "<= 20 MB", "the run's page without it"),
    ]  # fmt: skip
