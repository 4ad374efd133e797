"""Who else uses the GPUs of this machine: processes outside the queue, by what they do to the cards.

People start programs by hand, containers hide theirs, a desktop draws its windows. A card counts as used when
somebody computes on it, or when its memory or its time is taken beyond what the target allows for.
"""

import json
import sys
import time
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from workbench.remote.devices import ask, parse_usage

ANSWER_SECONDS = 10.0  # a card that does not answer for so long is no card to give out
USED_MEMORY = 1 << 30  # bytes taken of a card that nobody is seen to compute on: from there on somebody does
USED_PERCENT = 50.0

# memory: bytes that others may hold on a card; None: nobody may compute on it, and USED_MEMORY counts for the
# rest (windows, processes of containers). utilisation: percent of its time that others may take.
Limits = NamedTuple("Limits", [("memory", Optional[int]), ("utilisation", float)])
USUAL = Limits(None, USED_PERCENT)

# What was seen of one card. computing: bytes of each process that computes and draws nothing, None unknown.
Use = NamedTuple(
    "Use",
    [("computing", Tuple[Optional[int], ...]), ("memory", Optional[int]), ("utilisation", Optional[float])],
)


def busy_devices(devices, limits=USUAL):
    # type: (Sequence[str], Limits) -> Tuple[str, ...]
    """Those of the devices that somebody uses now; empty where nobody can tell. It may take a while."""
    if not any(device.startswith(("GPU-", "MIG-")) for device in devices):
        return ()
    seen = ask_driver()
    if seen is None:
        return judged(devices, ask_tool(), limits)
    silent = [device for device in devices if device not in seen and device.startswith("GPU-")]
    return tuple(silent) + judged(devices, seen, limits)


def judged(devices, seen, limits):
    # type: (Iterable[str], Mapping[str, Use], Limits) -> Tuple[str, ...]
    """Those of the devices whose use goes beyond the limits. Pure."""
    return tuple(device for device in devices if device in seen and is_used(seen[device], limits))


def is_used(use, limits):
    # type: (Use, Limits) -> bool
    """Whether a card counts as used. Pure."""
    if use.utilisation is not None and use.utilisation > limits.utilisation:
        return True
    if limits.memory is None:
        return bool(use.computing) or (use.memory or 0) > USED_MEMORY
    computing = sum(held or 0 for held in use.computing)
    return computing > limits.memory or (use.memory or 0) > limits.memory


def limits_of(wanted):
    # type: (Mapping[str, Any]) -> Limits
    """The limits a spec or a request names; what it does not name is as usual."""
    memory, percent = wanted.get("foreign_memory"), wanted.get("foreign_utilisation")
    return Limits(
        memory if isinstance(memory, int) and not isinstance(memory, bool) and memory >= 0 else None,
        float(percent) if isinstance(percent, (int, float)) and 0 <= percent <= 100 else USED_PERCENT,
    )


def ask_driver():
    # type: () -> Optional[Dict[str, Use]]
    """What the driver's library says of each card that answers, by UUID; None where it cannot be asked."""
    try:
        import threading  # here, and NVML too: supervisors import this module, and must stay small

        from workbench.remote.nvml_library import NvmlError, load
    except ImportError:  # a python without ctypes
        return None
    library, _ = load()
    if library is None:
        return None
    seen = {}  # type: Dict[str, Use]
    try:
        library.start()
        count = library.count()
    except NvmlError:
        return None
    threads = [threading.Thread(target=_see, args=(library, number, seen)) for number in range(count)]
    for thread in threads:
        thread.daemon = True  # one that hangs in the driver holds nobody up
        thread.start()
    deadline = time.monotonic() + ANSWER_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(seen)


def _see(library, number, seen):
    # type: (Any, int, Dict[str, Use]) -> None
    """Note what one card, and each of its instances, says of itself; a lost one says nothing."""
    from workbench.remote.nvml_device import open_device
    from workbench.remote.nvml_library import NvmlError

    try:
        device = open_device(library, number)
        for one in [device] + device.instances():
            uuid = one.text("nvmlDeviceGetUUID")
            if uuid:
                seen[uuid] = _use_of(one)
    except NvmlError:
        return


def _use_of(device):
    # type: (Any) -> Use
    from workbench.remote.nvml_processes import ProcessReader

    reader = ProcessReader(device)
    drawing = set(pid for pid, _ in reader.of_kind("Graphics"))
    computing = {}  # type: Dict[int, Optional[int]]
    for kind in ("Compute", "MPSCompute"):
        computing.update(entry for entry in reader.of_kind(kind) if entry[0] not in drawing)
    return Use(tuple(computing.values()), device.memory()[1], device.utilization()[0])


def ask_tool():
    # type: () -> Dict[str, Use]
    """The same from nvidia-smi, where the library cannot be asked; empty without it."""
    listed = parse_usage(
        ask(["nvidia-smi", "--query-compute-apps=gpu_uuid,pid", "--format=csv,noheader"]) or ""
    )
    query = ["nvidia-smi", "--query-gpu=uuid,memory.used,utilization.gpu", "--format=csv,noheader,nounits"]
    seen = {uuid: Use((None,), None, None) for uuid in listed}
    for line in (ask(query) or "").splitlines():
        words = [word.strip() for word in line.split(",")]
        if len(words) != 3 or not words[0].startswith("GPU-"):
            continue
        memory, percent = [int(word) if word.isdigit() else None for word in words[1:]]
        computing = (None,) if words[0] in listed else ()  # type: Tuple[Optional[int], ...]
        seen[words[0]] = Use(computing, None if memory is None else memory << 20, percent)
    return seen


def main(argv):
    # type: (List[str]) -> int
    """Print {"busy": [UUID]} for a JSON object of devices and limits, for who must not load the driver."""
    wanted = json.loads(argv[0])
    busy = busy_devices([str(device) for device in wanted["devices"]], limits_of(wanted))
    sys.stdout.write(json.dumps({"busy": list(busy)}) + "\n")
    return 0
