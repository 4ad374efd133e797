"""What goes wrong in a GPU: heat, memory errors, errors of the driver, a card that is gone."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import ClassVar, NamedTuple

from workbench.alerts.finding import Finding, Remembered, Seen, gpu_name, minutes
from workbench.alerts.xids import meaning
from workbench.entities.alert import Alert, Severity
from workbench.entities.sample import GpuSample
from workbench.text.sanitize import clean_name

HANGS = 10.0
"""Seconds after which a GPU that does not answer is told of: one slow answer is none."""
ENOUGH = 0.8
"""Share of the window that must have been measured."""


class Throttle:
    """Heat or the power brake holds clocks back for a good part of the time. A power cap alone is normal."""

    ids: ClassVar[tuple[str, ...]] = ("throttled",)

    def __init__(self) -> None:
        self._windows: Remembered[str, deque[tuple[float, str | None]]] = Remembered()

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """One finding a GPU that tells why its clocks are held back."""
        length = seen.settings.throttle_minutes * 60
        for gpu in seen.sample.gpus:
            if gpu.throttle is None or gpu.error is not None:
                yield "throttled", Finding(None, gpu=gpu.uuid)
                continue
            window = self._windows.setdefault(gpu.uuid, deque())
            window.append((seen.now, next(filter(_alarming, gpu.throttle), None)))
            while window and window[0][0] < seen.now - length:
                window.popleft()
            words = [word for _, word in window if word is not None]
            share = 100.0 * len(words) / len(window)
            if seen.now - window[0][0] < ENOUGH * length:
                yield "throttled", Finding(None if share else False, gpu=gpu.uuid)
            else:
                yield "throttled", self._finding(seen, gpu, share, words)

    @staticmethod
    def _finding(seen: Seen, gpu: GpuSample, share: float, words: list[str]) -> Finding:
        limit = seen.settings.throttle_percent
        if share <= limit:
            return Finding(False, gpu=gpu.uuid, over=share < limit / 2, clear=0.0)
        brake, length = any("brake" in word for word in words), seen.settings.throttle_minutes * 60
        why = "the power brake" if brake else "heat"
        degrees = f", at {gpu.temperature:.0f} °C now" if gpu.temperature is not None and not brake else ""
        advice = (
            "the power supply asks for it: check its load, its cables and the other supply"
            if brake
            else "check fans, dust, filters and the room's air"
        )
        return Finding(
            True,
            text=f"{gpu_name(gpu)} is slowed down by {why}: {share:.0f} % of the last {minutes(length)}"
            + degrees,
            advice=advice,
            gpu=gpu.uuid,
            over=False,
        )

    def remember(self, alert: Alert) -> None:
        """Nothing: it is measured again."""


def _alarming(word: str) -> bool:
    return "thermal" in word or "brake" in word


class MemoryErrors:
    """Errors of GPU memory that were not corrected, and rows of it that wait for, or got no, replacement."""

    ids: ClassVar[tuple[str, ...]] = ("ecc", "row-remap")

    def __init__(self) -> None:
        self._counts: Remembered[str, int] = Remembered()
        self._rose: Remembered[str, tuple[float, int]] = Remembered()

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """A finding a GPU and rule where its driver tells."""
        for gpu in seen.sample.gpus:
            count = gpu.ecc_uncorrected
            if count is not None:
                before = self._counts.get(gpu.uuid, count)
                if count > before:
                    self._rose[gpu.uuid] = (seen.now, count - before)
                self._counts[gpu.uuid] = count
            yield from self._remapped(gpu)
        lasting = seen.settings.event_minutes * 60
        names = {gpu.uuid: gpu_name(gpu) for gpu in seen.sample.gpus}
        for uuid, (time, more) in list(self._rose.items()):
            if seen.now - time >= lasting:
                del self._rose[uuid]
                continue
            errors = "1 memory error" if more == 1 else f"{more} memory errors"
            yield (
                "ecc",
                Finding(
                    True,
                    severity=Severity.BAD,
                    text=f"{names.get(uuid, f'GPU {uuid}')} had {errors} that could not be corrected",
                    advice="what ran on it may have computed nonsense: run it again elsewhere;"
                    " reset the GPU (nvidia-smi --gpu-reset) when it is free",
                    gpu=uuid,
                    over=False,
                ),
            )

    @staticmethod
    def _remapped(gpu: GpuSample) -> Iterable[tuple[str, Finding]]:
        rows = gpu.remapped
        if rows is None or (rows.pending is None and rows.failed is None):
            return
        if not (rows.failed or rows.pending):
            yield "row-remap", Finding(False, gpu=gpu.uuid)
        elif rows.failed:
            text = f"{gpu_name(gpu)} has a bad row of memory that could not be replaced"
            yield (
                "row-remap",
                Finding(
                    True, Severity.BAD, text, "have the GPU replaced: its spare rows are used up", gpu.uuid
                ),
            )
        else:
            text = f"{gpu_name(gpu)} has a bad row of memory that is replaced at its next reset"
            advice = "reset the GPU when it is free (nvidia-smi --gpu-reset), or reboot"
            yield "row-remap", Finding(True, Severity.WARN, text, advice, gpu.uuid)

    def remember(self, alert: Alert) -> None:
        """Errors that were counted stay told for as long as they would have."""
        if alert.rule == "ecc" and alert.gpu is not None:
            self._rose[alert.gpu] = (alert.since.timestamp(), 1)


class Happened(NamedTuple):
    """An error a driver reported, and the run that held its GPU then."""

    gpu: str
    code: int
    run: str | None


class Xids:
    """Errors that the driver reported; one alert a GPU, code and run, for an hour after the last of them."""

    ids: ClassVar[tuple[str, ...]] = ("xid",)

    def __init__(self) -> None:
        self._last: Remembered[str, tuple[int, float]] = Remembered()
        self._told: Remembered[Happened, tuple[float, str]] = Remembered()

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """One finding a GPU, code and run seen lately."""
        lasting = seen.settings.event_minutes * 60
        for gpu in seen.sample.gpus:
            if gpu.xid is None or self._last.get(gpu.uuid) == (gpu.xid.code, gpu.xid.time):
                continue
            self._last[gpu.uuid] = (gpu.xid.code, gpu.xid.time)
            if meaning(gpu.xid.code).severity is not None and seen.sample.time - gpu.xid.time < lasting:
                run = seen.holder(gpu.uuid)
                words = "" if run is None else f", while {seen.run_name(run)} held it"
                self._told[Happened(gpu.uuid, gpu.xid.code, run)] = (seen.now, words)
        names = {gpu.uuid: gpu_name(gpu) for gpu in seen.sample.gpus}
        for known, (time, words) in list(self._told.items()):
            if seen.now - time >= lasting:
                del self._told[known]
                continue
            what = meaning(known.code)
            yield (
                "xid",
                Finding(
                    True,
                    severity=what.severity or Severity.WARN,
                    text=f"{names.get(known.gpu, f'GPU {known.gpu}')}: Xid {known.code}, {what.text}{words}",
                    advice=what.advice,
                    gpu=known.gpu,
                    run=known.run,
                    about=str(known.code),
                    over=False,
                ),
            )

    def remember(self, alert: Alert) -> None:
        """An error that was told stays so for as long as it would have."""
        if alert.gpu is not None and alert.about is not None and alert.about.isdigit():
            known = Happened(alert.gpu, int(alert.about), alert.run)
            self._told[known] = (alert.since.timestamp(), "")


class Answers:
    """GPUs that are lost, hang, or say something else than figures; a driver that does not work at all."""

    ids: ClassVar[tuple[str, ...]] = ("gpu-lost", "gpu-hung", "gpu-error", "driver")

    def __init__(self) -> None:
        self._ill: Remembered[str, str] = Remembered()
        """The rule that a GPU was found by; one that vanished is not well for that."""

    def look(self, seen: Seen) -> Iterable[tuple[str, Finding]]:
        """A finding a GPU, and one of the driver."""
        here = {gpu.uuid for gpu in seen.sample.gpus}
        for uuid, rule in self._ill.items():
            if uuid not in here:
                yield rule, Finding(None, gpu=uuid, over=False)
        for gpu in seen.sample.gpus:
            if gpu.error is None:
                self._ill.pop(gpu.uuid, None)
                for rule in self.ids[:3]:
                    yield rule, Finding(False, gpu=gpu.uuid, clear=10.0)
                continue
            rule, finding = _error(gpu)
            self._ill[gpu.uuid] = rule
            yield rule, finding
        yield "driver", _driver(seen)

    def remember(self, alert: Alert) -> None:
        """A GPU that was ill may have vanished since."""
        if alert.gpu is not None:
            self._ill[alert.gpu] = alert.rule


def _error(gpu: GpuSample) -> tuple[str, Finding]:
    name, uuid = gpu_name(gpu), gpu.uuid
    if gpu.error == "lost":
        advice = (
            "what ran on it is lost, the other GPUs go on; reboot, and if it comes back, check the card's"
            " power cables and seat"
        )
        return "gpu-lost", Finding(
            True, Severity.BAD, f"{name} is lost: it does not answer on its bus", advice, uuid
        )
    if gpu.error == "hung":
        advice = (
            "the driver waits for it; the other GPUs go on; end what runs on it, and reboot when that"
            " does not help: processes that wait in the kernel cannot be killed"
        )
        return "gpu-hung", Finding(
            True, Severity.BAD, f"{name} hangs: it does not answer its driver", advice, uuid, hold=HANGS
        )
    text = f"{name} gives no figures: {clean_name(gpu.error or '', 200)}"
    return "gpu-error", Finding(True, Severity.WARN, text, "look at `nvidia-smi` there", uuid, hold=HANGS)


def _driver(seen: Seen) -> Finding:
    error = clean_name(seen.sample.driver.error or "", 200)
    if not error:
        return Finding(False, clear=0.0)
    if "mismatch" in error.lower() or "version" in error.lower():
        text = f"the GPU driver was upgraded under a running kernel module ({error})"
        advice = "runs go on, new ones fail; reboot when they are done"
        return Finding(True, Severity.BAD, text, advice, hold=HANGS)
    advice = "look at `nvidia-smi` and `dmesg` there; GPUs cannot be used until it is repaired"
    return Finding(True, Severity.BAD, f"the GPU driver does not work: {error}", advice, hold=HANGS)
