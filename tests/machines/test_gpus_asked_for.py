"""More GPUs than a machine has are refused at submit, by what it says of itself then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machines.settled import settled
from tests.machines.wb import Wb
from workbench.services.machine_facts import restarted


@pytest.fixture
def driver(wb: Wb, tmp_path: Path) -> Path:
    """The list of this machine's GPUs as its driver's tool gives it: a file to be written by the test."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    listing = tmp_path / "gpus"
    listing.write_text("")
    tool.write_text(f'#!/bin/sh\n[ "$1" = -L ] && cat {listing}\nexit 0\n')
    tool.chmod(0o755)
    wb.environ["PATH"] = f"{tool.parent}:{wb.environ['PATH']}"
    wb("compute", "set", "local", f"root={settled(tmp_path / 'root')}", f"lease_dir={tmp_path / 'lease'}")
    return listing


def install(driver: Path, count: int) -> None:
    """Let the machine have so many GPUs."""
    driver.write_text("".join(f"GPU {n}: Card (UUID: GPU-{n}a)\n" for n in range(count)))


@pytest.mark.skipif(Path("/proc/driver/nvidia/gpus").exists(), reason="the real driver is asked first")
def test_more_gpus_than_there_are_fail_at_submit(wb: Wb, driver: Path) -> None:
    """AZ-36: it would wait in the queue for ever. What was known of the machine does not count against it."""
    refused = wb.run("submit", "--no-code", "--gpus", "1", "--", "true")
    assert refused.returncode == 5
    assert "1 GPU wanted, but none can be used on local" in refused.stderr
    assert "hint:" in refused.stderr
    assert wb.json("ps") == [], "a run that was refused leaves no row"

    install(driver, 2)  # attach measured none; the machine is asked again
    assert wb("submit", "--no-code", "--wait", "--gpus", "2", "--", "echo", "$CUDA_VISIBLE_DEVICES")
    refused = wb.run("submit", "--no-code", "--gpus", "3", "--", "true")
    assert "3 GPUs wanted, but only 2 can be used on local" in refused.stderr
    assert "hint: ask for 2" in refused.stderr

    wb("compute", "set", "local", "devices=GPU-1", "gpus=2")  # the machine has two, runs may use one
    refused = wb.run("submit", "--no-code", "--", "true")
    assert refused.returncode == 5
    assert "2 GPUs wanted, but only 1 can be used on local" in refused.stderr
    assert "devices=GPU-1" in refused.stderr
    assert wb("submit", "--no-code", "--wait", "--gpus", "1", "--", "true")


@pytest.mark.skipif(Path("/proc/driver/nvidia/gpus").exists(), reason="the real driver is asked first")
def test_what_a_machine_has_is_listed_anew_after_it_was_looked_at(wb: Wb, driver: Path) -> None:
    wb("compute", "doctor", "local")
    assert wb.json("compute", "show", "local")["facts"]["gpus"] == []
    install(driver, 2)
    wb("compute", "doctor", "local")
    assert [gpu["uuid"] for gpu in wb.json("compute", "show", "local")["facts"]["gpus"]] == [
        "GPU-0a",
        "GPU-1a",
    ]


@pytest.mark.parametrize(
    ("known", "now", "wanted"),
    [("a", "a", False), ("a", "b", True), (None, "b", False), ("a", None, False)],
)
def test_a_machine_was_restarted_when_it_says_so(known: str | None, now: str | None, wanted: bool) -> None:
    assert restarted({"boot_id": known}, {"boot": now}) is wanted
