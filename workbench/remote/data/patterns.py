"""Patterns of paths without a file system: * and ? and [abc] within a name, ** for any folders between. Pure.

For places that only list names, as a bucket does; where there are folders the system's own glob is asked, and
this finds the same: a name that begins with a dot only where the pattern says the dot, and what fits a folder
means all that is in it.
"""

import re
from fnmatch import translate
from typing import Callable, List, Optional, Set, Tuple

MAGIC = re.compile(r"[*?\[]")
Test = Optional[Callable[[str], bool]]  # of one name; None stands for **


def is_pattern(path: str) -> bool:
    """Whether a path is a pattern."""
    return MAGIC.search(path) is not None


def split(path: str) -> Tuple[str, str]:
    """The folder in front of a pattern's first name with a magic character, and the pattern below it.

    A path that is no pattern is all folder. "weather/*.csv" is ("weather", "*.csv").
    """
    parts = path.split("/")
    for index, part in enumerate(parts):
        if MAGIC.search(part):
            return "/".join(parts[:index]), "/".join(parts[index:])
    return path, ""


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a path below the folder of a pattern fits it, or lies in what does."""
    parts = [part for part in pattern.split("/") if part]
    tests: List[Test] = [None if part == "**" else _name(part) for part in parts]

    def fits(path: str) -> bool:
        # Which tests are passed by the names so far: after the last one, what lies below fits, too.
        states = {0}
        for name in path.split("/"):
            states = _closed(states, tests)
            if any(state < len(tests) and not any(tests[state:]) for state in states):
                return True  # a ** at the end means the folder itself, and so all that is in it
            states = _after(states, tests, name)
            if len(tests) in states or not states:
                break
        return len(tests) in states

    return fits


def _after(states: Set[int], tests: List[Test], name: str) -> Set[int]:
    found: Set[int] = set()
    for state in states:
        if state == len(tests):
            continue
        test = tests[state]
        if test is None:
            if not name.startswith("."):
                found.add(state)
        elif test(name):
            found.add(state + 1)
    return found


def _closed(states: Set[int], tests: List[Test]) -> Set[int]:
    """A ** may stand for nothing."""
    found = set(states)
    for state in sorted(states):
        at = state
        while at < len(tests) and tests[at] is None:
            at += 1
            found.add(at)
    return found


def _name(part: str) -> Callable[[str], bool]:
    if not MAGIC.search(part):
        return part.__eq__
    compiled = re.compile(translate(part))
    hidden = part.startswith(".")
    return lambda name: (hidden or not name.startswith(".")) and compiled.match(name) is not None
