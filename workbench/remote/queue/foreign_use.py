"""Which GPUs of this machine nobody can be given: others use them, or the driver cannot reach them.

People start programs by hand, containers hide theirs, a desktop draws its windows. A card counts as used when
somebody computes on it, or when its memory or its time is taken beyond what the target allows for.
"""

import json
import sys
import time
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from workbench.remote.gpus.devices import ask, list_gpus, parse_usage
from workbench.remote.queue.leases import LOST, SILENT, USED

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

# What the driver says of its cards, of which it has `count`: what was seen of each that answers, by UUID; the
# places in bus order of those; and of those that fell off the bus, with the UUID where they still told it.
News = NamedTuple(
    "News", [("count", int), ("seen", Dict[str, Use]), ("known", Set[int]), ("lost", Dict[int, str])]
)


def busy_devices(devices, limits=USUAL):
    # type: (Sequence[str], Limits) -> Dict[str, str]
    """Those of the devices that nobody can be given now, each with why: USED, SILENT or LOST.

    Empty where nobody can tell. It may take a while.
    """
    if not any(device.startswith(("GPU-", "MIG-")) for device in devices):
        return {}
    news = ask_driver()
    if news is None:
        return dict.fromkeys(judged(devices, ask_tool(), limits), USED)
    found = dict.fromkeys(judged(devices, news.seen, limits), USED)
    silent = [device for device in devices if device not in news.seen and device.startswith("GPU-")]
    if silent:
        found.update(why_silent(silent, news, [gpu["uuid"] for gpu in list_gpus()] if news.lost else []))
    return found


def why_silent(silent, news, listed):
    # type: (Sequence[str], News, Sequence[str]) -> Dict[str, str]
    """Why each of those the driver said nothing of is silent. listed: all cards in bus order. Pure.

    A lost card no longer tells its name: it is known by its place, or when all that are silent are lost.
    """
    lost = set(news.lost.values())
    if len(listed) == news.count:
        lost.update(listed[place] for place in news.lost)
    if len(news.lost) == news.count - len(news.known):
        lost.update(silent)
    return {device: LOST if device in lost else SILENT for device in silent}


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
    # type: () -> Optional[News]
    """What the driver's library says of the cards; None where it cannot be asked."""
    try:
        import threading  # here, and NVML too: supervisors import this module, and must stay small

        from workbench.remote.gpus.nvml_library import NvmlError, load
    except ImportError:  # a python without ctypes
        return None
    library, _ = load()
    if library is None:
        return None
    try:
        library.start()
        news = News(library.count(), {}, set(), {})
    except NvmlError:
        return None
    threads = [threading.Thread(target=_see, args=(library, place, news)) for place in range(news.count)]
    for thread in threads:
        thread.daemon = True  # one that hangs in the driver holds nobody up
        thread.start()
    deadline = time.monotonic() + ANSWER_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return News(news.count, dict(news.seen), set(news.known), dict(news.lost))


def _see(library, place, news):
    # type: (Any, int, News) -> None
    """Note what one card, and each of its instances, says of itself."""
    from workbench.remote.gpus.nvml_device import open_device
    from workbench.remote.gpus.nvml_library import GPU_IS_LOST, NvmlError

    name = ""
    try:
        device = open_device(library, place)
        name = device.text("nvmlDeviceGetUUID") or ""
        for one in [device] + device.instances():
            uuid = one.text("nvmlDeviceGetUUID")
            if uuid:
                news.seen[uuid] = _use_of(one)
        news.known.add(place)
    except NvmlError as problem:
        if problem.code == GPU_IS_LOST:
            news.lost[place] = name


def _use_of(device):
    # type: (Any) -> Use
    from workbench.remote.gpus.nvml_processes import ProcessReader

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
    """Print {"busy": {UUID: why}} for JSON of devices and limits, for who must not load the driver."""
    wanted = json.loads(argv[0])
    busy = busy_devices([str(device) for device in wanted["devices"]], limits_of(wanted))
    sys.stdout.write(json.dumps({"busy": busy}) + "\n")
    return 0
