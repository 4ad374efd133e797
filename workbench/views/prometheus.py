"""Machines as Prometheus reads them: its text format, one sample a figure that is known. Pure.

What is not known has no sample: a figure that is absent is not 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from workbench.text.numbers import finite
from workbench.views import gpus as look
from workbench.views.fleet import index_of
from workbench.views.gpus import Use, View

Labels = dict[str, str]
Found = Iterator[tuple[Labels, float]]


class _Metric(NamedTuple):
    """A metric: its name after wb_, what it is, how it is read from a view."""

    name: str
    help: str
    read: Callable[[View, Labels], Found]


def exposition(views: Iterable[View]) -> str:
    """All metrics of all machines; those without one sample are left out."""
    machines = list(views)
    lines = []
    for metric in METRICS:
        samples = [
            sample
            for view in machines
            for sample in metric.read(view, {"target": str(view.get("name") or "")})
        ]
        if samples:
            lines += [f"# HELP wb_{metric.name} {metric.help}", f"# TYPE wb_{metric.name} gauge"]
            lines += [f"wb_{metric.name}{_labels(labels)} {_value(value)}" for labels, value in samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _value(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _host(key: str, scale: float = 1.0) -> Callable[[View, Labels], Found]:
    def read(view: View, labels: Labels) -> Found:
        value = finite(((view.get("sample") or {}).get("host") or {}).get(key))
        if value is not None:
            yield labels, round(value * scale, 6)

    return read


def _network(key: str) -> Callable[[View, Labels], Found]:
    def read(view: View, labels: Labels) -> Found:
        host = (view.get("sample") or {}).get("host") or {}
        value = finite((host.get("network") or {}).get(key))
        if value is not None:
            yield labels, value

    return read


def _disk(key: str) -> Callable[[View, Labels], Found]:
    def read(view: View, labels: Labels) -> Found:
        for disk in ((view.get("sample") or {}).get("host") or {}).get("disks") or ():
            value = finite(disk.get(key))
            if value is not None:
                yield {**labels, "path": str(disk.get("path") or "")}, value

    return read


def _gpus(view: View, labels: Labels) -> Iterator[tuple[Mapping[str, Any], Labels]]:
    for place, gpu in enumerate((view.get("sample") or {}).get("gpus") or ()):
        yield gpu, {**labels, "gpu": str(gpu.get("uuid") or ""), "index": index_of(gpu, place)}


def _gpu(key: str, scale: float = 1.0) -> Callable[[View, Labels], Found]:
    def read(view: View, labels: Labels) -> Found:
        for gpu, named in _gpus(view, labels):
            value = finite(gpu.get(key))
            if value is not None:
                yield named, round(value * scale, 6)

    return read


def _traffic(key: str, way: str) -> Callable[[View, Labels], Found]:
    def read(view: View, labels: Labels) -> Found:
        for gpu, named in _gpus(view, labels):
            value = finite((gpu.get(key) or {}).get(way))
            if value is not None:
                yield named, value

    return read


def _info(view: View, labels: Labels) -> Found:
    for gpu, named in _gpus(view, labels):
        yield (
            {**named, "name": str(gpu.get("name") or ""), "kind": look.kind_of(str(gpu.get("name") or ""))},
            1.0,
        )


def _error(view: View, labels: Labels) -> Found:
    for gpu, named in _gpus(view, labels):
        yield named, float(bool(gpu.get("error")))


def _throttled(view: View, labels: Labels) -> Found:
    for gpu, named in _gpus(view, labels):
        for reason in gpu.get("throttle") or ():
            yield {**named, "reason": str(reason)}, 1.0


def _xid(view: View, labels: Labels) -> Found:
    for gpu, named in _gpus(view, labels):
        code = finite((gpu.get("xid") or {}).get("code"))
        if code is not None:
            yield named, code


def _free(view: View, labels: Labels) -> Found:
    places = {
        str(gpu.get("uuid")): index_of(gpu, at)
        for at, gpu in enumerate((view.get("sample") or {}).get("gpus") or ())
    }
    for gpu in look.gpus_of(view):
        if gpu.use is not Use.UNKNOWN:
            yield {**labels, "gpu": gpu.uuid, "index": places[gpu.uuid]}, float(gpu.use is Use.FREE)


def _held(view: View, labels: Labels) -> Found:
    runs = view.get("runs") or {}
    for uuid, holder in (view.get("held") or {}).items():
        known = runs.get(holder) or {}
        yield {**labels, "gpu": str(uuid), "run": str(holder), "name": str(known.get("name") or holder)}, 1.0


def _up(view: View, labels: Labels) -> Found:
    yield labels, float(view.get("freshness") == "fresh")


def _age(view: View, labels: Labels) -> Found:
    value = finite(view.get("age"))
    if value is not None:
        yield labels, value


def _load(view: View, labels: Labels) -> Found:
    load = ((view.get("sample") or {}).get("host") or {}).get("load") or []
    value = finite(load[0]) if load else None
    if value is not None:
        yield labels, value


def _alerts(view: View, labels: Labels) -> Found:
    for alert in view.get("alerts") or ():
        about = {"rule": str(alert.get("rule") or ""), "severity": str(alert.get("severity") or "")}
        gpu = {"gpu": str(alert["gpu"])} if alert.get("gpu") else {}
        run = {"run": str(alert["run"])} if alert.get("run") else {}
        other = {"about": str(alert["about"])} if alert.get("about") else {}
        yield {**labels, **about, **gpu, **run, **other}, 1.0


PERCENT, MEGA = 0.01, 1e6
METRICS = (
    _Metric("target_up", "1 while the machine's figures are fresh.", _up),
    _Metric("target_sample_age_seconds", "Seconds since the figures came.", _age),
    _Metric("target_alert", "1 for each rule that holds of the machine.", _alerts),
    _Metric("host_cpu_ratio", "Share of all processors in use.", _host("cpu", PERCENT)),
    _Metric("host_cpus", "Processors.", _host("cpus")),
    _Metric("host_load1", "Load over one minute.", _load),
    _Metric("host_memory_total_bytes", "Memory.", _host("memory_total")),
    _Metric("host_memory_used_bytes", "Memory in use that no program could be given.", _host("memory_used")),
    _Metric("host_swap_used_bytes", "Swap in use.", _host("swap_used")),
    _Metric("host_uptime_seconds", "Seconds since the machine started.", _host("uptime")),
    _Metric("host_network_received_bytes_per_second", "Received over the network.", _network("received")),
    _Metric("host_network_sent_bytes_per_second", "Sent over the network.", _network("sent")),
    _Metric("disk_total_bytes", "Size of a file system something of ours is on.", _disk("total")),
    _Metric("disk_free_bytes", "What this user may still fill of it.", _disk("free")),
    _Metric("gpu_info", "1 for each GPU, with its name.", _info),
    _Metric("gpu_error", "1 where a GPU cannot be read.", _error),
    _Metric("gpu_free", "1 where a run would get the GPU now.", _free),
    _Metric("gpu_held", "1 for a GPU that a run or a lease holds.", _held),
    _Metric("gpu_utilisation_ratio", "Share of time in which it computed.", _gpu("utilisation", PERCENT)),
    _Metric("gpu_memory_total_bytes", "Memory of the GPU.", _gpu("memory_total")),
    _Metric("gpu_memory_used_bytes", "Memory of the GPU in use.", _gpu("memory_used")),
    _Metric("gpu_temperature_celsius", "Temperature of the GPU.", _gpu("temperature")),
    _Metric("gpu_memory_temperature_celsius", "Temperature of its memory.", _gpu("memory_temperature")),
    _Metric("gpu_power_watts", "Power it draws.", _gpu("power")),
    _Metric("gpu_power_limit_watts", "Power it may draw.", _gpu("power_limit")),
    _Metric("gpu_sm_clock_hertz", "Clock of its multiprocessors.", _gpu("sm_clock", MEGA)),
    _Metric("gpu_memory_clock_hertz", "Clock of its memory.", _gpu("memory_clock", MEGA)),
    _Metric("gpu_fan_ratio", "Speed of its fan.", _gpu("fan", PERCENT)),
    _Metric("gpu_throttled", "1 for each reason that holds its clocks back.", _throttled),
    _Metric("gpu_ecc_uncorrected_errors", "Since the driver was loaded.", _gpu("ecc_uncorrected")),
    _Metric("gpu_last_xid", "The last Xid the driver reported.", _xid),
    _Metric("gpu_pcie_received_bytes_per_second", "Received over PCIe.", _traffic("pcie", "received")),
    _Metric("gpu_pcie_sent_bytes_per_second", "Sent over PCIe.", _traffic("pcie", "sent")),
    _Metric("gpu_nvlink_received_bytes_per_second", "Received over NVLink.", _traffic("nvlink", "received")),
    _Metric("gpu_nvlink_sent_bytes_per_second", "Sent over NVLink.", _traffic("nvlink", "sent")),
)  # fmt: skip
"""Every metric, in the order it is told."""
