"""AMD's cards over a /sys of the tests' own: every file missing in turn, a card that hangs, who computes on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from workbench.remote.gpus import amd_readings, amd_sampling, gpu_sources, nvml_library, smi_sampling
from workbench.remote.gpus.amd_sampling import AmdSampler, find_cards

FILES = {
    "vendor": "0x1002\n",
    "device": "0x74a1\n",
    "unique_id": "a1b2c3d4e5f60718\n",
    "product_name": "AMD Instinct MI300X\n",
    "gpu_busy_percent": "97\n",
    "mem_busy_percent": "41\n",
    "mem_info_vram_total": "206141652992\n",
    "mem_info_vram_used": "1073741824\n",
    "current_link_speed": "32.0 GT/s PCIe\n",
    "current_link_width": "16\n",
    "pp_dpm_sclk": "0: 132Mhz\n1: 2100Mhz *\n",
    "pp_dpm_mclk": "0: 900Mhz *\n1: 1300Mhz\n",
    "ras/umc_err_count": "ue: 3\nce: 5\n",
    "hwmon/hwmon4/temp1_label": "junction\n",
    "hwmon/hwmon4/temp1_input": "61000\n",
    "hwmon/hwmon4/temp2_label": "mem\n",
    "hwmon/hwmon4/temp2_input": "48000\n",
    "hwmon/hwmon4/power1_average": "512250000\n",
    "hwmon/hwmon4/power1_cap": "750000000\n",
    "hwmon/hwmon4/freq1_input": "2050000000\n",
    "hwmon/hwmon4/freq2_input": "1300000000\n",
    "hwmon/hwmon4/pwm1": "51\n",
    "hwmon/hwmon4/pwm1_max": "255\n",
}
WHOLE = {
    "uuid": "GPU-a1b2c3d4e5f60718",
    "index": 0,
    "name": "AMD Instinct MI300X",
    "bus": "0000:05:00.0",
    "utilisation": 97,
    "memory_utilisation": 41,
    "memory_total": 206141652992,
    "memory_used": 1073741824,
    "temperature": 61.0,
    "memory_temperature": 48.0,
    "power": 512.25,
    "power_limit": 750.0,
    "sm_clock": 2050.0,
    "sm_clock_max": 2100,
    "memory_clock": 1300.0,
    "memory_clock_max": 1300,
    "fan": 20.0,
    "pcie_generation": 5,
    "pcie_width": 16,
    "ecc_corrected": 5,
    "ecc_uncorrected": 3,
}


def put(root: Path, path: str, text: str) -> None:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def card(root: Path, bus: str = "0000:05:00.0", number: int = 1, **changes: str) -> Path:
    """A card of a /sys, with other files ("/" written as "__")."""
    device = root / "devices" / bus
    for path, text in {**FILES, **{name.replace("__", "/"): text for name, text in changes.items()}}.items():
        put(device, path, text)
    place = root / "class/drm" / f"card{number}"
    place.mkdir(parents=True)
    (place / "device").symlink_to(device)
    return device


def told(root: Path) -> list[dict[str, Any]]:
    sampler = AmdSampler(find_cards(str(root)), str(root))
    sampler.sample(frozenset(), 30.0)
    return sampler.rows(1.0)


def test_everything_a_card_tells(tmp_path: Path) -> None:
    card(tmp_path)
    assert told(tmp_path) == [WHOLE]


@pytest.mark.parametrize("path", [path for path in FILES if path not in ("vendor", "mem_info_vram_total")])
def test_what_is_not_told_is_absent_and_the_rest_as_it_was(tmp_path: Path, path: str) -> None:
    device = card(tmp_path)
    (device / path).unlink()
    (row,) = told(tmp_path)
    for name, value in row.items():
        if name not in ("uuid", "name", "temperature"):
            assert value == WHOLE[name], (path, name)
    assert row["temperature"] in (61.0, 48.0) if "temperature" in row else True


@pytest.mark.parametrize("nonsense", ["", "x\n", "-1\n", "99999999999999999999999\n"])
@pytest.mark.parametrize(
    "path", [path for path in FILES if path not in ("vendor", "mem_info_vram_total", "device")]
)
def test_nonsense_is_absent(tmp_path: Path, path: str, nonsense: str) -> None:
    device = card(tmp_path)
    (device / path).write_text(nonsense)
    (row,) = told(tmp_path)
    for name, value in row.items():
        if name not in ("uuid", "name", "temperature"):
            assert value == WHOLE[name], (path, name)


def test_a_card_without_a_number_is_named_by_its_place(tmp_path: Path) -> None:
    device = card(tmp_path)
    for name in ("unique_id", "product_name"):
        (device / name).unlink()
    (row,) = told(tmp_path)
    assert (row["uuid"], row["name"]) == ("AMD-0000:05:00.0", "AMD 0x74a1")


def test_cards_are_in_bus_order_and_others_makes_are_none(tmp_path: Path) -> None:
    card(tmp_path, "0000:85:00.0", 0, unique_id="00000000000000b2")
    card(tmp_path, "0000:05:00.0", 1, unique_id="00000000000000a1")
    card(tmp_path, "0000:01:00.0", 2, vendor="0x8086\n")
    put(tmp_path, "class/drm/card1-HDMI-A-1/status", "connected")
    assert [(row["index"], row["uuid"]) for row in told(tmp_path)] == [
        (0, "GPU-00000000000000a1"),
        (1, "GPU-00000000000000b2"),
    ]


def test_one_that_sleeps_is_not_woken(tmp_path: Path) -> None:
    card(tmp_path, power__runtime_status="suspended\n")
    (row,) = told(tmp_path)
    assert row["name"] == "AMD Instinct MI300X"
    assert not {"utilisation", "memory_used", "power"} & set(row)


def test_one_that_hangs_holds_up_its_own_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    card(tmp_path, "0000:05:00.0", 0, unique_id="00000000000000a1")
    card(tmp_path, "0000:85:00.0", 1, unique_id="00000000000000b2")
    let_go = threading.Event()
    figures = amd_readings.figures

    def slow(read: Any, hwmon: str | None) -> Any:
        if (read("unique_id") or "").startswith("00000000000000a1"):
            let_go.wait()
        return figures(read, hwmon)

    monkeypatch.setattr(amd_readings, "figures", slow)
    monkeypatch.setattr(amd_sampling, "HUNG", -1.0)
    sampler = AmdSampler(find_cards(str(tmp_path)), str(tmp_path))
    try:
        while "utilisation" not in sampler.rows(1.0)[1]:
            sampler.sample(frozenset(), 0.05)
        first, second = sampler.rows(1.0)
        assert first["error"] == "hung"
        assert first["age"] >= 0
        assert "error" not in second
    finally:
        let_go.set()


def test_who_computes_on_them(tmp_path: Path) -> None:
    card(tmp_path)
    node = "class/kfd/kfd/topology/nodes/1"
    put(tmp_path, f"{node}/gpu_id", "4711\n")
    put(tmp_path, f"{node}/properties", "cpu_cores_count 0\ndomain 0\nlocation_id 1280\n")
    put(tmp_path, "class/kfd/kfd/topology/nodes/0/gpu_id", "0\n")
    put(tmp_path, "class/kfd/kfd/proc/123/vram_4711", "536870912\n")
    put(tmp_path, "class/kfd/kfd/proc/124/vram_4711", "0\n")
    put(tmp_path, "class/kfd/kfd/proc/125/vram_99", "5\n")
    put(tmp_path, "class/kfd/kfd/proc/126/pasid", "5\n")
    sampler = AmdSampler(find_cards(str(tmp_path)), str(tmp_path))
    sampler.sample(frozenset(), 30.0)
    assert sampler.uses() == {123: [{"gpu": "GPU-a1b2c3d4e5f60718", "memory": 536870912}]}


def test_without_any_card_there_are_none(tmp_path: Path) -> None:
    assert find_cards(str(tmp_path / "no-sys")) == []


def test_they_are_told_of_where_only_the_library_of_the_others_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nvml_library, "load", lambda: (object(), ""))
    monkeypatch.setattr(nvml_library, "module_version", lambda: None)
    monkeypatch.setattr(amd_sampling, "find_cards", lambda: ["/sys/class/drm/card0/device"])
    monkeypatch.setattr(smi_sampling, "find_program", lambda: None)
    assert isinstance(gpu_sources.open_gpus(True), AmdSampler)
    monkeypatch.setattr(nvml_library, "module_version", lambda: "570.1")
    assert not gpu_sources.only_amd()
