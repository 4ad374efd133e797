"""When something is looked at again: what looks seldom does so at whole seconds, all of it in one wake-up."""


def next_look(now, pause):
    # type: (float, float) -> float
    """The moment of the next look, `pause` seconds from now; a pause of a second or more ends a bit sooner,
    at a whole second of the clock, as does everything else in this process that waits so long.
    """
    return now + pause if pause < 1.0 else float(int(now + pause))
