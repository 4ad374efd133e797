"""The readers by the name of their form."""

from typing import Any, Callable, Dict

from workbench.remote.readers import detect, json_lines, tables, tensorboard
from workbench.remote.readers.entries import Reading

READERS: Dict[str, Callable[[str, Dict[str, Any]], Reading]] = {
    detect.TENSORBOARD: tensorboard.read,
    detect.TABLE: tables.read,
    detect.JSON_LINES: json_lines.read,
}
