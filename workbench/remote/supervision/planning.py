"""From what was prepared to what is started: the command with all that only the machine knew put in."""

import os
from typing import Any, Dict, Optional, Tuple

from workbench.remote import compiled
from workbench.remote.containers.contained import Contained
from workbench.remote.machine import Machine
from workbench.remote.processes import launch
from workbench.remote.runs.runfolder import RunFolder, write_whole


def plan_start(machine, folder, spec, prepared, contained, umask):
    # type: (Machine, RunFolder, Dict[str, Any], Dict[str, Any], Optional[Contained], int) -> Planned
    """The spec with the places of its data and what starts its ranks, and how; scripts are written.

    Raises ValueError for a command that cannot be, OSError.
    """
    if prepared.get("data"):
        from workbench.remote.data.providing import bound  # few runs have any, and supervisors stay small

        spec = bound(spec, prepared["data"])
    if spec.get("distribution"):
        from workbench.remote.distribution.plan import distributed

        if contained is not None:  # nothing compiled: its python may be another
            spec = distributed(machine.payload, folder, spec, contained_python(prepared))
        else:
            spec = distributed(compiled.usable(machine.payload) or machine.payload, folder, spec)
    if contained is not None:
        return spec, contained.prepared(spec, prepared, umask)
    script = folder.inside(launch.SCRIPT)
    plan = launch.plan_launch(spec, script, launch.find_shell(), prepared["bin"], prepared["site"])
    if plan.script is not None:
        write_whole(script, os.fsencode(plan.script))
    return spec, plan


Planned = Tuple[Dict[str, Any], launch.Launch]


def contained_python(prepared):
    # type: (Dict[str, Any]) -> str
    """The image's python, which starts the ranks there. Raises ValueError where it has none."""
    python = str((prepared.get("image") or {}).get("interpreter") or "")
    if not python:
        raise ValueError("the image has no python, which would start the processes of its distribution")
    return python
