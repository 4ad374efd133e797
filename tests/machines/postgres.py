"""PostgreSQL for real: a cluster of the tests' own on a Unix socket in a folder with a short name."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from tests.machines.rig import missing

PASSWORD = "s3cret:p@ss/w"
USER = "reader"


class Postgres:
    """One cluster. url: without the password of its user, as a datastore has it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"postgresql+psycopg2://{USER}@/postgres?host={folder}"

    def ask(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as its user; the rows of the last one, where it has some."""
        connection = psycopg2.connect(host=str(self.folder), user=USER, dbname="postgres", password=PASSWORD)
        connection.autocommit = True
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        rows: list[tuple[object, ...]] = cursor.fetchall() if cursor.description else []
        connection.close()
        return rows


def programs() -> Path | None:
    """Where initdb and postgres are; None where there is no PostgreSQL."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    found = shutil.which("initdb")
    return places[0].parent if places else Path(found).parent if found else None


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A running cluster."""
    place = programs()
    if place is None:
        missing("postgresql")
    folder = Path(tempfile.mkdtemp(prefix="wbp-"))
    user = None  # it refuses to run as root
    if os.geteuid() == 0:
        user = next((name for name in ("postgres", "nobody") if _known(name)), None)
        assert user is not None
        shutil.chown(folder, user)
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o644)
    data, quiet = str(folder / "data"), subprocess.DEVNULL
    subprocess.run(
        [str(place / "initdb"), "-D", data, "-A", "scram-sha-256", "-U", USER, "--no-sync",
         f"--pwfile={folder / 'password'}"],
        user=user, cwd="/", stdout=quiet, check=True,
    )  # fmt: skip
    server = subprocess.Popen(
        [str(place / "postgres"), "-D", data, "-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"],
        user=user, cwd="/", stdout=quiet, stderr=quiet,
    )  # fmt: skip
    made = Postgres(folder)
    try:
        while True:
            try:
                made.ask("SELECT 1")
                break
            except psycopg2.OperationalError:
                assert server.poll() is None
                time.sleep(0.05)
        yield made
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _known(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
