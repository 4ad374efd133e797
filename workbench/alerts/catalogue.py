"""The rules as a table: what a person reads of them, in the docs, on the command line and on the screen."""

from __future__ import annotations

from workbench.alerts.finding import minutes
from workbench.entities.alert import RuleCard, Severity
from workbench.settings import AlertSettings
from workbench.text.sizes import short

WARN, BAD = Severity.WARN, Severity.BAD
Line = tuple[str, Severity, str, str]
"""A rule's id, how bad it is mostly, when it calls, when it is over."""


def catalogue(settings: AlertSettings) -> list[RuleCard]:
    """Every rule with its condition under these settings, in the order the docs show them."""
    lines = [*_of_runs(settings), *_of_gpus(settings), *_of_machines(settings)]
    return [
        RuleCard(rule=rule, severity=severity, condition=condition, over=over, off=rule in settings.off)
        for rule, severity, condition, over in lines
    ]


def rule_names() -> list[str]:
    """The ids of all rules."""
    return [card.rule for card in catalogue(AlertSettings())]


def _of_runs(settings: AlertSettings) -> list[Line]:
    return [
        (
            "held-idle",
            WARN,
            f"a running run holds a GPU that is under {settings.idle_percent:g} % for"
            f" {minutes(settings.idle_minutes * 60)}, after it was once over {settings.busy_percent:g} %",
            f"it is over {2 * settings.idle_percent:g} % for a minute, or the run gives it back",
        ),
        (
            "never-started",
            WARN,
            f"a running run holds GPUs for {minutes(settings.start_minutes * 60)} and no process was on them",
            "a process is there",
        ),
        (
            "stalled",
            BAD,
            f"a running run's GPUs do nothing, and it wrote no output and recorded nothing, all for"
            f" {minutes(settings.stall_minutes * 60)}",
            "any of the three comes back",
        ),
        (
            "memory-leak",
            WARN,
            f"the GPU memory of one process of ours grows by more than {settings.leak_percent:g} % a minute"
            f" over {settings.leak_minutes} min and never shrinks",
            "it grows half as fast, or the process ends",
        ),
    ]


def _of_gpus(settings: AlertSettings) -> list[Line]:
    lasting = minutes(settings.event_minutes * 60)
    return [
        (
            "throttled",
            WARN,
            f"heat or the power brake holds a GPU's clocks back in more than {settings.throttle_percent:g} %"
            f" of {minutes(settings.throttle_minutes * 60)}; a power cap alone is normal",
            f"in less than {settings.throttle_percent / 2:g} %",
        ),
        ("ecc", BAD, "the count of uncorrected memory errors of a GPU rises", f"{lasting} without another"),
        (
            "row-remap",
            WARN,
            "a GPU has a bad row of memory that waits for its replacement (bad: that cannot be replaced)",
            "the row is replaced",
        ),
        ("xid", BAD, "the driver reports an error of a GPU (table below)", f"{lasting} without another"),
        ("gpu-lost", BAD, "a GPU does not answer on its bus", "it answers"),
        ("gpu-hung", BAD, "a GPU does not answer its driver for 10 s", "it answers"),
        ("gpu-error", WARN, "a GPU gives something else than figures", "it gives figures"),
        ("driver", BAD, "the GPU driver does not work, or is another than the loaded module", "it works"),
    ]


def _of_machines(settings: AlertSettings) -> list[Line]:
    return [
        (
            "disk-full",
            BAD,
            f"a disk where runs, the home or leases are has less than {settings.disk_percent:g} % free,"
            f" or less than {short(settings.disk_bytes)} where that is under a fifth of it",
            "a quarter more is free for a minute",
        ),
        (
            "disk-filling",
            WARN,
            f"at the rate of the last half hour such a disk is full within {settings.disk_hours:g} h",
            "it would last a quarter longer",
        ),
        (
            "silent",
            WARN,
            "a machine that was measured has said nothing for a minute (bad: while runs of ours are on it)",
            "it speaks",
        ),
        (
            "foreign-use",
            WARN,
            f"a process of another run, or of no run of ours, is on a GPU that a run holds for"
            f" {minutes(settings.foreign_minutes * 60)}, with {short(settings.foreign_bytes)} or"
            f" {settings.idle_percent:g} % of it",
            "it is gone for a minute",
        ),
    ]
