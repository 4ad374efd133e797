"""uv for machines that have none: the static program of its own wheel, fetched once and kept in the cache."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from workbench.environments.pip_download import Sent, download, files_of, sha256_of
from workbench.errors import WorkbenchError
from workbench.home import private_folder

PLATFORMS = {
    ("linux", "x86_64"): "musllinux_1_1_x86_64",
    ("linux", "aarch64"): "musllinux_1_1_aarch64",
    ("linux", "arm64"): "musllinux_1_1_aarch64",
    ("linux", "armv7l"): "musllinux_1_1_armv7l",
    ("linux", "i686"): "musllinux_1_1_i686",
    ("linux", "ppc64le"): "manylinux_2_17_ppc64le",
    ("linux", "s390x"): "manylinux_2_17_s390x",
    ("linux", "riscv64"): "manylinux_2_31_riscv64",
    ("darwin", "arm64"): "macosx_11_0_arm64",
    ("darwin", "x86_64"): "macosx_10_12_x86_64",
}
"""(system, machine) -> the platform of uv's wheel: the static one where there is one."""


def uv_version() -> str:
    """The version that resolves here, which is the one that is sent."""
    return metadata.version("uv")


async def uv_wheel(cache: Path, system: str, machine: str, environ: Mapping[str, str]) -> Sent:
    """The wheel of our version of uv for a machine; fetched where it is not in the cache.

    Raises WorkbenchError for a machine there is none for, and as `download`.
    """
    platform = PLATFORMS.get((system, machine))
    if platform is None:
        raise WorkbenchError(
            f"there is no uv for {system} on {machine}",
            "install one there, or name an interpreter's path instead",
        )
    folder = private_folder(cache) / "uv" / f"{uv_version()}-{platform}"
    found = await asyncio.to_thread(_kept, folder)
    if found is None:
        await asyncio.to_thread(folder.parent.mkdir, 0o700, True, True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as fetching:
            await download(["--platform", platform, f"uv=={uv_version()}"], Path(fetching), environ, {})
            await asyncio.to_thread(_keep, Path(fetching), folder)
        found = await asyncio.to_thread(_kept, folder)
    if found is None:
        raise WorkbenchError("pip fetched no wheel of uv")
    return found


def _kept(folder: Path) -> Sent | None:
    if not folder.is_dir():
        return None
    wheel = next((path for path in files_of(folder) if path.suffix == ".whl"), None)
    return Sent(sha256_of(wheel), wheel) if wheel is not None else None


def _keep(fetched: Path, folder: Path) -> None:
    """Put it into the cache; another that did so meanwhile was as good."""
    partial = folder.with_name(fetched.name + ".kept")
    shutil.copytree(fetched, partial)
    try:
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial)
        if not folder.is_dir():
            raise
