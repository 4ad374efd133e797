"""Who may start next: the pure decision."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.remote.machine import Machine
from workbench.remote.queue import queue_files
from workbench.remote.queue.leases import BACKFILL_SECONDS, Lease, Ticket, decide, resolve_devices, unusable
from workbench.remote.queue.queue_files import Queue, read_ticket


def ticket(run: str, order: int, gpus: int = 1, **changes: Any) -> Ticket:
    base = Ticket(run, order, 0, gpus, ("0", "1"), 0, False, 0.0)
    return base._replace(**changes)


def test_first_come_first_served() -> None:
    decision = decide([ticket("c", 3), ticket("a", 1), ticket("b", 2)], [])
    assert decision.starts == {"a": ("0",), "b": ("1",)}
    assert decision.waits == {"c": "1 GPU wanted, 0 free"}


def test_why_it_waits_is_said_in_words() -> None:
    leases = [Lease("x", ("0", "1"), "calm-otter-42", "ann")]
    assert (
        decide([ticket("a", 1, 2)], leases).waits["a"] == "2 GPUs wanted, 0 free, held by calm-otter-42 (ann)"
    )


def test_who_stays_in_front_is_named() -> None:
    """A queue of runs that go one at a time: each says who is before it, by name where one is known."""
    waiting = [ticket(run, number, 0, slots=1) for number, run in enumerate("abcd")]
    waits = decide(waiting, [Lease("x", (), "x", "")], {}, {"a": "calm-otter-1", "b": "dull-ibis-2"}).waits
    assert [waits[run] for run in "bcd"] == [
        "behind calm-otter-1",
        "behind dull-ibis-2 and 1 more",
        "behind c and 2 more",
    ]


def test_a_machine_that_has_too_few_says_so() -> None:
    assert decide([ticket("a", 1, 3)], []).waits["a"] == "3 GPUs wanted, but only 2 can be used here"
    assert decide([ticket("a", 1, 1, devices=())], []).waits["a"] == "1 GPU wanted, but none can be used here"


def test_many_holders_are_counted() -> None:
    leases = [Lease(str(n), (str(n),), f"run-{n}", "ann") for n in range(5)]
    text = decide([ticket("a", 1, 1, devices=tuple("01234"))], leases).waits["a"]
    assert text.endswith("held by run-0 (ann), run-1 (ann), run-2 (ann) and 2 more")


def test_a_small_run_goes_ahead_of_a_wide_one_that_is_young() -> None:
    leases = [Lease("x", ("0",), "x", "")]
    decision = decide([ticket("wide", 1, 2), ticket("small", 2)], leases)
    assert decision.starts == {"small": ("1",)}


def test_a_wide_run_that_waited_long_is_not_starved() -> None:
    leases = [Lease("x", ("0",), "x", "")]
    decision = decide([ticket("wide", 1, 2, waited=BACKFILL_SECONDS), ticket("small", 2)], leases)
    assert decision.starts == {}
    assert "1 kept for a run that waits longer" in decision.waits["small"]


def test_a_run_no_machine_could_serve_keeps_nothing_from_others() -> None:
    decision = decide([ticket("huge", 1, 9, waited=1e9), ticket("small", 2)], [])
    assert decision.starts == {"small": ("0",)}
    assert decision.waits["huge"] == "9 GPUs wanted, but only 2 can be used here"


def test_priority_before_order_and_hold_before_all() -> None:
    tickets = [ticket("a", 1), ticket("b", 2, priority=1), ticket("c", 3, priority=9, hold=True)]
    decision = decide(tickets, [Lease("x", ("0",), "x", "")])
    assert decision.starts == {"b": ("1",)}
    assert decision.waits["c"] == "on hold"


def test_devices_used_by_strangers_are_left_alone() -> None:
    decision = decide([ticket("a", 1, 2)], [], busy={"1": "used"})
    assert decision.waits["a"] == "2 GPUs wanted, 1 free, 1 GPU in use outside the queue"


def test_a_device_that_is_broken_is_not_called_used() -> None:
    busy = {"0": "silent", "1": "lost"}
    said = decide([ticket("a", 1, 2)], [], busy=busy).waits["a"]
    assert said == "2 GPUs wanted, 0 free, 1 GPU does not answer, 1 GPU fell off the bus"
    assert unusable(["silent", "silent", "used"]) == ", 1 GPU in use outside the queue, 2 GPUs do not answer"


def test_slots_hold_back_in_order() -> None:
    tickets = [ticket("a", 1, 0, slots=1), ticket("b", 2, 0, slots=1), ticket("c", 3, 0)]
    decision = decide(tickets, [])
    assert decision.starts == {"a": (), "c": ()}
    assert decision.waits["b"] == "1 run at once here, now 1"


def test_devices_are_chosen_by_name_beginning_or_index() -> None:
    found = ["GPU-aa", "GPU-ab", "GPU-b"]
    assert resolve_devices([], found) == tuple(found)
    assert resolve_devices(["2", 0], found) == ("GPU-b", "GPU-aa")
    assert resolve_devices(["GPU-a"], found) == ("GPU-aa", "GPU-ab")
    assert resolve_devices(["7", "GPU-x", "²"], found) == ()
    assert resolve_devices(["MIG-1", "1"], found) == ("MIG-1", "GPU-ab")
    assert resolve_devices(["x0", "x1"], []) == ("x0", "x1")
    assert resolve_devices(["a,b", "a\nb", "", "y" * 300], []) == ()


names = st.sampled_from(["0", "1", "2", "3"])


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Ticket], list[Lease], dict[str, str]]:
    tickets = [
        Ticket(
            f"t{number}",
            number,
            draw(st.integers(-2, 2)),
            draw(st.integers(0, 4)),
            tuple(draw(st.lists(names, unique=True))),
            draw(st.integers(0, 3)),
            draw(st.booleans()),
            draw(st.sampled_from([0.0, 1e6])),
        )
        for number in range(draw(st.integers(0, 8)))
    ]
    held = draw(st.lists(names, unique=True))
    leases = [Lease(f"l{number}", (device,), "n", "ann") for number, device in enumerate(held)]
    reasons = st.sampled_from(["used", "silent", "lost"])
    return tickets, leases, draw(st.dictionaries(names, reasons))


@given(situations())
def test_nobody_ever_shares_and_everybody_is_told(
    situation: tuple[list[Ticket], list[Lease], dict[str, str]],
) -> None:
    tickets, leases, busy = situation
    decision = decide(tickets, leases, busy)
    given_out = [device for devices in decision.starts.values() for device in devices]
    assert len(given_out) == len(set(given_out))
    assert not set(given_out) & ({device for lease in leases for device in lease.devices} | set(busy))
    assert set(decision.starts) | set(decision.waits) == {one.run for one in tickets}
    assert not set(decision.starts) & set(decision.waits)
    for one in tickets:
        if one.run in decision.starts:
            assert len(decision.starts[one.run]) == one.gpus
            assert set(decision.starts[one.run]) <= set(one.devices)
            assert not one.hold
        else:
            assert decision.waits[one.run]


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), -float("inf"), 10**400, "x", None, [1], {}])
def test_odd_numbers_in_a_ticket_count_as_nothing(odd: object) -> None:
    """A shared lease folder holds what others wrote: one such file must not break every run that waits."""
    fields = {name: odd for name in ("order", "priority", "gpus", "slots", "since")}
    ticket = read_ticket({"run": "01M84463QWAFX9FSQ1YNP1MZY0", **fields})
    assert (ticket.order, ticket.priority, ticket.gpus, ticket.slots) == (0, 0, 0, 0)
    assert ticket.waited >= 0.0


def test_a_cordon_holds_everybody_back_in_words() -> None:
    tickets = [ticket("a", 1), ticket("b", 2, 0), ticket("c", 3, hold=True)]
    decision = decide(tickets, [], cordon="the machine is cordoned by ann: a new fan")
    assert decision.starts == {}
    assert decision.waits == {
        "a": "the machine is cordoned by ann: a new fan",
        "b": "the machine is cordoned by ann: a new fan",
        "c": "on hold",
    }


@given(
    st.lists(st.tuples(st.floats(0, 60), st.integers(1, 900), st.booleans()), min_size=5, max_size=60),
    st.integers(2, 4),
    st.integers(0, 20),
)
def test_a_wide_run_starts_within_its_patience_and_what_was_before_it(
    small: list[tuple[float, int, bool]], width: int, place: int
) -> None:
    """Trap 8: small runs that keep coming hold a wide one back for BACKFILL_SECONDS and then for the longest
    of those that run, beside those that came before it."""
    cards = tuple("0123"[:width])
    moment, coming = 0.0, []  # type: float, list[tuple[float, int, Ticket]]
    for number, (gap, length, choosy) in enumerate(small):
        moment += gap
        one = Ticket(f"s{number:02}", number, 0, 1, cards[:1] if choosy else cards, 0, False, 0.0)
        coming.append((moment, length, one))
    place = min(place, len(coming))
    since = coming[place][0] if place < len(coming) else moment
    coming.insert(place, (since, 1, Ticket("wide", 0, 0, width, cards, 0, False, 0.0)))
    coming = [(at, length, one._replace(order=order)) for order, (at, length, one) in enumerate(coming)]
    started = played(coming)
    before = sum(length for _, length, _ in coming[:place])
    longest = max(length for _, length, _ in coming)
    assert started["wide"] - since <= BACKFILL_SECONDS + longest + before
    assert len(started) == len(coming), "and nobody else waits for ever"


def played(coming: list[tuple[float, int, Ticket]]) -> dict[str, float]:
    """When each run starts, by (when it comes, how long it takes, its ticket)."""
    waiting: dict[str, tuple[float, int, Ticket]] = {}
    running: dict[str, tuple[float, tuple[str, ...]]] = {}
    started: dict[str, float] = {}
    coming, now = list(coming), 0.0
    while True:
        while coming and coming[0][0] <= now:
            waiting[coming[0][2].run] = coming[0]
            del coming[0]
        running = {run: held for run, held in running.items() if held[0] > now}
        tickets = [one._replace(waited=now - at) for at, _, one in waiting.values()]
        leases = [Lease(run, devices, run, "") for run, (_, devices) in running.items()]
        for run, devices in decide(tickets, leases).starts.items():
            started[run] = now
            running[run] = (now + waiting.pop(run)[1], devices)
        moments = [end for end, _ in running.values()] + [at for at, _, _ in coming[:1]]
        moments += [at + BACKFILL_SECONDS for at, _, _ in waiting.values() if at + BACKFILL_SECONDS > now]
        if not moments:
            return started
        now = min(moments)


RUN = "01M84463QWAFX9FSQ1YNP1MZY0"


@pytest.mark.parametrize(
    "odd",
    [
        {"keepers": [[10**30, 1], [1 << 31, 1], [-1, 1], [0, 0], ["1", 1], [True, True]]},
        {"keepers": [], "folder": "/proc/self/\0"},
        {"keepers": [], "folder": 7},
        "[" * 200_000,
        '{"run": "' + RUN + '", "keepers": ' + "[" * 200_000,
    ],
    ids=["keepers", "folder", "number", "deep", "deeper"],
)
def test_a_hostile_ticket_or_lease_is_passed_over(tmp_path: Path, odd: dict[str, object] | str) -> None:
    """Of a folder that several users share: none of them may keep the others' runs from starting."""
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"))
    entry = {"run": RUN, "boot": machine.boot_id, "pidns": machine.pidns}
    for folder in (machine.queue, machine.leases):
        said = odd if isinstance(odd, str) else json.dumps({**entry, **odd})
        Path(folder, RUN + ".json").write_text(said)
    queue = Queue(machine)
    assert queue.tickets() == queue.lease_entries() == []


