"""What a GPU's numbers mean in words; both ends use it, since numbers travel and words are shown."""

from typing import Dict, List, Optional, Tuple

UNKNOWN = "GPU-unknown-"  # and its index: what a GPU is called that never said its UUID

# Bits of the driver's clock event reasons, in the order they are shown. Being idle is no holding back.
THROTTLE = (
    (0x40, "hardware thermal"),
    (0x80, "power brake"),
    (0x08, "hardware slowdown"),
    (0x20, "software thermal"),
    (0x04, "power cap"),
    (0x200, "board limit"),
    (0x400, "reliability"),
    (0x10, "sync boost"),
    (0x02, "clocks set"),
    (0x100, "display clocks"),
)  # type: Tuple[Tuple[int, str], ...]
IDLE = 0x01

COMPUTE_MODES = {
    0: "default",
    1: "exclusive thread",
    2: "prohibited",
    3: "exclusive process",
}  # type: Dict[int, str]


def throttle_words(bits):
    # type: (int) -> List[str]
    """Why clocks are held back, the gravest first; empty when they are not."""
    return [word for bit, word in THROTTLE if bits & bit]


def throttle_bits(words):
    # type: (List[str]) -> int
    """The bits whose words these are; unknown ones are passed over."""
    return sum(bit for bit, word in THROTTLE if word in words)


def compute_mode_word(number):
    # type: (int) -> Optional[str]
    """The compute mode's name, None for a number we do not know."""
    return COMPUTE_MODES.get(number)
