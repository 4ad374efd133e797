"""Which run a process belongs to: every clue alone, their order, and what somebody else's clue is worth."""

from __future__ import annotations

import pytest

from workbench.remote.processes.process_clues import parse_environment, parse_figures
from workbench.remote.processes.process_runs import Claim, Clues, Known, container_of, run_of

ME, BOB = 1000, 1001
RUN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
OTHER = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
DOCKER = "a" * 12 + "0123456789abcdef" * 3 + "0123"
SCOPE = "0::/user.slice/user-{}.slice/user@{}.service/app.slice/workbench-{}-12ab34cd.scope\n"


def clues(
    pid: int = 50,
    *,
    start: int = 500,
    uid: int = ME,
    group: int = 50,
    session: int = 50,
    cgroup: str = "0::/user.slice\n",
    run: str | None = None,
    guard: str | None = None,
    chain: tuple[int, ...] = (9, 1),
) -> Clues:
    return Clues(pid, start, uid, group, session, cgroup, run, guard, list(chain))


def scope(run: str, uid: int = ME) -> str:
    return SCOPE.format(uid, uid, run)


@pytest.fixture
def known() -> Known:
    """A run whose guard is 10, supervisor 11 and command 20, which leads its session."""
    made = Known(ME)
    for one in (
        clues(10, guard=RUN, chain=(1,)),
        clues(11, guard=RUN, session=10, chain=(10, 1)),
        clues(20, start=400, run=RUN, group=20, session=20, chain=(11, 10, 1)),
    ):
        made.note(one)
    return made


def test_a_guard_and_a_supervisor_are_keepers_and_the_command_leads_a_session(known: Known) -> None:
    assert known.keepers == {10: RUN, 11: RUN}
    assert set(known.sessions) == {20}


@pytest.mark.parametrize(
    ("process", "found_by"),
    [
        (clues(cgroup=scope(RUN), run=RUN, session=20, chain=(11,)), "cgroup"),
        (clues(run=RUN, session=20, chain=(11,)), "environment"),
        (clues(session=20, chain=(11,)), "session"),
        (clues(group=20, chain=(11,)), "session"),
        (clues(chain=(33, 11, 10)), "parent"),
        (clues(uid=0, chain=(33, 20, 11)), "parent"),
    ],
)
def test_each_clue_in_its_order(known: Known, process: Clues, found_by: str) -> None:
    assert run_of(process, known) == Claim(RUN, found_by)


def test_a_stranger_is_of_no_run(known: Known) -> None:
    assert run_of(clues(), known) is None
    assert run_of(clues(cgroup="0::/user.slice/workbench-nonsense.scope\n"), known) is None
    assert run_of(clues(cgroup=f"0::/a/workbench-{RUN}x.scope\n"), known) is None


def test_a_process_older_than_the_leader_of_its_session_is_of_another_one(known: Known) -> None:
    assert run_of(clues(session=20, start=399), known) is None


def test_a_run_that_was_started_within_another_keeps_its_own_processes(known: Known) -> None:
    known.note(clues(40, guard=OTHER, chain=(20, 11, 10)))
    assert run_of(clues(41, chain=(40, 20, 11)), known) == Claim(OTHER, "parent")


def test_the_child_of_a_process_whose_run_was_found_is_its_too(known: Known) -> None:
    known.claims[30] = Claim(OTHER, "environment")
    assert run_of(clues(chain=(30, 1)), known) == Claim(OTHER, "parent")


@pytest.mark.parametrize(
    "lie", [{"run": RUN}, {"cgroup": scope(RUN, BOB)}, {"cgroup": f"0::/workbench-{RUN}.scope\n"}]
)
def test_nobody_else_can_say_that_his_process_is_of_our_run(known: Known, lie: dict[str, str]) -> None:
    assert run_of(clues(uid=BOB, **lie), known) is None  # type: ignore[arg-type]


def test_somebody_elses_guard_keeps_nothing_of_ours(known: Known) -> None:
    known.note(clues(60, uid=BOB, guard=RUN))
    assert 60 not in known.keepers


def test_a_run_of_another_user_is_told_as_such(known: Known) -> None:
    assert run_of(clues(uid=BOB, run=OTHER), known) == Claim(OTHER, "environment")
    assert run_of(clues(uid=BOB, cgroup=scope(OTHER, BOB)), known) == Claim(OTHER, "cgroup")


def test_what_became_another_user_within_our_scope_is_still_ours(known: Known) -> None:
    assert run_of(clues(uid=BOB, cgroup=scope(RUN, ME)), known) == Claim(RUN, "cgroup")


def test_a_supervisors_fork_is_a_keeper_only_until_it_is_the_command(known: Known) -> None:
    assert known.note(clues(21, guard=RUN, chain=(11, 10)))
    assert not known.note(clues(21, run=RUN, session=21, chain=(11, 10)))
    assert 21 not in known.keepers


def test_an_orphan_that_leads_a_session_is_no_command(known: Known) -> None:
    known.note(clues(31, session=31, chain=(11, 10)))
    assert set(known.sessions) == {20}


def test_what_is_gone_is_forgotten_with_the_sessions_of_runs_nobody_keeps(known: Known) -> None:
    known.claims[20] = Claim(RUN, "environment")
    known.forget({20})
    assert not known.claims
    assert 20 in known.sessions
    known.forget({10, 11})
    assert not known.keepers
    assert not known.sessions


@pytest.mark.parametrize(
    ("cgroup", "container"),
    [
        (f"0::/system.slice/docker-{DOCKER}.scope\n", DOCKER[:12]),
        (f"12:memory:/docker/{DOCKER}\n0::/\n", DOCKER[:12]),
        (
            f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{DOCKER}.scope/container\n",
            DOCKER[:12],
        ),
        (f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{DOCKER}.scope\n", DOCKER[:12]),
        (f"0::/kubepods/burstable/pod1/{DOCKER}\n", DOCKER[:12]),
        ("0::/lxc.payload.box/init.scope\n", "box"),
        ("4:cpu:/lxc/box2/user.slice\n", "box2"),
        ("0::/user.slice/user-1000.slice\n", None),
        ("", None),
    ],
)
def test_the_container_of_a_process(cgroup: str, container: str | None) -> None:
    assert container_of(cgroup) == container


def test_a_processes_name_cannot_forge_its_figures() -> None:
    rest = b"S 7 8 9 0 -1 4194560 1 0 0 0 30 12 0 0 20 0 1 0 777 999 55 18446744073709551615 1 1\n"
    found = parse_figures(b"5 (x) R 1 2 3 (y)) " + rest)
    assert found is not None
    assert found == ("S", 7, 8, 9, 4194560, 42, 777, 55)
    assert parse_figures(b"5 (x) R 1 2\n") is None
    assert parse_figures(b"") is None


def test_of_an_environment_only_what_is_ours_is_kept_and_the_first_counts() -> None:
    text = b"A=WORKBENCH_RUN_ID=x\0WORKBENCH_RUN_ID=one\0WORKBENCH_RUN_ID=two\0WORKBENCH\0SECRET=s\0"
    assert parse_environment(text) == {b"WORKBENCH_RUN_ID": "one"}