def test_a_pipe_where_processes_are_told_holds_nobody_up(tmp_path: Path) -> None:
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"))
    os.mkfifo(tmp_path / "tree.json")
    entry = {"run": RUN, "boot": machine.boot_id, "pidns": machine.pidns, "folder": str(tmp_path)}
    Path(machine.leases, RUN + ".json").write_text(json.dumps(entry))
    assert Queue(machine).lease_entries() == []


def test_a_shell_is_not_on_hold_by_a_file_of_its_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hold").touch()
    monkeypatch.chdir(tmp_path)
    assert not read_ticket({"run": RUN, "folder": ""}).hold
    assert read_ticket({"run": RUN, "folder": str(tmp_path)}).hold


def test_the_counter_is_not_written_through_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with the sticky bit nobody replaces another's file: what lies there is written to."""
    machine = Machine(str(tmp_path / "root"), str(tmp_path / "leases"))
    dear = tmp_path / "dear"
    dear.write_text("{}")
    os.symlink(dear, os.path.join(machine.lease_dir, "queue.next"))

    def sticky(*_: object) -> None:
        raise PermissionError("not yours to replace")

    monkeypatch.setattr(queue_files, "write_shared", sticky)
    with pytest.raises(OSError, match="symbolic links"):
        Queue(machine).draw_number()
    assert dear.read_text() == "{}"
