"""What is said of a driver that cannot be asked, and of what GPUs' numbers mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.remote.forms.gpu_words import THROTTLE, compute_mode_word, throttle_bits, throttle_words
from workbench.remote.gpus.nvml_library import NvmlError, module_version, start_problem


def test_a_mismatch_names_both_versions() -> None:
    words = start_problem(NvmlError(18, "Driver/library version mismatch"), "570.133.20", "570.124.06")
    assert words == (
        "the driver's library is 570.133.20, the loaded kernel module is 570.124.06: "
        "the driver was upgraded while it was in use. Runs go on, new ones fail; reboot"
    )


def test_a_mismatch_without_versions_is_said_all_the_same() -> None:
    words = start_problem(NvmlError(18, "Driver/library version mismatch"), None, None)
    assert words.startswith("the driver's library and the loaded kernel module are of different versions: ")


def test_other_problems_are_in_the_drivers_words() -> None:
    assert start_problem(NvmlError(999, "Unknown Error"), "570.1", None) == "Unknown Error"


@pytest.mark.parametrize(
    ("place", "text", "version"),
    [
        ("sys/module/nvidia/version", "570.124.06\n", "570.124.06"),
        (
            "proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44 UTC 2024\n",
            "470.256.02",
        ),
        (
            "proc/driver/nvidia/version",
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n",
            "580.65.06",
        ),
        ("proc/driver/nvidia/version", "something else\n", None),
        ("elsewhere", "570.1", None),
    ],
)
def test_the_version_of_the_loaded_module(tmp_path: Path, place: str, text: str, version: str | None) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert module_version(str(tmp_path)) == version


def test_reasons_come_the_gravest_first_and_unknown_ones_are_passed_over() -> None:
    assert throttle_words(0x40 | 0x4 | 0x80000000) == ["hardware thermal", "power cap"]
    assert throttle_words(0x1) == []
    assert throttle_bits(["power cap", "a new one", "hardware thermal"]) == 0x44
    assert len({word for _, word in THROTTLE}) == len({bit for bit, _ in THROTTLE}) == len(THROTTLE)


def test_a_compute_mode_nobody_knows_has_no_word() -> None:
    assert compute_mode_word(3) == "exclusive process"
    assert compute_mode_word(77) is None
