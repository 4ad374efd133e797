"""What a run leaves: small files come by themselves, large ones on demand, resumed and checked."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from tests.machines.rig import SshServer
from tests.machines.test_main_job import attach, attach_local
from tests.machines.wb import Wb

MAKE = (
    "mkdir -p outputs/sub; head -c {size} /dev/urandom > outputs/big.bin; echo small > outputs/sub/small.txt; "
    "echo log > logs/a.log; ln -s /etc/passwd outputs/escape; mkfifo outputs/pipe; touch $(printf 'outputs/b\\033[31mx')"
)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_small_files_are_collected_and_large_ones_wait(wb: Wb, server: SshServer, tmp_path: Path):
    """AZ-86, AZ-88"""
    attach(wb, server)
    run = wb("submit", "--no-code", "--wait", "--", MAKE.format(size=3 << 20)).split()[0]
    listed = wb.until(
        lambda: {
            f["path"]: f
            for f in wb.json("run", "files", run)
            if f["path"] != "outputs/big.bin" and f["collected"]
        },
        "small files to be collected",
    )
    assert {"outputs/sub/small.txt", "logs/a.log"} <= set(listed)
    assert "outputs/escape" not in listed, "a link out of the run's folder is not followed"
    assert not any("\x1b" in path for path in listed)
    big = next(f for f in wb.json("run", "files", run) if f["path"] == "outputs/big.bin")
    assert (big["size"], big["collected"]) == (3 << 20, False)

    server.stop()
    wb("run", "download", run, "outputs/sub/small.txt", "--to", str(tmp_path / "small"))
    assert (tmp_path / "small").read_text() == "small\n", "what was collected needs no machine"
    refused = wb.run("run", "download", run, "outputs/big.bin", "--to", str(tmp_path / "big"))
    assert refused.returncode == 4
    server.start()
    wb("run", "download", run, "outputs/big.bin", "--to", str(tmp_path / "big"))
    (original,) = (server.home / "wb" / "runs" / run / "outputs").glob("big.bin")
    assert digest(tmp_path / "big") == digest(original)
    assert not list(tmp_path.glob(".*partial"))


def test_snapshot_and_collecting_can_be_turned_off(wb: Wb, server: SshServer, tmp_path: Path):
    """AZ-119: by the job file and by options; what stays on the machine can still be asked for."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "secret.txt").write_text("s3cret")
    command = "ls > outputs/seen; echo log > logs/a.log"
    (project / "job.yml").write_text(
        f"command: {command}\ncode: .\nworkbench: {{snapshot_code: false, collect_outputs: false}}\n"
    )
    attach(wb, server)
    off = wb("submit", str(project / "job.yml"), "--wait").split()[0]
    by_option = wb("submit", "--no-code", "--no-outputs", "--wait", "--", command, cwd=project).split()[0]
    mixed = wb("submit", str(project / "job.yml"), "--set", "workbench.snapshot_code=true", "--wait").split()[
        0
    ]
    usual = wb("submit", "--wait", "--", command, cwd=project).split()[0]
    # Runs are seen through in order: when the last one's files are here, nobody fetches the first one's.
    wb.until(lambda: [f for f in wb.json("run", "files", usual) if f["collected"]], "files to be collected")

    for run in (off, by_option):
        shown = wb.show(run)
        assert (shown["snapshot_code"], shown["collect_outputs"]) == (False, False)
        assert "snapshot" not in shown
        assert wb.run("run", "snapshot", run).returncode == 3
        page = wb("run", "show", run, "-o", "table")
        assert "off: it ran in an empty directory" in page
        assert "not collected" in page
        files = {f["path"]: f["collected"] for f in wb.json("run", "files", run)}
        assert files == {"outputs/seen": False, "logs/a.log": False}
        wb("run", "download", run, "outputs/seen", "--to", str(tmp_path / "seen"))
        seen = (tmp_path / "seen").read_text()
        (tmp_path / "seen").unlink()
        assert seen.split() == ["logs", "outputs"], "the directory was empty"
    assert "snapshot" in wb.show(mixed)
    assert not [f for f in wb.json("run", "files", mixed) if f["collected"]]
    assert "snapshot" in wb.show(usual)
    assert "not collected" not in wb("run", "show", usual, "-o", "table")

    again = wb("run", "rerun", off, "--set", "workbench.collect_outputs=true", "--wait").split()[0]
    wb.until(lambda: [f for f in wb.json("run", "files", again) if f["collected"]], "files to be collected")
    other = wb("run", "rerun", by_option, "--code", str(project), "--wait").split()[0]
    assert "snapshot" in wb.show(other)
    lost = wb.folder / "workspaces" / "default"
    assert not [p for p in lost.rglob("*") if p.is_file() and off in str(p) and "files" in str(p)]


