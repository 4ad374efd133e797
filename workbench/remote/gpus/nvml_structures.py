"""The structures NVML fills in, as its stable binary interface lays them out."""

import ctypes

UINT_NONE = 0xFFFFFFFF  # what stands where NVML has no value
ULONG_NONE = 0xFFFFFFFFFFFFFFFF
# Versioned structures say their size and version in their first field.
VERSION_SHIFT = 24


class Utilization(ctypes.Structure):
    """Percent of time."""

    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


class Memory(ctypes.Structure):
    """Bytes; used includes what the driver reserves."""

    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


class MemoryV2(ctypes.Structure):
    """Bytes; used is without what the driver reserves."""

    _fields_ = [
        ("version", ctypes.c_uint),
        ("total", ctypes.c_ulonglong),
        ("reserved", ctypes.c_ulonglong),
        ("free", ctypes.c_ulonglong),
        ("used", ctypes.c_ulonglong),
    ]


class Temperature(ctypes.Structure):
    """Degrees of a sensor."""

    _fields_ = [("version", ctypes.c_uint), ("sensor", ctypes.c_uint), ("degrees", ctypes.c_int)]


class Process(ctypes.Structure):
    """A process on a GPU, as the oldest drivers tell of it."""

    _fields_ = [("pid", ctypes.c_uint), ("memory", ctypes.c_ulonglong)]


class ProcessV2(ctypes.Structure):
    """A process on a GPU."""

    _fields_ = [
        ("pid", ctypes.c_uint),
        ("memory", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    ]


class ProcessLong(ctypes.Structure):
    """A process on a GPU as the first drivers of the 535 series told of it under the same name."""

    _fields_ = ProcessV2._fields_ + [("protected_memory", ctypes.c_ulonglong)]


class ProcessUtilization(ctypes.Structure):
    """A sample of what a process had of a GPU; time in microseconds since 1970."""

    _fields_ = [
        ("pid", ctypes.c_uint),
        ("time", ctypes.c_ulonglong),
        ("sm", ctypes.c_uint),
        ("memory", ctypes.c_uint),
        ("encoder", ctypes.c_uint),
        ("decoder", ctypes.c_uint),
    ]


class Value(ctypes.Union):
    """A field's value; which one is in its type."""

    _fields_ = [
        ("double", ctypes.c_double),
        ("uint", ctypes.c_uint),
        ("ulong", ctypes.c_ulong),
        ("ulonglong", ctypes.c_ulonglong),
        ("longlong", ctypes.c_longlong),
        ("int", ctypes.c_int),
        ("ushort", ctypes.c_ushort),
    ]


VALUE_TYPES = ("double", "uint", "ulong", "ulonglong", "longlong", "int", "ushort")


class FieldValue(ctypes.Structure):
    """One field asked for by its number; time in microseconds since 1970."""

    _fields_ = [
        ("field", ctypes.c_uint),
        ("scope", ctypes.c_uint),
        ("time", ctypes.c_longlong),
        ("latency", ctypes.c_longlong),
        ("type", ctypes.c_uint),
        ("code", ctypes.c_int),
        ("value", Value),
    ]


class Event(ctypes.Structure):
    """Something that happened to a GPU; data is the code of an Xid. Older forms have no instances."""

    _fields_ = [
        ("device", ctypes.c_void_p),
        ("type", ctypes.c_ulonglong),
        ("data", ctypes.c_ulonglong),
        ("gpu_instance", ctypes.c_uint),
        ("compute_instance", ctypes.c_uint),
    ]


class Pci(ctypes.Structure):
    """A GPU's place on the bus; older forms are shorter and begin alike."""

    _fields_ = [
        ("legacy", ctypes.c_char * 16),
        ("domain", ctypes.c_uint),
        ("bus", ctypes.c_uint),
        ("device", ctypes.c_uint),
        ("identity", ctypes.c_uint),
        ("subsystem", ctypes.c_uint),
        ("name", ctypes.c_char * 32),
    ]
