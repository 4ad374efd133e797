"""One machine's GPUs shared by several laptops and users: one queue in a folder of their group (root only)."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.machines.rig import need
from tests.machines.test_two_users import UIDS, MakeUser, make_user
from tests.machines.wb import Wb
from workbench.compute.payload import build_payload
from workbench.remote.disk.filelock import lock
from workbench.remote.queue.leases import BACKFILL_SECONDS

__all__ = ["make_user"]
GROUP = 61000
CARDS = ("a0", "b1")
HOLD = "while ! test -e /var/tmp/go; do sleep 0.05; done"
STAMPED = 'echo "begin {name} $CUDA_VISIBLE_DEVICES" >> /var/tmp/journal; sleep 0.1; echo "end {name}" >> /var/tmp/journal'


class Shared:
    """The folder of the group's queue, and clients who work with it."""

    def __init__(self, make_user: MakeUser, tmp_path: Path, mode: int) -> None:
        self.outside = tmp_path / "var-tmp"
        self.folder = self.outside / "gpus"
        self.folder.mkdir()
        os.chown(self.folder, 0, GROUP)
        self.folder.chmod(mode)
        (self.outside / "journal").touch()
        (self.outside / "journal").chmod(0o666)
        self._make = make_user

    def client(self, uid: int) -> Wb:
        """A laptop of a user, with the two cards of this machine."""
        wb = self._make(uid, GROUP)
        wb("compute", "set", "local", "lease_dir=/var/tmp/gpus", *(f"devices={card}" for card in CARDS))
        return wb

    def entries(self, kind: str) -> dict[str, dict[str, Any]]:
        """Tickets (queue) or leases by the name of their run."""
        found = [json.loads(path.read_text()) for path in (self.folder / kind).glob("*.json")]
        return {entry["name"]: entry for entry in found}

    def journal(self) -> list[list[str]]:
        """What the runs stamped."""
        return [line.split() for line in (self.outside / "journal").read_text().splitlines()]

    def go(self) -> None:
        """Let the holders end."""
        (self.outside / "go").touch()


@pytest.fixture(params=[0o2770, 0o3770], ids=["group", "sticky"])
def shared(request: pytest.FixtureRequest, make_user: MakeUser, tmp_path: Path) -> Shared:
    """A shared folder; sticky: nobody removes or replaces another's files in it."""
    return Shared(make_user, tmp_path, request.param)


def submit(wb: Wb, name: str, command: str, gpus: int = 1) -> str:
    """Submit a run that holds GPUs; its id."""
    return wb("submit", "--no-code", "--name", name, "--gpus", str(gpus), "--", command).split()[0]


def state(wb: Wb, run: str) -> Callable[[], str]:
    """Asks for a run's state."""
    return lambda: str(wb.show(run)["status"])


