"""Asking who else uses the GPUs in a process of its own: a driver that hangs must not hang the link."""

import json
import os
import select
import subprocess
import time
from typing import Any, Dict

from workbench.remote.machine import Machine
from workbench.remote.starting import quick_argv

PATIENCE = 30.0  # seconds: cards are given ten, nvidia-smi twenty


def ask_aside(machine, wanted):
    # type: (Machine, Dict[str, Any]) -> Dict[str, str]
    """What `busy_devices` says of wanted["devices"]; empty where nobody can tell. wanted: also the limits."""
    if not any(device.startswith(("GPU-", "MIG-")) for device in wanted["devices"]):
        return {}
    argv = quick_argv(machine, ["foreign", json.dumps(wanted)])
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            bufsize=0,
        )
    except OSError:
        return {}
    assert child.stdout is not None
    said = b""
    deadline = time.monotonic() + PATIENCE
    try:
        while not said.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([child.stdout], [], [], left)[0]:
                break
            block = os.read(child.stdout.fileno(), 65536)
            if not block:
                break
            said += block
    finally:
        child.kill()  # and no wait: what hangs in a driver ends when the driver lets it
        child.stdout.close()
        child.poll()
    try:
        busy = json.loads(said.decode("utf-8"))["busy"]
        return {str(device): str(why) for device, why in busy.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
