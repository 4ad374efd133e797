"""What the kernel's amdgpu driver tells in /sys of a card and of who computes on it. Pure but for `read`.

read: gives a file's text by its path below the card's device folder, None where there is none.
"""

import re
from typing import Any, Callable, Dict, List, Optional

MAX_BYTES = 1 << 50
GENERATIONS = {2.5: 1, 5.0: 2, 8.0: 3, 16.0: 4, 32.0: 5, 64.0: 6}  # GT/s of a PCIe lane

Fields = Dict[str, Any]
Read = Callable[[str], Optional[str]]


def static_fields(read, bus):
    # type: (Read, str) -> Fields
    """What stays as it is: its UUID (or place, where it has none), name, bus, highest clocks, PCIe."""
    serial = (read("unique_id") or "").strip().lower()
    found = {"uuid": "GPU-" + serial if re.match(r"^[0-9a-f]{8,32}$", serial) else "AMD-" + bus, "bus": bus}
    name = (read("product_name") or "").strip()
    device = (read("device") or "").strip()
    put(found, "name", name or ("AMD " + device if device else None))
    put(found, "sm_clock_max", highest_clock(read("pp_dpm_sclk")))
    put(found, "memory_clock_max", highest_clock(read("pp_dpm_mclk")))
    return found


def figures(read, hwmon):
    # type: (Read, Optional[str]) -> Fields
    """What moves. hwmon: the folder of its sensors below the device's, None without any."""
    found = {}  # type: Fields
    put(found, "utilisation", share(read("gpu_busy_percent")))
    put(found, "memory_utilisation", share(read("mem_busy_percent")))
    total = number(read("mem_info_vram_total"), MAX_BYTES)
    used = number(read("mem_info_vram_used"), MAX_BYTES)
    put(found, "memory_total", total or None)
    put(found, "memory_used", used if total and used is not None and used <= total else None)
    speed = re.match(r"^([\d.]+) GT/s", read("current_link_speed") or "")
    put(found, "pcie_generation", GENERATIONS.get(float(speed.group(1))) if speed else None)
    put(found, "pcie_width", number(read("current_link_width"), 64) or None)
    errors = dict(re.findall(r"^(ue|ce): (\d{1,15})$", read("ras/umc_err_count") or "", re.MULTILINE))
    put(found, "ecc_uncorrected", number(errors.get("ue")))
    put(found, "ecc_corrected", number(errors.get("ce")))
    if hwmon is not None:
        put_sensors(found, lambda name: read(hwmon + "/" + name))
    return found


def put_sensors(found, read):
    # type: (Fields, Read) -> None
    """Temperatures, power, clocks and fan of a card's sensors. read: by the file's name."""
    degrees = {}
    for place in range(1, 4):
        label = (read("temp%d_label" % place) or "").strip()
        value = number(read("temp%d_input" % place), 300000)
        if value is not None:
            degrees[label or "edge"] = value / 1000.0
    put(found, "temperature", degrees.get("edge", degrees.get("junction")))
    put(found, "memory_temperature", degrees.get("mem"))
    power = number(read("power1_average"))
    power = number(read("power1_input")) if power is None else power
    put(found, "power", scaled(power, 1e6))
    put(found, "power_limit", scaled(number(read("power1_cap")) or None, 1e6))
    put(found, "sm_clock", scaled(number(read("freq1_input")), 1e6))
    put(found, "memory_clock", scaled(number(read("freq2_input")), 1e6))
    speed, most = number(read("pwm1"), 255), number(read("pwm1_max"), 255)
    put(found, "fan", 100.0 * speed / most if speed is not None and most else None)


def kfd_bus(properties):
    # type: (str) -> Optional[str]
    """The bus address of a node of the compute driver's topology."""
    values = dict(re.findall(r"^(domain|location_id) (\d{1,10})$", properties, re.MULTILINE))
    if "location_id" not in values:
        return None
    place = int(values["location_id"])
    return "%04x:%02x:%02x.%x" % (
        int(values.get("domain", 0)),
        place >> 8 & 0xFF,
        place >> 3 & 0x1F,
        place & 7,
    )


def highest_clock(levels):
    # type: (Optional[str]) -> Optional[int]
    """The highest of a list of clocks such as "1: 1800Mhz *", in MHz."""
    found = [int(clock) for clock in re.findall(r"^\d+: (\d{1,6})Mhz", levels or "", re.MULTILINE)]
    return max(found) if found else None


def number(text, most=1 << 60):
    # type: (Optional[str], int) -> Optional[int]
    """A whole number up to a highest one; None for what is none."""
    word = (text or "").strip()
    return int(word) if word.isdecimal() and int(word) <= most else None


def share(text):
    # type: (Optional[str]) -> Optional[int]
    """Percent of time."""
    return number(text, 100)


def scaled(value, by):
    # type: (Optional[int], float) -> Optional[float]
    """A number in larger units."""
    return None if value is None else value / by


def put(found, name, value):
    # type: (Fields, str, Any) -> None
    """A field that has a value."""
    if value is not None:
        found[name] = value


def uses_of(files, names):
    # type: (Dict[int, Dict[str, Optional[str]]], Dict[str, str]) -> Dict[int, List[Fields]]
    """pid -> what it has of which GPU. files: pid -> vram file's name -> text; names: gpu id -> UUID."""
    found = {}  # type: Dict[int, List[Fields]]
    for pid, texts in files.items():
        for name, text in sorted(texts.items()):
            uuid = names.get(name[len("vram_") :])
            memory = number(text, MAX_BYTES)
            if uuid is not None and memory:
                found.setdefault(pid, []).append({"gpu": uuid, "memory": memory})
    return found
