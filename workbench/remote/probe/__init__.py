"""Sampling this machine: its figures, its GPUs, the processes on them, a line a tick."""
