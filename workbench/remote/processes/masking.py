"""Secrets taken out of a stream of bytes, also where one spans two chunks."""

from typing import Iterable, List

MASK = b"***"
SHORTEST = 4  # bytes; shorter values would turn ordinary output into asterisks
MOST_HELD = 1 << 20  # bytes; output made of nothing but overlapping secrets is let go, masked, beyond it
SHORTEST_LINE = 8  # bytes of one line of a secret of several lines (keys, JSON)


class Mask(object):
    """Replaces the values of secrets in chunks that arrive one after the other.

    A chunk's end that could be the beginning of a secret is held back until more arrives or `rest` is
    asked for, so no part of a secret is ever let through.
    """

    def __init__(self, values):
        # type: (Iterable[str]) -> None
        self._secrets = needles(values)
        self._held = b""

    def feed(self, chunk):
        # type: (bytes) -> bytes
        """The bytes that may be shown now."""
        if not self._secrets:
            return chunk
        data = self._held + chunk
        border = self._border(data)
        self._held = data[border:]
        return self._masked(data[:border])

    def rest(self):
        # type: () -> bytes
        """What was held back, once nothing more will come."""
        held, self._held = self._held, b""
        return self._masked(held)

    def _masked(self, data):
        # type: (bytes) -> bytes
        for secret in self._secrets:
            if secret in data:
                data = data.replace(secret, MASK)
        return data

    def _border(self, data):
        # type: (bytes) -> int
        """Where the bytes begin that may belong to a secret that is not complete yet."""
        border = len(data)
        for secret in self._secrets:
            at = data.find(secret[:1], max(0, len(data) - len(secret) + 1))
            while 0 <= at < border:
                if secret.startswith(data[at:]):
                    border = at
                at = data.find(secret[:1], at + 1)
        moved = True
        while moved:  # a whole secret must not be cut by the border either
            moved = False
            for secret in self._secrets:
                at = data.find(secret, max(0, border - len(secret) + 1), border + len(secret) - 1)
                if 0 <= at < border:
                    border, moved = at, True
        return border if len(data) - border <= MOST_HELD else len(data)


def needles(values):
    # type: (Iterable[str]) -> List[bytes]
    """The byte strings to look for, longest first: each value in UTF-8, and the lines of long ones."""
    found = set()
    for value in values:
        secret = value.encode("utf-8", "surrogateescape")
        if len(secret.strip()) >= SHORTEST:
            found.add(secret)
            found.add(secret.strip())
        lines = secret.splitlines()
        if len(lines) > 1:
            found.update(line.strip() for line in lines if len(line.strip()) >= SHORTEST_LINE)
    return sorted(found, key=lambda secret: (-len(secret), secret))


def masked_text(text, values):
    # type: (str, Iterable[str]) -> str
    """A sentence of ours without the values of secrets."""
    mask = Mask(values)
    data = mask.feed(text.encode("utf-8", "surrogateescape")) + mask.rest()
    return data.decode("utf-8", "replace")
