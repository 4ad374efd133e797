"""Two users on one host: separate servers, leases and runs, and no way from one into the other's (root only)."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.machines.rig import DEADLINE, need
from tests.machines.settled import settled
from tests.machines.wb import Wb

UIDS = (61001, 61002)
CHECKOUT = Path(__file__).resolve().parents[2]


def closed_above(path: Path) -> Path | None:
    """The topmost folder on the way to path that other users may not enter."""
    ways = [*reversed(path.parents), path]
    return next((way for way in ways if way.is_dir() and not way.stat().st_mode & 0o001), None)


def opening(needed: list[Path], scratch: Path) -> list[str]:
    """Shell lines that put what is needed of closed folders where every user can reach it: nothing else of them."""
    lines, closed = [], {}
    for number, path in enumerate(needed):
        above = closed_above(path)
        if above is not None:
            closed[path] = (above, scratch / str(number))
            lines.append(
                f"mkdir {scratch / str(number)}; mount --rbind {shlex.quote(str(path))} {scratch / str(number)}"
            )
    for above in sorted({above for above, _ in closed.values()}):
        lines.append(f"mount -t tmpfs -o mode=755 none {shlex.quote(str(above))}")
    for path, (_, kept) in closed.items():
        place = shlex.quote(str(path))
        lines.append(f"mkdir -p {place}; mount --rbind {kept} {place}")
    return lines


MakeUser = Callable[..., Wb]


@pytest.fixture
def make_user(make_wb: Callable[..., Wb], tmp_path: Path) -> Iterator[MakeUser]:
    """make_user(uid, group=None): a user in a mount namespace where /var/tmp is the test's own, var-tmp here.

    group: one they are a member of beside their own.
    """
    need("unshare", "nsenter", "setpriv")
    if os.getuid() != 0:
        pytest.skip("only root can be several users")
    (tmp_path / "scratch").mkdir()
    var_tmp = tmp_path / "var-tmp"
    var_tmp.mkdir()
    var_tmp.chmod(0o1777)
    needed = list(dict.fromkeys(Path(path) for path in (sys.base_prefix, sys.prefix, str(CHECKOUT))))
    lines = [*opening(needed, tmp_path / "scratch"), f"mount --bind {var_tmp} /var/tmp"]
    lines += [f"touch {tmp_path / 'ready'}", "exec sleep infinity"]
    holder = subprocess.Popen(["unshare", "--mount", "sh", "-ec", "\n".join(lines)])
    deadline = time.monotonic() + DEADLINE
    while not (tmp_path / "ready").exists():
        assert holder.poll() is None, "no namespace"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    made: list[Wb] = []

    def make(uid: int, group: int | None = None) -> Wb:
        wb = make_wb()
        root = settled(wb.folder / ".workbench")
        for path in (wb.folder, root, *root.rglob("*")):
            os.chown(path, uid, uid)
        wb.environ |= {"HOME": str(wb.folder), "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
        groups = ["--clear-groups"] if group is None else [f"--groups={group}"]
        become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", *groups, "--"]
        wb.through = ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", "--", *become]
        made.append(wb)
        return wb

    try:
        yield make
        for wb in made:
            wb.close()
    finally:
        holder.kill()
        holder.wait()


@pytest.fixture
def users(make_user: MakeUser) -> tuple[Wb, Wb]:
    """Two users who share nothing."""
    return make_user(UIDS[0]), make_user(UIDS[1])


def test_two_users_work_apart(users: tuple[Wb, Wb], tmp_path: Path) -> None:
    """AZ-23 in part, trap 6, law 6: own server, own lease folder, own list; each takes its slot of its own machine."""
    one, two = users
    for wb in users:
        wb("compute", "set", "local", "slots=1")
    command = "id -u; while ! test -e /var/tmp/go; do sleep 0.1; done"
    runs = [wb("submit", "--no-code", "--", command).split()[0] for wb in users]
    for wb, run, uid in zip(users, runs, UIDS, strict=True):
        wb.until(lambda wb=wb, run=run: wb("logs", run), "its output")  # type: ignore[misc]
        assert wb("logs", run) == f"{uid}\n"
        assert [found["id"] for found in wb.json("run", "ls")] == [run]
        leases = tmp_path / "var-tmp" / f"workbench-{uid}"
        assert leases.stat().st_uid == uid
        assert leases.stat().st_mode & 0o777 == 0o700
    stranger = two.run("run", "show", runs[0])
    assert stranger.returncode == 3
    inside = two.run("run", "ls", WORKBENCH_HOME=str(one.folder))
    assert inside.returncode not in (0, 3), inside
    assert "Traceback" not in inside.stderr
    assert str(one.folder) in inside.stderr
    assert "hint:" in inside.stderr
    for path in (one.folder / "server.sock", one.folder / ".workbench" / "runs" / runs[0] / "stream.log"):
        assert path.exists()
        probe = subprocess.run([*two.through, "cat", str(path)], capture_output=True, text=True, check=False)
        assert "Permission denied" in probe.stderr
    (tmp_path / "var-tmp" / "go").touch()
    for wb, run in zip(users, runs, strict=True):
        assert wb.wait(run)["status"] == "Completed"


def test_a_lease_folder_laid_out_by_somebody_else_is_refused_in_words(
    users: tuple[Wb, Wb], tmp_path: Path
) -> None:
    """trap 6: /var/tmp is everyone's; a folder in our way is no place for our locks."""
    one, _ = users
    trap = tmp_path / "var-tmp" / f"workbench-{UIDS[0]}"
    trap.mkdir()
    os.chown(trap, UIDS[1], UIDS[1])
    trap.chmod(0o777)
    refused = one.run("submit", "--no-code", "--", "true")
    assert refused.returncode != 0
    assert "belongs to user" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert list(trap.iterdir()) == []
