"""A supervisor is told by the kernel that a marker came, and looks for itself where it cannot be."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.remote.disk.mounts import file_system
from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.processes import folder_news
from workbench.remote.processes.folder_news import FolderNews
from workbench.remote.processes.pace import next_look
from workbench.remote.processes.watch import Watch
from workbench.remote.runs.runfolder import RunFolder
from workbench.remote.supervision import stop_markers
from workbench.remote.supervision.stop_markers import StopMarkers

RUN = "01M8D02G82000013RN7J61EJG3"
NEVER = 1e9


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGIO, signal.SIGCHLD, signal.SIGTERM)}
    yield
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(Machine(str(tmp_path / "root"), str(tmp_path / "leases")), RUN)
    os.makedirs(made.path)
    return made


def test_a_marker_is_seen_though_nobody_would_have_looked(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop_markers, "LOOK", NEVER)
    monkeypatch.setattr(stop_markers, "CALM", NEVER)
    assert file_system(folder.path) in folder_news.TOLD, "the tests' own folder is on a disk of this machine"
    markers = StopMarkers(folder)
    assert markers.asked(False) is None
    assert markers.next > time.monotonic() + 1000
    folder.write_status({"v": 1})
    assert markers.next == 0.0, "the first change is heard of"
    assert markers.asked(False) is None
    folder.mark_cancel(3.0)
    ending = markers.asked(True)
    assert ending is not None
    assert ending.cause == protocol.CAUSE_CANCELED


def test_who_makes_files_without_end_wakes_nobody_any_more(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its supervisor woke thousands of times a second; a marker is still seen, by looking."""
    monkeypatch.setattr(stop_markers, "LOOK", 0.01)
    markers = StopMarkers(folder)
    looks = 0
    for number in range(2000):
        Path(folder.path, f"{number}.pt").touch()
        if markers.next == 0.0:
            looks += 1
            assert markers.asked(True) is None
    assert looks < 1000
    folder.mark_cancel(3.0)
    time.sleep(0.02)
    assert markers.asked(True) is not None


def test_news_wake_who_waits_for_something_else(folder: RunFolder) -> None:
    guarded, life = os.pipe()
    watch = Watch(guarded)
    markers = StopMarkers(folder)
    markers.asked(True)
    subprocess.run(["touch", folder.cancel], check=True)
    watch.round(NEVER / 1e6)
    assert markers.asked(True) is not None
    os.close(life)


@pytest.mark.parametrize("kind", ["nfs4", "fuse.juicefs", "lustre", "9p", ""])
def test_where_others_may_leave_it_as_well_it_is_looked_for(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """What another machine writes into a shared folder this kernel does not know of."""
    monkeypatch.setattr(folder_news, "file_system", lambda _: kind)
    monkeypatch.setattr(stop_markers, "CALM", NEVER)
    monkeypatch.setattr(stop_markers, "LOOK", 0.0)
    markers = StopMarkers(folder)
    folder.write_status({"v": 1})
    assert markers.asked(False) is None
    folder.mark_cancel(None)
    assert markers.asked(False) is not None


def test_a_kernel_that_tells_nothing_is_no_reason_to_wait(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(folder_news.fcntl, "fcntl", refused)
    monkeypatch.setattr(stop_markers, "CALM", NEVER)
    monkeypatch.setattr(stop_markers, "LOOK", 0.0)
    opened = set(os.listdir("/proc/self/fd"))
    markers = StopMarkers(folder)
    assert set(os.listdir("/proc/self/fd")) == opened
    folder.mark_cancel(None)
    assert markers.asked(False) is not None


def test_a_run_that_has_started_is_not_taken_back(folder: RunFolder) -> None:
    Path(folder.withdraw).touch()
    assert StopMarkers(folder).asked(True) is None
    ending = StopMarkers(folder).asked(False)
    assert ending is not None


def test_news_are_of_what_is_made_and_what_is_moved_in(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    news = FolderNews(str(tmp_path / "in"))
    (tmp_path / "in/made").touch()
    assert news.heard == 1
    (tmp_path / "moved").touch()
    assert news.heard == 1
    (tmp_path / "moved").rename(tmp_path / "in/moved")
    assert news.heard == 2
    (tmp_path / "in/made").write_text("more")
    os.unlink(tmp_path / "in/made")
    assert news.heard == 2
    news.close()
    (tmp_path / "in/later").touch()
    assert news.heard == 2


def test_what_looks_seldom_looks_at_one_moment_and_never_later_than_it_should() -> None:
    """So guard and supervisor of an idle run wake once a second, however many parts want to look."""
    for now in (0.0, 0.4, 17.0, 17.999, 123456.7):
        for pause in (1.0, 2.0, 2.5, 10.0, 24.0):
            at = next_look(now, pause)
            assert at == int(at)
            assert now < at <= now + pause
        assert next_look(now, 0.25) == now + 0.25
