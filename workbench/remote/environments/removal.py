"""Taking an environment away, so that at every moment it is ready and whole, or not ready."""

import os

from workbench.remote.environments.places import Place
from workbench.remote.runs.runfolder import remove_quietly
from workbench.remote.snapshots.leftovers import remove_tree


def remove_environment(place):
    # type: (Place) -> None
    """Remove what is at an environment's path, whose lock the caller holds. Raises OSError."""
    if not os.path.lexists(place.path):
        return
    if os.path.islink(place.path) or not os.path.isdir(place.path):
        os.unlink(place.path)
        return
    os.chmod(place.path, 0o700)
    remove_quietly(place.ready)
    remove_tree(place.path)
