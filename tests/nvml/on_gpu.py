"""A program that works on a GPU through the driver alone: nothing but Python and libcuda.so.1 is needed.

`python on_gpu.py hold MIB`: takes that much memory, prints "ready", waits for its input to end.
`python on_gpu.py busy SECONDS`: keeps one multiprocessor or more at work, prints "ready" when it begins.
`python on_gpu.py fault`: writes where it has no memory; prints what the driver says of it.
Functions and codes are those of CUDA's driver API; the kernels are PTX, which the driver compiles.
"""

from __future__ import annotations

import ctypes
import sys
import time

KERNELS = b"""
.version 6.4
.target sm_70
.address_size 64
.visible .entry spin(.param .u64 cycles)
{
    .reg .u64 %r<4>;
    .reg .pred %p;
    ld.param.u64 %r0, [cycles];
    mov.u64 %r1, %clock64;
again:
    mov.u64 %r2, %clock64;
    sub.u64 %r3, %r2, %r1;
    setp.lt.u64 %p, %r3, %r0;
    @%p bra again;
    ret;
}
.visible .entry stray()
{
    .reg .u64 %r0;
    .reg .u32 %r1;
    mov.u64 %r0, 16;
    mov.u32 %r1, 7;
    st.global.u32 [%r0], %r1;
    ret;
}
"""
BLOCKS, THREADS = 1024, 128
CYCLES = 20_000_000
"""Of one launch: some hundredths of a second."""


class CudaError(Exception):
    """What the driver answered instead."""


class Gpu:
    """The first GPU there is, with a context of this process on it."""

    def __init__(self) -> None:
        self._cuda = ctypes.CDLL("libcuda.so.1")
        self.call("cuInit", 0)
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), 0)
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)
        self._module = ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(self._module), KERNELS)

    def call(self, name: str, *words: object) -> None:
        """Call a function of the driver. Raises CudaError with its name and code."""
        code = getattr(self._cuda, name)(*words)
        if code != 0:
            raise CudaError(f"{name}: {code}")

    def take(self, size: int) -> None:
        """Take so many bytes of its memory."""
        address = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))

    def launch(self, kernel: bytes, *words: ctypes.c_uint64) -> None:
        """Run a kernel to its end."""
        function = ctypes.c_void_p()
        self.call("cuModuleGetFunction", ctypes.byref(function), self._module, kernel)
        places = (ctypes.c_void_p * max(1, len(words)))(*[ctypes.addressof(word) for word in words])
        blocks, threads = (BLOCKS, 1, 1), (THREADS, 1, 1)
        self.call("cuLaunchKernel", function, *blocks, *threads, 0, None, places, None)
        self.call("cuCtxSynchronize")


def main(words: list[str]) -> None:
    """Do what is asked for."""
    gpu = Gpu()
    if words[0] == "hold":
        gpu.take(int(words[1]) << 20)
        print("ready", flush=True)
        sys.stdin.read()
    elif words[0] == "busy":
        print("ready", flush=True)
        end = time.monotonic() + float(words[1])
        while time.monotonic() < end:
            gpu.launch(b"spin", ctypes.c_uint64(CYCLES))
    else:
        try:
            gpu.launch(b"stray")
        except CudaError as error:
            print(error, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
