"""How one of our programs (entry.py) is started from a payload.

That is a zipapp, its compiled form, or a folder of source.
"""

import sys
from typing import List, Optional, Sequence

from workbench.remote import compiled
from workbench.remote.machine import Machine

# Not as a script: an empty file, which a broken disk may leave, is a program that ends well.
_START = "import sys; sys.path.insert(0, %r); from workbench.remote.entry import main; sys.exit(main())"


def argv_of(payload, words, python=None):
    # type: (str, Sequence[str], Optional[str]) -> List[str]
    """The argv of a program. words: its name and arguments. python: the interpreter, ours when None."""
    # -I: nothing of the user's environment or directory; -S: no site-packages, which none of them needs.
    return [python or sys.executable, "-I", "-S", "-c", _START % payload] + list(words)


def quick_argv(machine, words):
    # type: (Machine, Sequence[str]) -> List[str]
    """The same from the payload of a machine's link, by its compiled form where that is there."""
    return argv_of(compiled.usable(machine.payload) or machine.payload, words)
