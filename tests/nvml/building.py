"""The scripted NVML as a shared library: as a new driver has it, and variants that lack some functions."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.conftest import require

SOURCES = Path(__file__).parent
NAME = "libnvidia-ml.so.1"
FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O1", "-fPIC", "-Wall", "-Wextra", "-Werror")

NEWER_THAN_470 = (
    "nvmlDeviceGetMemoryInfo_v2",
    "nvmlDeviceGetComputeRunningProcesses_v3",
    "nvmlDeviceGetGraphicsRunningProcesses_v3",
    "nvmlDeviceGetCurrentClocksEventReasons",
    "nvmlDeviceGetJpgUtilization",
    "nvmlDeviceGetOfaUtilization",
    "nvmlDeviceGetTemperatureV",
)
NEWER_THAN_390 = (
    *NEWER_THAN_470,
    "nvmlDeviceGetComputeRunningProcesses_v2",
    "nvmlDeviceGetGraphicsRunningProcesses_v2",
    "nvmlDeviceGetRemappedRows",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetMaxMigDeviceCount",
    "nvmlDeviceGetMigDeviceHandleByIndex",
    "nvmlDeviceGetFieldValues",
    "nvmlDeviceGetProcessUtilization",
    "nvmlDeviceGetPciInfo_v3",
    "nvmlEventSetWait_v2",
    "nvmlSystemGetCudaDriverVersion_v2",
)


class Nvml:
    """Builds the library in a folder. Raises CalledProcessError when that fails."""

    def __init__(self, folder: Path, compiler: str) -> None:
        self._folder = folder
        self._compiler = compiler
        self._built: dict[tuple[str, ...], Path] = {}
        self._object = folder / "scripted.o"
        self._run(*FLAGS, "-c", str(SOURCES / "scripted.c"), "-o", str(self._object))

    def library(self, missing: Iterable[str] = (), name: str = NAME) -> Path:
        """The library without some functions: they are really not there. name: the file's."""
        lacking = tuple(sorted(set(missing)))
        key = (name, *lacking)
        if key not in self._built:
            folder = self._folder / str(len(self._built))
            folder.mkdir()
            words = ["-shared", "-o", str(folder / name), str(self._object), "-lm", "-lpthread"]
            if lacking:
                symbols = folder / "symbols"
                symbols.write_text("{ local: " + " ".join(f"{symbol};" for symbol in lacking) + " };")
                words.append(f"-Wl,--version-script={symbols}")
            self._run(*words)
            self._built[key] = folder / name
        return self._built[key]

    def functions(self) -> list[str]:
        """Every NVML function the whole library has."""
        listing = subprocess.run(
            ["nm", "-D", "--defined-only", str(self.library())], capture_output=True, text=True, check=True
        )
        names = (line.split()[-1] for line in listing.stdout.splitlines())
        return sorted(name for name in names if name.startswith("nvml"))

    def _run(self, *words: str) -> None:
        subprocess.run([self._compiler, *words], check=True)


def environment(library: Path, script: Path) -> dict[str, str]:
    """What a process needs to find library and script: the probe, and who loads it by its name."""
    return {
        "WORKBENCH_NVML": str(library),
        "SCRIPTED_NVML": str(script),
        "LD_LIBRARY_PATH": str(library.parent),
    }


@pytest.fixture(scope="session")
def nvml(tmp_path_factory: pytest.TempPathFactory) -> Nvml:
    """The scripted NVML, built for this session."""
    return Nvml(tmp_path_factory.mktemp("nvml"), require("cc"))
