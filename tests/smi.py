"""A nvidia-smi of the tests' own: it prints what a script file says, as the real one formats it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROGRAM = """#!{python} -IS
import json, os, sys, time
folder = os.path.dirname(os.path.abspath(__file__))
words = dict(word.partition("=")[::2] for word in sys.argv[1:])
with open(os.path.join(folder, "starts"), "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
interval = float(sys.argv[sys.argv.index("-l") + 1]) if "-l" in sys.argv else None
while True:
    with open(os.path.join(folder, "script.json")) as file:
        script = json.load(file)
    if script.get("hangs"):
        time.sleep(1000)
    if "said" in script:
        print(script["said"])
        sys.exit(script.get("exit", 15))
    if "--query-gpu" in words:
        asked = words["--query-gpu"].split(",")
        for name in asked:
            if name in script.get("unknown", []):
                print('Field "%s" is not a valid field to query.\\n' % name)
                sys.exit(2)
        for gpu in script["gpus"]:
            print(", ".join(gpu.get(name, "[N/A]") for name in asked))
    else:
        for app in script["apps"]:
            print(", ".join(app))
    sys.stdout.flush()
    if interval is None:
        sys.exit(0)
    time.sleep(interval)
"""


def gpu(index: int, **more: str) -> dict[str, str]:
    """What a GPU says, by the names nvidia-smi has for it ("." written as "__")."""
    return {
        "index": str(index),
        "uuid": f"GPU-{index}",
        "name": "NVIDIA H100 80GB HBM3",
        "pci.bus_id": f"00000000:{index:02X}:00.0",
        "driver_version": "570.124.06",
        "utilization.gpu": "97",
        "utilization.memory": "40",
        "memory.total": "81559",
        "memory.used": "1000",
        "temperature.gpu": "61",
        "power.draw": "512.25",
        "enforced.power.limit": "700.00",
        "clocks.sm": "1980",
        "pstate": "P0",
        "compute_mode": "Default",
        "mig.mode.current": "Disabled",
        "clocks_throttle_reasons.active": "0x0000000000000004",
        **{name.replace("__", "."): text for name, text in more.items()},
    }


class Smi:
    """The program in a folder of its own; `say` changes what it prints from its next line on."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.path = folder / "nvidia-smi"
        self.path.write_text(PROGRAM.format(python=Path(sys.executable).resolve()))
        self.path.chmod(0o755)
        self.say(gpus=[gpu(0), gpu(1)], apps=[])

    def say(self, **script: Any) -> None:
        """Print this from now on."""
        script = {"gpus": [], "apps": [], **script}
        partial = self.folder / "script.partial"
        partial.write_text(json.dumps(script))
        partial.rename(self.folder / "script.json")

    @property
    def starts(self) -> list[str]:
        """The arguments of each start so far."""
        path = self.folder / "starts"
        return path.read_text().splitlines() if path.exists() else []
