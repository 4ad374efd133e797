"""Who still has a file open to write to it: what such a file ends with may be half of what comes."""

import os
from typing import Iterator

LONGEST = 4096  # bytes of what the kernel says of a descriptor


def written_to(path: str) -> bool:
    """Whether a process of this machine has a file open for writing. Raises OSError for a file that is gone.

    Only those that this user may look at are known, and none where the system does not tell; nor who has it
    open under another name, of a second link to it.
    """
    facts, name = os.stat(path), os.path.basename(os.path.realpath(path))
    return any(_same(descriptor, name, facts) and _writes(descriptor) for descriptor in _descriptors())


def _descriptors() -> Iterator[str]:
    """All that may be looked at, of all processes."""
    for process in _listed("/proc"):
        if process.isdigit():
            folder = "/proc/%s/fd" % process
            for name in _listed(folder):
                yield os.path.join(folder, name)


def _listed(folder: str) -> Iterator[str]:
    try:
        yield from os.listdir(folder)
    except OSError:
        return  # it has ended meanwhile, or is somebody else's


def _same(descriptor: str, name: str, facts: os.stat_result) -> bool:
    try:
        # What else is open is not asked: it may lie on a file system that never answers. The folder may be
        # called otherwise where the process is in a container.
        if os.path.basename(os.readlink(descriptor)) != name:
            return False
        return os.path.samestat(os.stat(descriptor), facts)
    except OSError:
        return False


def _writes(descriptor: str) -> bool:
    try:
        with open(descriptor.replace("/fd/", "/fdinfo/"), "rb") as file:
            said = file.read(LONGEST).split()
        return int(said[said.index(b"flags:") + 1], 8) & os.O_ACCMODE != os.O_RDONLY
    except (OSError, ValueError, IndexError):
        return False
