"""The user's settings: typed, each field described, read from settings.toml, overridden by the environment.

`[snapshots] max_bytes = 1000` in the file is `WORKBENCH_SNAPSHOTS__MAX_BYTES=1000` in the environment.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from workbench.errors import ConfigurationError

_PREFIX = "WORKBENCH_"


class SnapshotSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of what one submit may pack."""

    max_bytes: Annotated[int, Meta(gt=0, description="Bytes of one snapshot after exclusion.")] = (
        300 * 1024 * 1024
    )
    max_files: Annotated[int, Meta(gt=0, description="Changed files of one snapshot.")] = 2000


class CollectSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files of outputs/ and logs/ are fetched by themselves."""

    max_file: Annotated[int, Meta(ge=0, description="Bytes of one file; larger ones are listed only.")] = (
        1 << 20
    )
    max_run: Annotated[int, Meta(ge=0, description="Bytes of all files of one run.")] = 32 << 20
    logs_every: Annotated[
        float, Meta(gt=0, description="Seconds between looks at logs/ of an active run.")
    ] = 10.0


class ComputeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Connections to machines."""

    idle: Annotated[
        float,
        Meta(
            ge=0,
            description="Seconds after which a connection is closed that no run is followed over and nobody"
            " used; it is made again when needed. One that asked for a password or a code stays. 0: never.",
        ),
    ] = 600.0
    history_days: Annotated[
        float, Meta(ge=0, description="Days for which machines' figures are kept by the minute.")
    ] = 14.0


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Output of runs on this side."""

    max_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="Bytes of output a workspace keeps here; over it the output of the runs that ended"
            " first goes where their machine has it still, and is fetched again when it is looked at. 0: no"
            " limit.",
        ),
    ] = 20_000_000_000
    pack: Annotated[bool, Meta(description="Whether the output of a run that ended is compressed.")] = True


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The local server."""

    idle: Annotated[
        float, Meta(gt=0, description="Seconds without calls and active runs before it ends.")
    ] = 900.0


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a machine calls; docs/alerts.md says what each rule looks for."""

    off: Annotated[list[str], Meta(description="Rules that are not looked at, by their ids.")] = []
    idle_percent: Annotated[
        float, Meta(gt=0, le=100, description="Utilisation of a GPU below which it is idle.")
    ] = 5.0
    busy_percent: Annotated[
        float, Meta(gt=0, le=100, description="Utilisation a run must have reached before it can be idle.")
    ] = 20.0
    idle_minutes: Annotated[
        float, Meta(gt=0, description="Minutes a GPU may be held and idle (held-idle).")
    ] = 10.0
    start_minutes: Annotated[
        float, Meta(gt=0, description="Minutes a run may hold GPUs without a process there (never-started).")
    ] = 10.0
    stall_minutes: Annotated[
        float,
        Meta(gt=0, description="Minutes without GPU use, output and metrics until a run is stalled."),
    ] = 15.0
    leak_percent: Annotated[
        float, Meta(gt=0, description="Growth of a process's GPU memory a minute that is a leak, in percent.")
    ] = 1.0
    leak_minutes: Annotated[
        int, Meta(ge=3, le=240, description="Minutes over which that growth is measured.")
    ] = 30
    throttle_percent: Annotated[
        float, Meta(gt=0, le=100, description="Share of samples in which heat or power brake holds clocks.")
    ] = 20.0
    throttle_minutes: Annotated[float, Meta(gt=0, description="Minutes over which they are counted.")] = 2.0
    disk_percent: Annotated[
        float, Meta(ge=0, le=100, description="Free share of a disk below which it is nearly full.")
    ] = 5.0
    disk_bytes: Annotated[
        int,
        Meta(ge=0, description="Free bytes below which it is, too, where that is less than a fifth of it."),
    ] = 20_000_000_000
    disk_hours: Annotated[
        float, Meta(ge=0, description="Hours within which it would be full at the present rate.")
    ] = 2.0
    foreign_bytes: Annotated[
        int, Meta(ge=0, description="GPU memory below which a process of others is let pass (foreign-use).")
    ] = 300_000_000
    foreign_minutes: Annotated[float, Meta(ge=0, description="Minutes it may be there.")] = 1.0
    event_minutes: Annotated[
        float, Meta(gt=0, description="Minutes after which an error that happened once is taken as over.")
    ] = 60.0


class DataSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Data of runs."""

    changed: Annotated[
        Literal["refuse", "warn"],
        Meta(
            description="A dataset version whose files on the machine are not those of its fingerprint any"
            " more: refuse: the run fails before anything is leased; warn: it starts, with a warning."
        ),
    ] = "refuse"
    query_bytes: Annotated[
        int,
        Meta(
            ge=0,
            description="Bytes that a query may bring of a database, or into a snapshot: they are kept on"
            " this side before it goes on. More of it is refused. 0: no limit but the disk's.",
        ),
    ] = 10_000_000_000


class SecretSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where secrets are kept."""

    store: Annotated[
        Literal["auto", "keyring", "file"],
        Meta(
            description="auto: the system's keyring where there is one (needs mlworkbench[keyring]), else an"
            " encrypted file; keyring or file: that alone, for what is set from then on."
        ),
    ] = "auto"
    key_file: Annotated[
        str,
        Meta(description="The key of the encrypted file; empty: secrets.key in the home of the workbench."),
    ] = ""


class DashboardSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The dashboard."""

    theme: Annotated[
        str, Meta(description="The theme to begin with; empty: the one chosen last (T), else workbench-dark.")
    ] = ""
    mouse: Annotated[
        bool, Meta(description="Whether the mouse is used; without, the terminal selects text itself.")
    ] = True
    bell: Annotated[
        bool,
        Meta(description="Whether the terminal's bell rings when something is wrong; over SSH, too."),
    ] = False


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings."""

    snapshots: SnapshotSettings = SnapshotSettings()
    collect: CollectSettings = CollectSettings()
    compute: ComputeSettings = ComputeSettings()
    logs: LogSettings = LogSettings()
    server: ServerSettings = ServerSettings()
    alerts: AlertSettings = AlertSettings()
    data: DataSettings = DataSettings()
    secrets: SecretSettings = SecretSettings()
    dashboard: DashboardSettings = DashboardSettings()
    keys: Annotated[
        dict[str, str],
        Meta(description="Other keys for actions of the dashboard: their id = key names, see docs/keys.md."),
    ] = {}


def _override(table: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        section, mark, field = name.removeprefix(_PREFIX).lower().partition("__")
        if name.startswith(_PREFIX) and mark:
            table.setdefault(section, {})[field] = value


def load_settings(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file (missing = defaults) under the environment's overrides.

    Raises ConfigurationError naming the file and what does not fit.
    """
    table: dict[str, Any] = {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigurationError(f"{path}: {problem}", "fix the file or move it away") from problem
    _override(table, os.environ if environ is None else environ)
    try:
        return msgspec.convert(table, Settings, strict=False)
    except msgspec.ValidationError as problem:
        raise ConfigurationError(
            f"{path}: {problem}", "see docs/settings.md for what each setting takes"
        ) from problem


def settings_schema() -> dict[str, Any]:
    """The JSON schema of the settings file, for editors."""
    return msgspec.json.schema(Settings)
