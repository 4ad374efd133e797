"""What every test may ask for: the long form of a proof, and the programs it drives."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

from tests.long_first import pytest_collection_modifyitems

__all__ = [
    "IN_CI",
    "full",
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_runtest_teardown",
    "pytest_xdist_auto_num_workers",
    "require",
]

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

_PRIORITY = os.getpriority(os.PRIO_PROCESS, 0)

# How long something takes on a busy machine is no finding, neither a test's nor that of making its data.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# Looking for garbage among what stays took a third of the time of the tests of screens: seldom is enough.
gc.set_threshold(100_000, 20, 20)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --full."""
    parser.addoption("--full", action="store_true", help="run the full form of slow proofs, as CI=true does")


def pytest_configure() -> None:
    """Keep compiled modules, and let Ctrl-C be heard.

    Where the environment forbids Python to write bytecode, each of the thousand processes that a whole suite
    starts would compile the house anew, and each worker every test.

    A shell starts what runs in its background with Ctrl-C ignored, and children inherit that; tests press it.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_teardown() -> None:
    """No test makes its worker, and whatever that starts from then on, wait for all the others."""
    assert os.getpriority(os.PRIO_PROCESS, 0) == _PRIORITY, "a test lowered the priority of its own process"


def pytest_collection_finish() -> None:
    """What was imported and collected stays: nobody need look through it for garbage."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Three workers on two CPUs: while a test waits for a machine or a screen, another works."""
    if os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None  # whoever runs the suite says how many
    return -(-len(os.sched_getaffinity(0)) * 3 // 2)


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether a proof marked slow runs its full form (CI=true or --full) or its short one."""
    return IN_CI or bool(request.config.getoption("--full"))


def require(program: str) -> str:
    """The path of a program the test drives; without it the test is skipped here and fails in CI."""
    places = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/sbin:/sbin"
    path = shutil.which(program, path=places)
    if path is None:
        reason = f"{program} is not installed"
        if IN_CI:
            pytest.fail(reason)
        pytest.skip(reason)
    return path
