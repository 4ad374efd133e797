"""Which way a target is reached: this machine, asyncssh, or the system's ssh."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

