"""How this machine's GPUs are asked: through NVML; where that cannot be, by whatever else tells of them."""

from typing import Any, Dict, FrozenSet, List, Tuple

Fields = Dict[str, Any]
CRASHES = {"source": "nvml", "error": "the driver's library crashes the process that asks it: reboot"}


def open_gpus(asked):
    # type: (bool) -> Any
    """What samples the GPUs, see GpuSampler. asked: whether the driver may be asked at all."""
    if not asked:
        return NoGpus(CRASHES)
    problem = ""
    try:
        from workbench.remote.gpus import nvml_library
    except ImportError:  # a python that was built without ctypes
        library = None
    else:
        library, problem = nvml_library.load()
    if library is not None and not only_amd():
        from workbench.remote.gpus.gpu_sampling import GpuSampler

        return GpuSampler(library)
    from workbench.remote.gpus import smi_sampling

    program = smi_sampling.find_program()
    if program is not None:
        return smi_sampling.SmiSampler(program)
    from workbench.remote.gpus import amd_sampling

    cards = amd_sampling.find_cards()
    if cards:
        return amd_sampling.AmdSampler(cards)
    return NoGpus({"error": problem} if problem else {})


def only_amd():
    # type: () -> bool
    """Whether NVIDIA's library was installed on a machine whose cards are AMD's: its driver is not there."""
    from workbench.remote.gpus import amd_sampling, nvml_library

    return nvml_library.module_version() is None and bool(amd_sampling.find_cards())


class NoGpus(object):
    """Stands for the GPUs of a machine whose driver is not asked. driver: what is said of it."""

    ready = True

    def __init__(self, driver):
        # type: (Fields) -> None
        self._driver = driver

    def driver(self):
        # type: () -> Fields
        """The driver, as entities/sample.py has it."""
        return self._driver

    def progress(self):
        # type: () -> Tuple[bool, int]
        """Nothing is waited for."""
        return True, 0

    def starting(self):
        # type: () -> bool
        """Nothing is waited for."""
        return False

    def sample(self, detail, wait):
        # type: (FrozenSet[str], float) -> None
        """Nothing."""

    def rows(self, every):
        # type: (float) -> List[Fields]
        """None."""
        return []

    def uses(self):
        # type: () -> Dict[int, List[Fields]]
        """None."""
        return {}
