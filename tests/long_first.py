"""The order of a whole suite on several workers: who begins with a long test does not end with one alone."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

LONG = (
    ("tests/machines/test_demo.py",),
    (
        "tests/machines/test_model_story.py",
        "tests/machines/test_full_disk.py",
        "tests/machines/test_faults.py",
    ),
    ("tests/machines/test_shared_machine.py",),
    (
        "tests/machines/test_container_images.py",
        "tests/machines/test_container_runs.py",
        "tests/machines/test_containers.py",
        "tests/machines/test_containers_docker.py",
        "tests/machines/test_containers_rootless.py",
        "tests/machines/test_layered_images.py",
    ),
    ("tests/machines/test_shell.py", "tests/machines/test_shell_broken.py"),
    ("tests/machines/test_powering.py",),
    ("tests/machines/test_query_tables.py",),
    ("tests/machines/test_environments_there.py",),
    ("tests/machines/test_data_live.py",),
    ("tests/machines/test_adopted_code.py",),
    ("tests/machines/test_main_job.py",),
    ("tests/machines/test_environment_submits.py",),
    ("tests/machines/test_dashboard.py",),
    ("tests/machines/test_netns.py",),
    ("tests/machines/test_tutorial.py",),
    ("tests/machines/test_models_page.py",),
    ("tests/machines/test_data_page.py", "tests/machines/test_data_full_disk.py"),
    ("tests/machines/test_one_server.py",),
    ("tests/machines/test_alerts_live.py",),
    ("tests/machines/test_after_end.py",),
)
"""Files with long tests, or long in all, by their seconds of CPU and of waiting, the longest first; those that
would be in each other's way, such as all that ask one container engine, in one group.
"""


def dealt(files: Sequence[str], workers: int, long: Sequence[Sequence[str]] = LONG) -> list[int]:
    """The order in which to collect tests that lie in these files, as their places in it.

    xdist gives each worker one equal stretch of what was collected, and lets who is done steal from the ends of
    others' stretches: so each stretch begins with its share of the long files. Files stay whole, for the sake
    of what a module's tests share; only the one at the end of a stretch may be cut, as it always was.
    """
    named = {name for group in long for name in group}
    rest = [place for place, file in enumerate(files) if file not in named]
    shares: list[list[int]] = [[] for _ in range(workers)]
    for group in long:
        there = [place for name in group for place, file in enumerate(files) if file == name]
        min(shares, key=len).extend(there)
    order: list[int] = []
    for number, share in enumerate(shares):
        upto = len(files) * (number + 1) // workers
        room = max(0, upto - len(order) - len(share)) if number < workers - 1 else len(rest)
        order += share + rest[:room]
        rest = rest[room:]
    return order


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them in that order where several workers share them."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        files = [item.nodeid.partition("::")[0] for item in items]
        items[:] = [items[place] for place in dealt(files, workers)]
