"""The GPUs of this machine, as its driver lists them."""

import glob
import os
import re
from typing import Any, Dict, List, Optional, Set

DRIVER = "/proc/driver/nvidia/gpus"
ASK_SECONDS = 20.0
LISTED = re.compile(r"^GPU \d+: (.{1,200}?) \(UUID: ((?:GPU|MIG)-[0-9A-Za-z/-]+)\)", re.MULTILINE)


def list_gpus(driver=DRIVER):
    # type: (str) -> List[Dict[str, Any]]
    """[{"uuid", "name"}] in bus order: from the driver's own files, else nvidia-smi, else none."""
    found = [gpu for gpu in (read_information(path) for path in information_files(driver)) if gpu]
    if found:
        return found
    return parse_listing(ask(["nvidia-smi", "-L"]) or "")


def information_files(driver):
    # type: (str) -> List[str]
    """The driver's files, one a GPU; the directories' names are bus addresses."""
    return sorted(glob.glob(os.path.join(glob.escape(driver), "*", "information")))


def read_information(path):
    # type: (str) -> Optional[Dict[str, Any]]
    """A GPU from its file; None when it has no UUID to be named by, or no device file (not ours to use)."""
    try:
        with open(path, "rb") as file:
            text = file.read(65536).decode("utf-8", "replace")
    except OSError:
        return None
    values = dict(re.findall(r"^([A-Za-z ]+):[ \t]*(.*?)[ \t]*$", text, re.MULTILINE))
    uuid = values.get("GPU UUID", "")
    minor = values.get("Device Minor", "")
    if not re.match(r"^GPU-[0-9A-Za-z-]+$", uuid) or "?" in uuid:
        return None
    if minor.isdigit() and path.startswith(DRIVER) and not os.path.exists("/dev/nvidia" + minor):
        return None
    return {"uuid": uuid, "name": values.get("Model", "")[:200]}


def parse_listing(text):
    # type: (str) -> List[Dict[str, Any]]
    """The GPUs that `nvidia-smi -L` printed."""
    return [{"uuid": uuid, "name": name} for name, uuid in LISTED.findall(text)]


def parse_usage(text):
    # type: (str) -> Set[str]
    """UUIDs of GPUs that compute processes use, as --query-compute-apps=gpu_uuid,pid printed them."""
    rows = (line.split(",") for line in text.splitlines())
    return {row[0].strip() for row in rows if len(row) == 2 and row[0].strip().startswith(("GPU-", "MIG-"))}


def gpu_memory():
    # type: () -> Dict[str, int]
    """UUID -> bytes of memory; empty without nvidia-smi."""
    text = ask(["nvidia-smi", "--query-gpu=uuid,memory.total", "--format=csv,noheader,nounits"]) or ""
    rows = (line.split(",") for line in text.splitlines())
    return {row[0].strip(): int(row[1]) << 20 for row in rows if len(row) == 2 and row[1].strip().isdigit()}


def ask(argv, seconds=ASK_SECONDS):
    # type: (List[str], float) -> Optional[str]
    """What a program prints; None when it is not there, fails or takes too long."""
    import shutil  # here: supervisors import this module, and must stay small
    import subprocess

    program = shutil.which(argv[0])
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program] + argv[1:],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout[: 1 << 20].decode("utf-8", "replace") if done.returncode == 0 else None
