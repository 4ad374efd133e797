"""What the errors that a GPU's driver reports mean, and what to do about them."""

from __future__ import annotations

from typing import NamedTuple

from workbench.entities.alert import Severity


class Meaning(NamedTuple):
    """One Xid."""

    text: str
    advice: str
    severity: Severity | None = Severity.BAD
    """None: it follows from another error and is no fault of its own."""


_PROGRAM = "look at the run's output for the error it got; the GPU itself is well if other programs run on it"
_RESET = "end what runs on it, then reset it (nvidia-smi --gpu-reset) or reboot; if it comes back, replace it"
_WATCH = "nothing to do now; if it happens often, the memory of this GPU wears out: plan its replacement"
_LINK = "reseat or replace the bridge, cable or switch it is on; until then avoid runs over several GPUs"

XIDS: dict[int, Meaning] = {
    8: Meaning("the GPU stopped processing", _RESET),
    13: Meaning(
        "a program made an error on the GPU (illegal instruction or address)", _PROGRAM, Severity.WARN
    ),
    31: Meaning("a program touched GPU memory that is not its own", _PROGRAM, Severity.WARN),
    32: Meaning("the driver sent the GPU a damaged command: bus or driver", _RESET),
    38: Meaning(
        "the driver's firmware failed", "update the driver; if it comes back, ask the maker of the machine"
    ),
    43: Meaning("a program's work was reset after an error of its own", _PROGRAM, Severity.WARN),
    45: Meaning("work was cleaned up after another error or an end by force", "", None),
    46: Meaning("the GPU stopped processing", _RESET),
    48: Meaning("memory error of two bits: what was computed with it is wrong", _RESET),
    61: Meaning("the GPU's own controller stopped", _RESET),
    62: Meaning("the GPU's own controller stopped", _RESET),
    63: Meaning("a row of its memory was replaced by a spare one", _WATCH, Severity.WARN),
    64: Meaning("a bad row of its memory could not be replaced", _RESET),
    68: Meaning("the video decoder failed", _PROGRAM, Severity.WARN),
    69: Meaning("a program made an error on the GPU (graphics engine class)", _PROGRAM, Severity.WARN),
    74: Meaning("an NVLink connection failed", _LINK),
    79: Meaning(
        "the GPU has fallen off the bus",
        "runs on it are lost; power the machine off and on, check its power cables and its cooling;"
        " if it comes back, replace the GPU",
    ),
    92: Meaning("many memory errors of one bit, all corrected", _WATCH, Severity.WARN),
    94: Meaning(
        "a memory error that was contained: the program that met it was ended, others go on",
        "submit that run again; reset the GPU when it is free, so that the row is replaced",
        Severity.WARN,
    ),
    95: Meaning("a memory error that was not contained: everything on the GPU was hit", _RESET),
    109: Meaning("the GPU took too long to change between programs", _PROGRAM, Severity.WARN),
    119: Meaning(
        "the GPU's system processor did not answer the driver",
        "reboot; if it comes back, update the driver, or switch that processor off",
    ),
    120: Meaning("the GPU's system processor failed", "reboot; if it comes back, update the driver"),
    137: Meaning("a program used NVLink memory that is not its own", _PROGRAM, Severity.WARN),
    140: Meaning("a memory error that was not corrected", _RESET),
    143: Meaning("the GPU did not start up", _RESET),
    154: Meaning("the driver says that the GPU has to be recovered", _RESET),
}
UNKNOWN = Meaning(
    "the driver reported an error",
    "look at `dmesg` on the machine and for the number in the GPU maker's list of Xid errors",
    Severity.WARN,
)


def meaning(code: int) -> Meaning:
    """What a Xid means; one we do not know says where to look."""
    return XIDS.get(code, UNKNOWN)
