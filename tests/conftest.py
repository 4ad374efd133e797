"""What every test may ask for: the long form of a proof, and the programs it drives."""

from __future__ import annotations

import os
import shutil
import signal

import pytest
from hypothesis import HealthCheck, settings

IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")

# How long something takes on a busy machine is no finding, neither a test's nor that of making its data.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --full."""
    parser.addoption("--full", action="store_true", help="run the full form of slow proofs, as CI=true does")


def pytest_configure() -> None:
    """A shell starts what runs in its background with Ctrl-C ignored, and children inherit that; tests press it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
