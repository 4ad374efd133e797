"""Amounts as people read them."""


def in_words(size):
    # type: (float) -> str
    """Bytes with a unit: 12.5 GiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return "%.0f %s" % (size, unit) if unit == "B" else "%.1f %s" % (size, unit)
        size = size / 1024.0
    return "%.1f TiB" % size
