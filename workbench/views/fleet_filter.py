"""Which machines fit what one typed: `util<5 & held` is about one GPU, `disk>90` about the machine. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.text.narrowing import Term, Terms
from workbench.text.numbers import finite
from workbench.views import gpus as look
from workbench.views.fleet import Row, percent
from workbench.views.gpus import Gpu

OF_A_GPU = ("util", "mem", "temp", "power")
OF_A_MACHINE = ("cpu", "ram", "disk", "runs", "gpus")
HANDS = ("free", "held", "idle", "others", "hot", "error")
"""What is said of a GPU: its use, and held for one that a run or a lease has."""
STANDING = ("stale", "cordoned")
TERMS = Terms((*OF_A_GPU, *OF_A_MACHINE), (*HANDS, *STANDING), ("state", "kind"))
HINT = "part of a name; util<5 & held, mem, temp, power, cpu, ram, disk, free, hot, state="


def fits(terms: Sequence[Term], row: Row, said: str) -> bool:
    """Whether a machine fits: its own terms hold, and there is one GPU of which all those of GPUs hold.

    said: what its row says, in small letters.
    """
    ours = [term for term in terms if _of_a_gpu(term)]
    return all(_holds(term, row, said) for term in terms if term not in ours) and (
        not ours or any(all(term.holds(*_facts(gpu)) for term in ours) for gpu in row.gpus)
    )


def _of_a_gpu(term: Term) -> bool:
    return term.name in OF_A_GPU or term.name in HANDS


def _holds(term: Term, row: Row, said: str) -> bool:
    if term.name in ("state", "kind"):
        texts = [row.state.replace(" ", "")] if term.name == "state" else list(look.kinds(row.gpus))
        return any(word in text.lower() for text in texts for word in term.words) is not term.negated
    figures: Mapping[str, float | None] = {
        "cpu": row.cpu,
        "ram": row.ram,
        "disk": row.disk,
        "runs": row.runs,
        "gpus": len(row.gpus) if row.gpus else None,
    }
    flags = {name for name, holds in (("stale", row.stale), ("cordoned", row.cordoned)) if holds}
    return term.holds(figures, flags, said)


def _facts(gpu: Gpu) -> tuple[Mapping[str, float | None], set[str]]:
    sample = gpu.sample
    figures = {
        "util": finite(sample.get("utilisation")),
        "mem": percent(sample.get("memory_used"), sample.get("memory_total")),
        "temp": finite(sample.get("temperature")),
        "power": finite(sample.get("power")),
    }
    flags = {gpu.use.value} | ({"held"} if gpu.runs or gpu.label else set())
    return figures, flags | ({"hot"} if look.is_hot(sample) else set()) - ({"unknown", "ours"})
