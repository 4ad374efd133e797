"""Which containers there are of ours: a note each, from before its start until it is seen to be removed.

Who finds a note of a run that nobody looks after removes the container. It lies in containers/ of the root,
so that looking is one listing; another machine's notes, where a root is shared, are left alone.
"""

import os
from typing import Any, Dict, List, NamedTuple, Optional

from workbench.remote.forms import protocol
from workbench.remote.machine import Machine
from workbench.remote.runs.runfolder import RunFolder, read_object, remove_quietly, write_whole

FOLDER = "containers"
MOST = 1 << 16
SUFFIX = ".json"

# argv: of the engine. name: of the container. env_file: in memory, maybe with secrets; None where none is.
Note = NamedTuple("Note", [("run", str), ("argv", List[str]), ("name", str), ("env_file", Optional[str])])


def write_note(machine, note):
    # type: (Machine, Note) -> None
    """Say that a container is about to be. Raises OSError."""
    folder = os.path.join(machine.root, FOLDER)
    os.makedirs(folder, 0o700, exist_ok=True)
    body = {"machine": machine.machine_id, "run": note.run, "argv": note.argv, "name": note.name}
    write_whole(path_of(machine, note), protocol.dumps(dict(body, env_file=note.env_file)), sync=False)


def drop_note(machine, note):
    # type: (Machine, Note) -> None
    """The container is gone."""
    if note.env_file:
        remove_quietly(note.env_file)
    remove_quietly(path_of(machine, note))


def end_containers(machine, folder, grace):
    # type: (Machine, RunFolder, float) -> None
    """End what is left of a run's containers, with so much grace; the next visitor tries again."""
    if os.path.isdir(os.path.join(machine.root, FOLDER)):
        from workbench.remote.containers.ending import end_left  # guards stay small

        end_left(machine, folder.run_id, grace)


def path_of(machine, note):
    # type: (Machine, Note) -> str
    """Where a note is."""
    return os.path.join(machine.root, FOLDER, note.name + SUFFIX)


def notes(machine, run_id=None):
    # type: (Machine, Optional[str]) -> List[Note]
    """The notes of this machine, or of one run on it; what cannot be read is left out."""
    folder = os.path.join(machine.root, FOLDER)
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        if not name.endswith(SUFFIX):
            continue
        try:
            note = read_note(machine, read_object(os.path.join(folder, name), MOST) or {})
        except (OSError, ValueError):
            continue
        if note is not None and note.name + SUFFIX == name and run_id in (None, note.run):
            found.append(note)
    return found


def read_note(machine, body):
    # type: (Machine, Dict[str, Any]) -> Optional[Note]
    """A note as it was written; None for another machine's, or one that makes no sense."""
    argv, name, file = body.get("argv"), body.get("name"), body.get("env_file")
    if body.get("machine") != machine.machine_id or not protocol.valid_run_id(body.get("run")):
        return None
    if not isinstance(argv, list) or not argv or not all(isinstance(word, str) for word in argv):
        return None
    if not isinstance(name, str) or not (file is None or isinstance(file, str)):
        return None
    return Note(str(body["run"]), argv, name, file)
