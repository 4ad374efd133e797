"""W&B's offline runs (`run-*.wandb`): history, config, tags, what only the summary has, how it ended."""

from typing import Any, Dict, List

from workbench.remote.readers import growing, wandb_records
from workbench.remote.readers.entries import Entry, Reading
from workbench.remote.readers.log_frames import LONGEST, frames

MAGIC = b":W&B\xe1\xbe"
HEADER = 7


def read(path: str, state: Dict[str, Any]) -> Reading:
    """The records of a .wandb file beyond state. Raises OSError; ValueError for what is no plain file."""
    seen = growing.look(path, state)
    kept = {} if seen.again else state
    start = 0 if seen.offset else HEADER
    if start and not seen.data.startswith(MAGIC[: len(seen.data)]):
        told = growing.after(path, seen, 0, kept)
        return Reading([], told, False, seen.again, 0, "it does not begin like a W&B log")
    cut = frames(seen.data[start:], seen.offset + start, seen.size)
    if not cut.taken and len(seen.data) >= growing.MOST_AT_ONCE:
        seen = growing.look(path, kept, LONGEST + growing.MOST_AT_ONCE)._replace(again=seen.again)
        cut = frames(seen.data[start:], seen.offset + start, seen.size)
    memory = wandb_records.Memory(kept.get("logged"), kept.get("summary"))
    entries: List[Entry] = []
    skipped = cut.skipped
    for record in cut.records:
        try:
            entries.extend(wandb_records.entries(record, memory))
        except ValueError:
            skipped += 1
    taken = start + cut.taken if cut.taken else 0
    after = dict(growing.after(path, seen, taken, kept), logged=sorted(memory.logged), summary=memory.summary)
    more = cut.taken > 0 and seen.offset + len(seen.data) < seen.size
    return Reading(entries, after, more, seen.again, skipped, "")
