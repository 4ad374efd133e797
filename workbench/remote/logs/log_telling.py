"""What is new of one log as record lines, and what they say of their run as a whole."""

import os
from typing import Any, Dict, Optional

from workbench.remote.forms import record_form
from workbench.remote.ingest.naming import Names, log_of
from workbench.remote.readers.entries import record_lines
from workbench.remote.readers.forms import READERS, ended, remark
from workbench.remote.readers.told import Told
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

AT_ONCE = 2000
"""Entries of which the lines are made at once."""


def tell(
    exchange: Exchange,
    form: str,
    path: str,
    state: Dict[str, Any],
    given: bool = False,
    names: Optional[Dict[str, Any]] = None,
    key: str = "",
) -> Dict[str, Any]:
    """Send what is new of a log beyond state: DATA is record lines whose times are since 1970.

    EVENT {"again"} says that the log is another one, or was written anew: what follows replaces what came
    before. given: it gave something before. names: what the metrics of its run's logs are called, None: as
    the log calls them; key: where the log lies below its run. Returns {"state", "entries", "skipped",
    "trouble", "told", "names"}. Raises RequestError.
    """
    if form not in READERS:
        raise RequestError("usage", "%.40r is no form of a log" % form)
    told, count, skipped, closing, trouble = Told(), 0, 0, False, ""
    named = None if names is None else Names(names)
    while True:
        exchange.check()
        try:
            modified = os.stat(path).st_mtime
            reading = READERS[form](path, state)
        except (OSError, ValueError) as error:
            trouble = str(error)
            break
        trouble = reading.trouble or trouble
        if reading.again:
            exchange.event({"again": True})
        kept = [entry for entry in reading.entries if entry.kind != record_form.RECORD_STATUS]
        if named is not None:
            kept = named.renamed(log_of(form, key), kept)
        for entry in reading.entries:
            told.note(entry)
        for start in range(0, len(kept), AT_ONCE):
            lines = record_lines(kept[start : start + AT_ONCE], 0.0, modified)
            exchange.data("".join(lines).encode("ascii"))
        count, skipped = count + len(kept), skipped + reading.skipped
        state = reading.state
        if kept:
            told.facts.setdefault("first", modified)  # a log that says no times
        if not reading.more:
            last = None if closing else ended(form, state)
            if last is None:
                break
            state, closing = last, True
    trouble = trouble or remark(form, state, given or bool(count), skipped)
    answer = {"state": state, "entries": count, "skipped": skipped, "trouble": trouble, "told": told.facts}
    return answer if named is None else dict(answer, names=named.state())
