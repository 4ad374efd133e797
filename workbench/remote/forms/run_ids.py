"""Run ids: ULIDs, which anybody may make without asking, and which sort by their time."""

import os
import time
from itertools import count

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_numbers = count()


def make_run_id(milliseconds, entropy):
    # type: (int, bytes) -> str
    """A ULID: 26 characters. milliseconds since 1970, entropy 10 random bytes."""
    number = (milliseconds << 80) | int.from_bytes(entropy[:10], "big")
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))


def new_run_id():
    # type: () -> str
    """One that nobody has; of those a process makes in one millisecond the later ones sort later."""
    place = (next(_numbers) & 0xFFFFFF).to_bytes(3, "big")
    return make_run_id(int(time.time() * 1000), place + os.urandom(7))