def test_forty_runs_of_four_clients_and_two_users_share_two_cards(shared: Shared) -> None:
    """Traps 6 to 8: no overlap ever, in the order they came, and wide runs are not starved."""
    clients = [shared.client(uid) for uid in (*UIDS, *UIDS)]
    holders = [submit(clients[n], f"holder{n}", HOLD) for n in range(2)]
    for wb, run in zip(clients, holders, strict=False):
        wb.until(lambda wb=wb, run=run: state(wb, run)() == "Running", "the holders to run")  # type: ignore[misc]
    runs: dict[str, tuple[Wb, str]] = {}

    def submits(number: int) -> None:
        for n in range(10):
            name, gpus = f"run{number}-{n}", 2 if n in (3, 7) else 1
            runs[name] = (clients[number], submit(clients[number], name, STAMPED.format(name=name), gpus))

    threads = [threading.Thread(target=submits, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 40
    clients[0].until(lambda: len(shared.entries("queue")) == 40, "all of them to wait")
    tickets = shared.entries("queue")
    wide = sorted(name for name, ticket in tickets.items() if ticket["gpus"] == 2)
    assert len(wide) == 8
    for name in wide[:6]:  # they have waited for long; the others go whenever there is room
        age(shared.folder / "queue" / f"{tickets[name]['run']}.json", 2 * BACKFILL_SECONDS)
    seen = clients[3].json("queue", "local")
    assert len(seen) == 42, "every user sees all"
    assert {entry["mine"] for entry in seen} == {True, False}
    shared.go()
    for client in clients:  # exits 0 when all of them completed
        client("run", "wait", *(run for wb, run in runs.values() if wb is client))
    order = {name: ticket["order"] for name, ticket in tickets.items()}
    assert len(set(order.values())) == 40
    check(shared.journal(), order, aged=set(wide[:6]), young=set(wide[6:]))
    assert shared.entries("leases") == shared.entries("queue") == {}


def age(path: Path, seconds: float) -> None:
    """Have a ticket wait for so much longer already; whoever decides now has seen it whole, old or new."""
    handle = lock(str(path.parent.parent / "queue.lock"))
    try:
        ticket = json.loads(path.read_text())
        ticket["since"] -= seconds
        owner = path.stat()
        path.write_text(json.dumps(ticket))
        assert (owner.st_uid, owner.st_mode) == (path.stat().st_uid, path.stat().st_mode)
    finally:
        os.close(handle)


def check(journal: list[list[str]], order: dict[str, int], aged: set[str], young: set[str]) -> None:
    """No card is used twice at once; cards go in the queue's order; who waited long is passed by nobody."""
    using: dict[str, str] = {}
    last = dict.fromkeys(CARDS, 0)
    begun: list[str] = []
    for what, name, *cards in journal:
        if what == "end":
            using = {card: user for card, user in using.items() if user != name}
            continue
        held = cards[0].split(",")
        assert not set(held) & set(using), f"{name} shares {held}: {using}"
        using |= dict.fromkeys(held, name)
        begun.append(name)
        if name not in young:
            assert all(last[card] < order[name] for card in held), f"{name} was passed on {held}"
            last |= dict.fromkeys(held, order[name])
    for name in aged:
        before = begun[: begun.index(name)]
        assert all(order[other] < order[name] for other in before if other not in young), (
            f"{name} was starved"
        )
    assert sorted(begun) == sorted(order)
    assert not using


def test_a_holder_that_is_killed_frees_its_card_for_another_user(shared: Shared) -> None:
    """Guard, supervisor and all its processes at once, kill -9: the other user's run has the card in seconds."""
    ann, ben = (shared.client(uid) for uid in UIDS)
    first = submit(ann, "first", "echo $$; sleep 1000", gpus=2)
    ann.until(lambda: ann("logs", first), "its output")
    second = submit(ben, "second", "echo got $CUDA_VISIBLE_DEVICES", gpus=2)
    ben.until(lambda: state(ben, second)() == "Queued", "the second to wait")
    assert ben.show(second)["message"].startswith("2 GPUs wanted, 0 free, held by first (")
    kill(everyone(ann, first))
    assert ben.wait(second)["status"] == "Completed"
    assert ben("logs", second) == "got a0,b1\n"


def test_a_card_is_not_given_on_while_lost_processes_of_another_user_sit_on_it(shared: Shared) -> None:
    """Only their own user can end them; until then, or until they end, others wait and are told for whom."""
    ann, ben = (shared.client(uid) for uid in UIDS)
    first = submit(ann, "first", f"echo on; {HOLD}", gpus=2)
    ann.until(lambda: ann("logs", first), "its output")
    status = status_of(ann, first)
    shared_tree = shared.folder / "leases" / f"{first}.tree"
    ann.until(shared_tree.exists, "its processes to be told")
    kill([status["guard"]["pid"], status["supervisor"]["pid"]])
    ann.kill_server()
    second = submit(ben, "second", "echo got $CUDA_VISIBLE_DEVICES", gpus=1)
    ben.until(lambda: state(ben, second)() == "Queued", "the second to wait")
    assert "held by first (" in ben.show(second)["message"]
    assert [entry["name"] for entry in ben.json("queue", "local")] == ["first", "second"]
    shared.go()
    assert ben.wait(second)["status"] == "Completed"


def test_users_leave_each_others_runs_alone(shared: Shared) -> None:
    ann, ben = (shared.client(uid) for uid in UIDS)
    holder = submit(ann, "holder", HOLD, gpus=2)
    ann.until(lambda: state(ann, holder)() == "Running", "the holder to run")
    own = {name: submit(wb, name, "true", gpus=2) for wb, name in ((ann, "a1"), (ben, "b1"), (ann, "a2"))}
    for wb, name in ((ann, "a1"), (ben, "b1"), (ann, "a2")):
        wb.until(lambda wb=wb, name=name: state(wb, own[name])() == "Queued", "all to wait")  # type: ignore[misc]
    ann("run", "hold", "a1")
    held = {entry["name"]: entry["state"] for entry in ben.json("queue", "local")}
    assert held == {"holder": "running", "a1": "held", "b1": "waiting", "a2": "waiting"}, (
        "a hold is seen by all"
    )
    ann("run", "move", "a2", "--first")
    line = [entry["name"] for entry in ben.json("queue", "local") if entry["state"] == "waiting"]
    assert line == ["a2", "b1"], "a2 took the place of a1, which is ann's too"
    before = (shared.folder / "queue" / f"{own['b1']}.json").read_text()
    ann("run", "move", "a2", "--last")
    assert (shared.folder / "queue" / f"{own['b1']}.json").read_text() == before
    ben("compute", "cordon", "local", "--reason", "a new fan")
    ann("run", "release", "a1")
    shared.go()
    assert ann.wait(holder)["status"] == "Completed"
    ann.until(lambda: "a new fan" in (ann.show(own["a1"])["message"] or ""), "the cordon to count for all")
    ben("compute", "cordon", "local", "--off")
    for wb, name in ((ann, "a1"), (ben, "b1"), (ann, "a2")):
        assert wb.wait(own[name])["status"] == "Completed"


def status_of(wb: Wb, run: str) -> dict[str, Any]:
    """What the run's folder says."""
    found: dict[str, Any] = json.loads((wb.folder / ".workbench" / "runs" / run / "status.json").read_text())
    return found


def everyone(wb: Wb, run: str) -> list[int]:
    """Guard, supervisor and every process of a run."""
    status = status_of(wb, run)
    tree = json.loads((wb.folder / ".workbench" / "runs" / run / "tree.json").read_text())
    return [status["guard"]["pid"], status["supervisor"]["pid"], *(pid for pid, _ in tree)]


def kill(pids: list[int]) -> None:
    """All at once, so that none sees another's end."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # one of the tree that has ended since
                os.kill(pid, number)


JUDGE = """\
import sys
from workbench.remote.processes import process_trees
for word in sys.argv[1:]:
    pid, start = word.split(",")
    print(process_trees.alive(int(pid), int(start)))
"""


@pytest.mark.parametrize("hidden", [False, True], ids=["shown", "hidden"])
def test_keepers_of_another_user_are_judged_alive_also_where_proc_hides_them(
    tmp_path: Path, hidden: bool
) -> None:
    """Trap 6: a lease of somebody whose processes one may not even see is a lease."""
    need("unshare", "setpriv", "mount", "python3")
    if os.getuid() != 0:
        pytest.skip("only root can be several users")
    place = Path(tempfile.mkdtemp())
    try:
        place.chmod(0o755)
        (place / "payload.pyz").write_bytes(build_payload().data)
        (place / "judge.py").write_text(JUDGE)
        become = f"setpriv --reuid={UIDS[1]} --regid={UIDS[1]} --clear-groups"
        python = f"/usr/bin/env PYTHONPATH={place}/payload.pyz python3 {place}/judge.py"
        hide = "mount -o remount,hidepid=2 /proc" if hidden else "true"
        # field 22 of stat is when it started; the last one is nobody's
        script = (
            f"sleep 1000 & pid=$!; start=$(cut -d' ' -f22 /proc/$pid/stat); {hide};"
            f" {become} -- {python} $pid,$start 30000,1"
        )
        separate = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        done = subprocess.run(
            [*separate, "sh", "-c", script], capture_output=True, text=True, check=False, cwd="/"
        )
    finally:
        shutil.rmtree(place)
    assert done.stdout.split() == ["True", "False"], done.stderr
