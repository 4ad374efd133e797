"""Giving a snapshot back to whoever lost it: its manifest, and file contents as one stream."""

import os
import struct
from typing import Any, Dict, List

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.snapshots.trees import load_manifest, open_blob
from workbench.remote.wire.exchange import Exchange
from workbench.remote.wire.problems import RequestError

BLOCK = 1 << 18
MAX_HASHES = 100000
LENGTH = struct.Struct(">Q")


def give_manifest(machine, snapshot):
    # type: (Machine, str) -> Dict[str, Any]
    """{"entries": [[path, kind, mode, size, content]]} of a snapshot; raises RequestError, BadManifest."""
    entries = load_manifest(machine, snapshot)
    if entries is None:
        raise RequestError("not_found", "snapshot %.12s is not on this machine" % snapshot)
    return {"entries": entries}


def checked_hashes(value):
    # type: (Any) -> List[str]
    """A list of sha256; raises RequestError."""
    if not isinstance(value, list) or len(value) > MAX_HASHES:
        raise RequestError("usage", "parameter hashes must be a list of %d at most" % MAX_HASHES)
    for item in value:
        if not isinstance(item, str) or not protocol.SHA256.match(item):
            raise RequestError("usage", "%.80r is no sha256" % (item,))
    return value


def give_contents(exchange, machine, hashes):
    # type: (Exchange, Machine, List[str]) -> Dict[str, int]
    """Send the contents of those hashes in order, each as `>Q` length and bytes; {"sent": n}.

    Raises RequestError for one that is not here, or is damaged.
    """
    for sha256 in hashes:
        exchange.check()
        try:
            handle = open_blob(machine.root, sha256)
        except FileNotFoundError:
            raise RequestError("not_found", "content %.12s is not on this machine" % sha256)
        with os.fdopen(handle, "rb", 0) as file:
            left = os.fstat(file.fileno()).st_size
            exchange.data(LENGTH.pack(left))
            while left:
                block = file.read(min(BLOCK, left))
                if not block:
                    raise RequestError("conflict", "content %.12s became shorter meanwhile" % sha256)
                exchange.data(block)
                left -= len(block)
    return {"sent": len(hashes)}
