"""NVML, the library of NVIDIA's driver, through ctypes: found, loaded, asked; what it lacks is absent.

Each function is looked up when it is first wanted, its newest form first, since an old driver has only the
old ones. A call gives the GIL up, so one that hangs holds nobody else.
"""

import ctypes
import os
import re
from typing import Any, Dict, List, Optional, Tuple

from workbench.remote.gpus.nvml_names import ENV_LIBRARY, NAMES

SUCCESS = 0
UNINITIALIZED = 1
NOT_SUPPORTED = 3
NOT_FOUND = 6
INSUFFICIENT_SIZE = 7
DRIVER_NOT_LOADED = 9
TIMEOUT = 10
FUNCTION_NOT_FOUND = 13
GPU_IS_LOST = 15
RESET_REQUIRED = 16
LIBRARY_MISMATCH = 18
# Codes that say something of a GPU as a whole, not of the question.
GRAVE = frozenset((UNINITIALIZED, DRIVER_NOT_LOADED, GPU_IS_LOST, RESET_REQUIRED, LIBRARY_MISMATCH, 999))


class NvmlError(Exception):
    """What NVML answered instead of a value."""

    def __init__(self, code, words):
        # type: (int, str) -> None
        super(NvmlError, self).__init__(words)
        self.code = code
        self.words = words


class Library(object):
    """A loaded NVML. path: what it is loaded from. Raises OSError when that cannot be loaded."""

    def __init__(self, path):
        # type: (str) -> None
        self._library = ctypes.CDLL(path)
        self._found = {}  # type: Dict[Tuple[str, ...], Tuple[Any, int]]

    def find(self, *names):
        # type: (*str) -> Tuple[Any, int]
        """(function, which of the names it has): the first one that is there; (None, -1) without any."""
        found = self._found.get(names)
        if found is None:
            found = (None, -1)
            for number, name in enumerate(names):
                try:
                    found = (getattr(self._library, name), number)
                    break
                except AttributeError:
                    continue
            self._found[names] = found
        return found

    def start(self):
        # type: () -> None
        """Initialise it. Raises NvmlError."""
        function, _ = self.find("nvmlInit_v2", "nvmlInit")
        code = function() if function is not None else FUNCTION_NOT_FOUND
        if code != SUCCESS:
            raise NvmlError(code, self.words(code))

    def count(self):
        # type: () -> int
        """How many GPUs there are. Raises NvmlError."""
        function, _ = self.find("nvmlDeviceGetCount_v2", "nvmlDeviceGetCount")
        number = ctypes.c_uint()
        code = function(ctypes.byref(number)) if function is not None else FUNCTION_NOT_FOUND
        if code != SUCCESS:
            raise NvmlError(code, self.words(code))
        return min(number.value, 256)

    def words(self, code):
        # type: (int) -> str
        """The driver's own words for an error."""
        function, _ = self.find("nvmlErrorString")
        if function is None:
            return "NVML error %d" % code
        function.restype = ctypes.c_char_p
        said = function(code)
        return said.decode("utf-8", "replace")[:200] if said else "NVML error %d" % code

    def driver_version(self):
        # type: () -> Optional[str]
        """The driver's version, such as 570.124.06."""
        return self._text("nvmlSystemGetDriverVersion")

    def library_version(self):
        # type: () -> Optional[str]
        """The library's own version; known without a driver as well."""
        said = self._text("nvmlSystemGetNVMLVersion")  # 12.570.124.06: that of CUDA comes first
        return said.partition(".")[2] or said if said else None

    def cuda_version(self):
        # type: () -> Optional[str]
        """The newest CUDA the driver can do, such as 12.8."""
        function, _ = self.find("nvmlSystemGetCudaDriverVersion_v2", "nvmlSystemGetCudaDriverVersion")
        number = ctypes.c_int()
        if function is None or function(ctypes.byref(number)) != SUCCESS or number.value <= 0:
            return None
        return "%d.%d" % (number.value // 1000, number.value % 1000 // 10)

    def _text(self, name):
        # type: (str) -> Optional[str]
        function, _ = self.find(name)
        said = ctypes.create_string_buffer(96)
        if function is None or function(said, ctypes.c_uint(len(said))) != SUCCESS:
            return None
        return said.value.decode("utf-8", "replace") or None


def load():
    # type: () -> Tuple[Optional[Library], str]
    """The machine's NVML; (None, why) without one: empty where there is no sign of a driver either."""
    named = os.environ.get(ENV_LIBRARY)
    problems = []  # type: List[str]
    for name in [named] if named else NAMES:
        try:
            return Library(name), ""
        except OSError as error:
            problems.append(str(error))
    module = module_version()
    if module is None and not named:
        return None, ""
    words = "the driver's library libnvidia-ml.so.1 cannot be loaded"
    if module is not None:
        words += " although the kernel module %s is" % module
    return None, "%s (%s)" % (words, problems[0][:200])


def start_problem(error, library, module):
    # type: (NvmlError, Optional[str], Optional[str]) -> str
    """Why NVML could not be started, in words. library, module: versions, where known."""
    if error.code == LIBRARY_MISMATCH:
        if library is None:
            what = "the driver's library and the loaded kernel module are of different versions"
        else:
            other = module or "another version"
            what = "the driver's library is %s, the loaded kernel module is %s" % (library, other)
        return what + ": the driver was upgraded while it was in use. Runs go on, new ones fail; reboot"
    if error.code == DRIVER_NOT_LOADED:
        return "the NVIDIA kernel driver is not loaded: nvidia-smi there says more"
    return error.words


def module_version(folder="/"):
    # type: (str) -> Optional[str]
    """The version of the loaded kernel module; None where none is."""
    for path in ("sys/module/nvidia/version", "proc/driver/nvidia/version"):
        try:
            with open(os.path.join(folder, path), "rb") as file:
                text = file.read(1000).decode("utf-8", "replace")
        except OSError:
            continue
        found = re.search(r"\b\d{2,4}\.\d{1,4}(?:\.\d{1,4})?\b", text)
        if found:
            return found.group()
    return None


def loaded_version():
    # type: () -> Optional[str]
    """The version in the name of the library file this process has loaded."""
    try:
        with open("/proc/self/maps", "rb") as file:
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    found = re.search(r"libnvidia-ml\.so\.(\d{2,4}\.\d+(?:\.\d+)?)", text)
    return found.group(1) if found else None
