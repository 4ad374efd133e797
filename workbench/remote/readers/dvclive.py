"""A DVCLive folder: `plots/metrics/NAME.tsv`, and `params.yaml`."""

import os
from typing import Any, Dict, List

from workbench.remote.readers import plain_yaml
from workbench.remote.readers.columns import cell, moment
from workbench.remote.readers.entries import Entry, Reading, metric, number_of, param
from workbench.remote.readers.folders import Folder, WrittenAnew

METRICS = os.path.join("plots", "metrics")


def read(path: str, state: Dict[str, Any]) -> Reading:
    """What is new in a DVCLive folder."""
    try:
        return _read(path, state, False)
    except WrittenAnew:
        return _read(path, {}, True)


def _read(path: str, state: Dict[str, Any], again: bool) -> Reading:
    folder = Folder(path, state)
    headers = dict(state.get("headers") or {})
    params = folder.whole("params.yaml")
    entries: List[Entry] = []
    if params is not None:
        entries.extend(param(name, value) for name, value in plain_yaml.mapping(params).items())
    for name, file in folder.names(METRICS):
        if not name.endswith(".tsv"):
            continue
        for line in folder.lines(file):
            cells = line.rstrip("\r").split("\t")
            if name not in headers:
                headers[name] = cells
                continue
            row = dict(zip(headers[name], cells))
            value = number_of(cell(row.get(name[:-4].rsplit("/", 1)[-1], cells[-1])))
            if value is None:
                folder.skipped += 1
            else:
                time = moment(cell(row.get("timestamp", "")))
                entries.append(metric(name[:-4], value, row.get("step"), time))
    return Reading(entries, dict(folder.state, headers=headers), folder.more, again, folder.skipped, "")