def test_a_download_killed_midway_goes_on_where_it_stopped(wb: Wb, tmp_path: Path):
    attach_local(wb, tmp_path)
    size = 200 << 20
    run = wb(
        "submit", "--no-code", "--wait", "--", f"truncate -s {size} outputs/big; echo end >> outputs/big"
    ).split()[0]
    place = tmp_path / "got"
    place.mkdir()
    downloading = wb.start("run", "download", run, "outputs/big", "--to", str(place / "big"))
    partial = wb.until(
        lambda: [p for p in place.iterdir() if p.stat().st_size > 1 << 20], "some of it to arrive"
    )[0]
    downloading.kill()
    downloading.communicate()
    time.sleep(0.2)
    had = partial.stat().st_size if partial.exists() else 0
    inode = partial.stat().st_ino if partial.exists() else None
    wb("run", "download", run, "outputs/big", "--to", str(place / "big"))
    got = place / "big"
    assert got.stat().st_size == size + 4
    assert digest(got) == digest(tmp_path / "root" / "runs" / run / "outputs" / "big")
    if 0 < had < size:
        assert got.stat().st_ino == inode, "it began anew"


def test_a_partial_that_is_damaged_is_noticed(wb: Wb, tmp_path: Path):
    attach_local(wb, tmp_path)
    run = wb("submit", "--no-code", "--wait", "--", "head -c 3000000 /dev/zero > outputs/big").split()[0]
    place = tmp_path / "got"
    place.mkdir()
    downloading = wb.start("run", "download", run, "outputs/big", "--to", str(place / "big"))
    downloading.communicate()
    (place / "big").unlink()
    (file,) = [f for f in wb.json("run", "files", run) if f["path"] == "outputs/big"]
    mark = f"{run}-{file['modified']}-{file['size']}".replace("/", "_").replace(":", "")
    (place / f".big.{mark}.partial").write_bytes(b"x" * 1000)
    done = wb.run("run", "download", run, "outputs/big", "--to", str(place / "big"))
    assert done.returncode == 1
    assert "changed while it was read" in done.stderr
    assert not (place / "big").exists()
    wb("run", "download", run, "outputs/big", "--to", str(place / "big"))
    assert (place / "big").read_bytes() == bytes(3_000_000)


def test_logs_folder_is_collected_while_the_run_goes_on(make_wb, tmp_path: Path):
    """AZ-86"""
    wb: Wb = make_wb(WORKBENCH_COLLECT__LOGS_EVERY="0.5")
    attach_local(wb, tmp_path)
    run = wb("submit", "--no-code", "--", "echo early > logs/a.log; echo x > outputs/o; sleep 600").split()[0]

    def collected() -> set[str]:
        return {f["path"] for f in wb.json("run", "files", run) if f.get("collected")}

    wb.until(lambda: "logs/a.log" in collected(), "logs/ to arrive during the run")
    assert wb.show(run)["status"] == "Running"
    assert "outputs/o" not in collected(), "outputs/ come at the end"
    wb("cancel", run)
    wb.until(lambda: "outputs/o" in collected(), "outputs/ to arrive")


def test_removing_a_run_removes_it_everywhere(wb: Wb, tmp_path: Path):
    attach_local(wb, tmp_path)
    run = wb("submit", "--no-code", "--", "echo x > outputs/o; sleep 600").split()[0]
    active = wb.run("run", "rm", run, "--yes")
    assert active.returncode == 5
    wb("cancel", run)
    wb.wait(run)
    wb("run", "rm", run, "--yes")
    assert wb.run("run", "show", run).returncode == 3
    assert not [path for path in (tmp_path / "root" / "runs").iterdir() if path.name == run]
    assert not [path for path in wb.folder.rglob(f"*{run}*")]
