"""Whether the NVIDIA driver is whole: cards, kernel module and library, of one version. From files alone:
a driver that hangs must not hang who asks what is wrong with it."""

import glob
import os
import re
from typing import List, NamedTuple, Optional

from workbench.remote.doctor.checks import Check, ailing, well
from workbench.remote.gpus.nvml_library import module_version
from workbench.remote.gpus.nvml_names import ENV_LIBRARY, NAMES

NVIDIA = "0x10de"
DISPLAY = ("0x0300", "0x0302")  # VGA and 3D controllers
FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")
_VERSION = re.compile(r"libnvidia-ml\.so\.(\d{2,4}\.\d{1,4}(?:\.\d{1,4})?)$")

# cards: GPUs on the bus, None where that cannot be seen. module: the loaded kernel module's version.
# library: the file a program would load, and its version where its name says it.
Driver = NamedTuple(
    "Driver",
    [
        ("cards", Optional[int]),
        ("module", Optional[str]),
        ("library", Optional[str]),
        ("library_version", Optional[str]),
    ],
)


def find_driver(sys="/sys", root="/"):
    # type: (str, str) -> Driver
    """What there is of a driver."""
    library = find_library()
    version = _VERSION.search(os.path.realpath(library)) if library else None
    return Driver(cards_on_bus(sys), module_version(root), library, version.group(1) if version else None)


def find_library():
    # type: () -> Optional[str]
    """The file of NVML that a program here would load; None when there is none in the usual places."""
    named = os.environ.get(ENV_LIBRARY)
    for name in [named] if named else NAMES:
        for path in [name] if "/" in name else [os.path.join(folder, name) for folder in FOLDERS]:
            if os.path.exists(path):
                return path
    return None


def cards_on_bus(sys="/sys"):
    # type: (str) -> Optional[int]
    """How many NVIDIA GPUs the PCI bus has; None where it cannot be looked at, as in some containers."""
    devices = glob.glob(os.path.join(glob.escape(sys), "bus", "pci", "devices", "*"))
    if not devices:
        return None
    count = 0
    for device in devices:
        if _line(device, "vendor") == NVIDIA and _line(device, "class")[:6] in DISPLAY:
            count += 1
    return count


def _line(device, name):
    # type: (str, str) -> str
    try:
        with open(os.path.join(device, name), "rb") as file:
            return file.readline(64).decode("ascii", "replace").strip()
    except OSError:
        return ""


def judge_amd(cards):
    # type: (int) -> List[Check]
    """The line about AMD's GPUs; none where there are none."""
    if not cards:
        return []
    words = "%d AMD GPU%s watched, not given out: the queue knows NVIDIA's only" % (
        cards,
        " is" if cards == 1 else "s are",
    )
    hint = "submit without --gpus; with slots=1 one run at a time has them"
    return [ailing("gpus", "warn", words, hint, "wb compute set NAME slots=1")]


def judge_driver(driver, listed):
    # type: (Driver, int) -> List[Check]
    """The lines about it; listed: how many GPUs the driver lists. None where there is no trace of a GPU."""
    if driver.module is None:
        if driver.cards:
            words = "%d NVIDIA GPUs are on the bus, but their kernel module is not loaded" % driver.cards
            hint = "if that fails the driver is not installed, or was built for another kernel (uname -r)"
            return [ailing("driver", "bad", words, hint, "sudo modprobe nvidia && nvidia-smi")]
        return []
    if driver.library_version is not None and driver.library_version != driver.module:
        words = "the driver's library is %s, the loaded kernel module is %s" % (
            driver.library_version,
            driver.module,
        )
        hint = "the driver was upgraded while it was in use: runs go on, new ones fail until a restart"
        return [ailing("driver", "bad", words, hint, "sudo reboot")]
    if driver.library is None:
        words = "the kernel module is %s, but libnvidia-ml.so.1 is nowhere" % driver.module
        hint = "GPUs can be used but hardly watched; the package of the driver's libraries is missing"
        return [ailing("driver", "warn", words, hint, "ldconfig -p | grep libnvidia-ml || nvidia-smi")]
    words = "driver %s, its library is there" % driver.module
    if driver.cards is not None and driver.cards > listed:
        text = "%d GPUs are on the bus, the driver lists %d" % (driver.cards, listed)
        hint = "one fell off, or is not given to this user; the kernel's log says which (NVRM, Xid)"
        return [ailing("driver", "warn", text, hint, "sudo dmesg | grep -iE 'NVRM|Xid' | tail")]
    return [well("driver", words)]
