"""The tables, as the steps that lead to them. A step that was released is never edited: add one.

Every table that belongs to a run goes with it (ON DELETE CASCADE). Times are microseconds since 1970 unless
the column says seconds. A metric's NULL stands for nan: SQLite cannot hold one.
"""

from __future__ import annotations

Step = tuple[str, ...]

_RUN = "run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE"

_FIRST: Step = (
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE events (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL, actor TEXT NOT NULL,
        kind TEXT NOT NULL, subject TEXT NOT NULL, data TEXT NOT NULL,
        fleeting INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX events_fleeting ON events (subject, kind) WHERE fleeting = 1",
    "CREATE TABLE targets (name TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE activities (
        id TEXT PRIMARY KEY, started INTEGER NOT NULL, state TEXT NOT NULL, data TEXT NOT NULL)""",
    "CREATE INDEX activities_started ON activities (started)",
    """CREATE TABLE experiments (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created INTEGER NOT NULL,
        tags TEXT NOT NULL, primary_metric TEXT, goal TEXT NOT NULL, primary_set INTEGER NOT NULL DEFAULT 0,
        archived INTEGER NOT NULL DEFAULT 0)""",
    "CREATE UNIQUE INDEX experiments_active ON experiments (name) WHERE archived = 0",
    """CREATE TABLE runs (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
        experiment INTEGER NOT NULL REFERENCES experiments (number), target TEXT NOT NULL,
        status TEXT NOT NULL,
        cause TEXT, message TEXT, note TEXT, created INTEGER NOT NULL, started INTEGER, ended INTEGER,
        exit_code INTEGER, signal INTEGER, attempt INTEGER NOT NULL, command TEXT, description TEXT,
        environment TEXT, gpus TEXT NOT NULL, git TEXT, snapshot TEXT, submitted_by TEXT, parent TEXT,
        resources TEXT, warnings INTEGER NOT NULL, archived INTEGER NOT NULL, as_of INTEGER,
        series INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX runs_recent ON runs (archived, created, id)",
    "CREATE INDEX runs_of_experiment ON runs (experiment, archived, created, id)",
    "CREATE INDEX runs_active ON runs (created, id) WHERE status NOT IN ('Completed', 'Failed', 'Canceled')",
    "CREATE INDEX runs_name ON runs (name)",
    "CREATE INDEX runs_parent ON runs (parent) WHERE parent IS NOT NULL",
    "CREATE INDEX runs_snapshot ON runs (snapshot) WHERE snapshot IS NOT NULL",
    """CREATE TABLE configurations (
        run INTEGER PRIMARY KEY REFERENCES runs (number) ON DELETE CASCADE, data TEXT NOT NULL, diff BLOB)""",
    f"""CREATE TABLE transitions (
        {_RUN}, seq INTEGER NOT NULL, state TEXT NOT NULL, time INTEGER NOT NULL, attempt INTEGER NOT NULL,
        cause TEXT, message TEXT, exit_code INTEGER, signal INTEGER,
        PRIMARY KEY (run, attempt, seq)) WITHOUT ROWID""",
    f"CREATE TABLE run_tags ({_RUN}, name TEXT NOT NULL, value TEXT, PRIMARY KEY (run, name)) WITHOUT ROWID",
    "CREATE INDEX run_tags_value ON run_tags (name, value)",
    f"""CREATE TABLE run_properties (
        {_RUN}, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run, name)) WITHOUT ROWID""",
    "CREATE INDEX run_properties_value ON run_properties (name, value)",
    f"""CREATE TABLE run_params (
        {_RUN}, name TEXT NOT NULL, value TEXT NOT NULL, number REAL,
        PRIMARY KEY (run, name)) WITHOUT ROWID""",
    "CREATE INDEX run_params_value ON run_params (name, value)",
    "CREATE INDEX run_params_number ON run_params (name, number) WHERE number IS NOT NULL",
    f"""CREATE TABLE run_metrics (
        {_RUN}, name TEXT NOT NULL, rank INTEGER NOT NULL, last REAL, min REAL, max REAL,
        count INTEGER NOT NULL, last_step INTEGER NOT NULL, PRIMARY KEY (run, name)) WITHOUT ROWID""",
    "CREATE INDEX run_metrics_last ON run_metrics (name, last)",
    f"CREATE TABLE run_warnings (id INTEGER PRIMARY KEY, {_RUN}, text TEXT NOT NULL, UNIQUE (run, text))",
    f"""CREATE TABLE run_files (
        {_RUN}, path BLOB NOT NULL, size INTEGER NOT NULL, modified INTEGER, sha256 TEXT,
        collected INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (run, path)) WITHOUT ROWID""",
    f"""CREATE TABLE artifacts (
        {_RUN}, name TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (run, name)) WITHOUT ROWID""",
    f"""CREATE TABLE record_files (
        {_RUN}, name TEXT NOT NULL, stop INTEGER NOT NULL, bad INTEGER NOT NULL,
        attempt INTEGER NOT NULL, rank INTEGER NOT NULL, wall REAL NOT NULL,
        PRIMARY KEY (run, name)) WITHOUT ROWID""",
    f"""CREATE TABLE series (
        id INTEGER PRIMARY KEY, {_RUN}, name TEXT NOT NULL, rank INTEGER NOT NULL, attempt INTEGER NOT NULL,
        file TEXT NOT NULL, points INTEGER NOT NULL, chunks INTEGER NOT NULL, low INTEGER NOT NULL,
        high INTEGER NOT NULL, next_step INTEGER NOT NULL, last REAL, min REAL, max REAL,
        nan_count INTEGER NOT NULL, last_time REAL NOT NULL, ordered INTEGER NOT NULL,
        UNIQUE (run, name, rank, attempt, file))""",
    """CREATE TABLE tails (
        id INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
        data BLOB NOT NULL)""",
    "CREATE INDEX tails_series ON tails (series)",
    """CREATE TABLE chunks (
        series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE, n INTEGER NOT NULL,
        data BLOB NOT NULL, PRIMARY KEY (series, n))""",
    """CREATE TABLE chunk_summaries (
        series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE, n INTEGER NOT NULL,
        low INTEGER NOT NULL, high INTEGER NOT NULL, count INTEGER NOT NULL, min REAL, max REAL, last REAL,
        blocks BLOB NOT NULL,
        PRIMARY KEY (series, n)) WITHOUT ROWID""",
    f"""CREATE TABLE texts (
        id INTEGER PRIMARY KEY, {_RUN}, name TEXT NOT NULL, rank INTEGER NOT NULL, attempt INTEGER NOT NULL,
        step INTEGER, seconds REAL NOT NULL, value TEXT)""",
    "CREATE INDEX texts_run ON texts (run, name)",
    f"""CREATE TABLE table_rows (
        id INTEGER PRIMARY KEY, {_RUN}, name TEXT NOT NULL, rank INTEGER NOT NULL, attempt INTEGER NOT NULL,
        step INTEGER, seconds REAL NOT NULL, whole INTEGER NOT NULL, data TEXT NOT NULL)""",
    "CREATE INDEX table_rows_run ON table_rows (run, name)",
    """CREATE TABLE streams (
        run INTEGER PRIMARY KEY REFERENCES runs (number) ON DELETE CASCADE, stop INTEGER NOT NULL)""",
    f"""CREATE TABLE stream_marks (
        {_RUN}, time INTEGER NOT NULL, start INTEGER NOT NULL, PRIMARY KEY (run, time)) WITHOUT ROWID""",
    f"""CREATE TABLE gaps (
        {_RUN}, start INTEGER NOT NULL, stop INTEGER NOT NULL, PRIMARY KEY (run, start)) WITHOUT ROWID""",
    """CREATE TABLE manifests (
        id TEXT PRIMARY KEY, created INTEGER NOT NULL, files INTEGER NOT NULL, size INTEGER NOT NULL,
        data BLOB NOT NULL)""",
)

_EVALUATIONS: Step = (
    f"""CREATE TABLE evaluations (
        id INTEGER PRIMARY KEY, {_RUN}, name TEXT NOT NULL, rank INTEGER NOT NULL, attempt INTEGER NOT NULL,
        seconds REAL NOT NULL, schema TEXT NOT NULL, version TEXT NOT NULL, data TEXT NOT NULL)""",
    "CREATE INDEX evaluations_run ON evaluations (run, name)",
)

_SWITCHES: Step = (
    "ALTER TABLE runs ADD COLUMN snapshot_code INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE runs ADD COLUMN collect_outputs INTEGER NOT NULL DEFAULT 1",
)

_TABLE_OF_RUNS: Step = (
    # Holds what the table of runs is filtered and sorted by, so that no order of it reads the wide rows.
    """CREATE INDEX runs_table ON runs (
        archived, created, id, experiment, status, target, name, started, ended)""",
    "DROP INDEX runs_recent",
    "CREATE INDEX run_metrics_min ON run_metrics (name, min)",
    "CREATE INDEX run_metrics_max ON run_metrics (name, max)",
    """CREATE INDEX events_of_runs ON events (sequence)
        WHERE kind IN ('RunCreated', 'RunStatusChanged', 'RunChanged', 'ExperimentChanged')""",
)

_ENVIRONMENTS: Step = (
    f"""CREATE TABLE environments (
        {_RUN}, attempt INTEGER NOT NULL, path TEXT NOT NULL, place INTEGER NOT NULL, version TEXT NOT NULL,
        platform TEXT NOT NULL, count INTEGER, data TEXT,
        PRIMARY KEY (run, attempt, path))""",
)

_MACHINE_MINUTES: Step = (
    """CREATE TABLE machine_layouts (
        id INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL, series TEXT NOT NULL)""",
    "CREATE INDEX machine_layouts_target ON machine_layouts (target)",
    """CREATE TABLE machine_minutes (
        layout INTEGER NOT NULL REFERENCES machine_layouts (id) ON DELETE CASCADE, minute INTEGER NOT NULL,
        data BLOB NOT NULL, PRIMARY KEY (layout, minute)) WITHOUT ROWID""",
)

_ALERTS: Step = (
    # What an alert is not about is "": a key cannot hold NULL.
    """CREATE TABLE alerts (
        target TEXT NOT NULL, rule TEXT NOT NULL, gpu TEXT NOT NULL, run TEXT NOT NULL, about TEXT NOT NULL,
        data TEXT NOT NULL, PRIMARY KEY (target, rule, gpu, run, about)) WITHOUT ROWID""",
    """CREATE TABLE alert_silences (
        target TEXT NOT NULL, rule TEXT NOT NULL, gpu TEXT NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (target, rule, gpu)) WITHOUT ROWID""",
    """CREATE INDEX events_of_alerts ON events (sequence)
        WHERE kind IN ('AlertRaised', 'AlertCleared')""",
    """CREATE TABLE subscriptions (
        name TEXT PRIMARY KEY, data TEXT NOT NULL, cursor INTEGER NOT NULL, delivered INTEGER NOT NULL,
        failed INTEGER NOT NULL, problem TEXT) WITHOUT ROWID""",
)

_POOLS: Step = (
    "CREATE TABLE pools (name TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE placements (
        run INTEGER PRIMARY KEY REFERENCES runs (number) ON DELETE CASCADE, pool TEXT NOT NULL,
        number INTEGER NOT NULL)""",
)

_FORWARDS: Step = ("CREATE TABLE forwards (local INTEGER PRIMARY KEY, data TEXT NOT NULL)",)

_VIEWS: Step = ("CREATE TABLE views (name TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",)

_CHILDREN: Step = (
    # inside: the run that a child was made in, whose folder on the machine it shares.
    "ALTER TABLE runs ADD COLUMN inside TEXT",
    "CREATE INDEX runs_inside ON runs (inside) WHERE inside IS NOT NULL",
    # child: the id of the run whose records the file holds, where it is not the one it was found in.
    "ALTER TABLE record_files ADD COLUMN child TEXT",
    "DROP INDEX runs_table",
    """CREATE INDEX runs_table ON runs (
        archived, created, id, experiment, status, target, name, started, ended, parent, inside)""",
)

_INFINITE: Step = (
    # How many of its values are infinite; NULL in rows of before: it was not counted then.
    "ALTER TABLE series ADD COLUMN infinite INTEGER",
)

_COMPARISONS: Step = ("CREATE TABLE comparisons (name TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",)

_IMPORTED: Step = (
    # An imported run is found by its source, of which its id but for the time is made.
    "CREATE INDEX runs_imported ON runs (substr(id, 11)) WHERE target = 'imported'",
)

_ENVIRONMENT_VERSIONS: Step = (
    # Several versions may have one hash: what was resolved anew is a version of its own.
    """CREATE TABLE environment_versions (
        name TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL, archived INTEGER NOT NULL DEFAULT 0,
        data TEXT NOT NULL, definition TEXT NOT NULL, lock TEXT, PRIMARY KEY (name, version))""",
    "CREATE INDEX environment_versions_hash ON environment_versions (hash)",
    """CREATE TABLE environment_aliases (
        name TEXT NOT NULL, alias TEXT NOT NULL, version INTEGER NOT NULL,
        PRIMARY KEY (name, alias)) WITHOUT ROWID""",
    """CREATE TABLE hosted_names (
        kind TEXT NOT NULL, hosted TEXT NOT NULL, data TEXT NOT NULL,
        PRIMARY KEY (kind, hosted)) WITHOUT ROWID""",
)

_DATA: Step = (
    "CREATE TABLE datastores (name TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID",
    # One row once a workspace had its first datastores: who removes them does not get them again.
    "CREATE TABLE datastores_born (born INTEGER PRIMARY KEY)",
    "CREATE TABLE dataset_names (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE dataset_versions (
        name TEXT NOT NULL, version INTEGER NOT NULL, run TEXT, data TEXT NOT NULL,
        PRIMARY KEY (name, version)) WITHOUT ROWID""",
    "CREATE INDEX dataset_versions_run ON dataset_versions (run) WHERE run IS NOT NULL",
    """CREATE TABLE dataset_profiles (
        name TEXT NOT NULL, version INTEGER NOT NULL, run TEXT NOT NULL, data TEXT,
        PRIMARY KEY (name, version)) WITHOUT ROWID""",
)

_WORKSPACE: Step = ("CREATE TABLE workspace_facts (one INTEGER PRIMARY KEY, data TEXT NOT NULL)",)

_RUN_DATA: Step = (
    f"""CREATE TABLE run_data (
        {_RUN}, direction TEXT NOT NULL, name TEXT NOT NULL, asset TEXT, state TEXT NOT NULL,
        data TEXT NOT NULL, PRIMARY KEY (run, direction, name)) WITHOUT ROWID""",
    "CREATE INDEX run_data_asset ON run_data (asset) WHERE asset IS NOT NULL",
    "CREATE INDEX run_data_waiting ON run_data (run) WHERE state = 'waiting'",
)

_MODEL_REQUESTS: Step = (
    # answer: NAME:VERSION, or why there is none; NULL until somebody looked.
    f"""CREATE TABLE model_requests (
        {_RUN}, name TEXT NOT NULL, path TEXT NOT NULL, data TEXT NOT NULL, answer TEXT,
        UNIQUE (run, name, path))""",
)

_MODELS: Step = (
    # A removed model's row stays: its numbers are never given out again, and its history can be read.
    """CREATE TABLE models (
        number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL,
        next_version INTEGER NOT NULL DEFAULT 1, removed INTEGER NOT NULL DEFAULT 0, data TEXT NOT NULL)""",
    # data: what the entity has beyond these columns; details: what is asked for one version at a time.
    """CREATE TABLE model_versions (
        id INTEGER PRIMARY KEY, model INTEGER NOT NULL REFERENCES models (number), version INTEGER NOT NULL,
        created INTEGER NOT NULL, manifest TEXT NOT NULL, run TEXT, framework TEXT, format TEXT,
        data TEXT NOT NULL, details TEXT NOT NULL, UNIQUE (model, version))""",
    "CREATE INDEX model_versions_run ON model_versions (run) WHERE run IS NOT NULL",
    "CREATE INDEX model_versions_manifest ON model_versions (manifest)",
    "CREATE INDEX model_versions_created ON model_versions (created, id)",
    """CREATE TABLE model_entries (
        version INTEGER NOT NULL REFERENCES model_versions (id) ON DELETE CASCADE, kind TEXT NOT NULL,
        name TEXT NOT NULL, value TEXT, PRIMARY KEY (version, kind, name)) WITHOUT ROWID""",
    "CREATE INDEX model_entries_value ON model_entries (kind, name, value)",
    """CREATE TABLE model_datasets (
        version INTEGER NOT NULL REFERENCES model_versions (id) ON DELETE CASCADE, relation TEXT NOT NULL,
        name TEXT NOT NULL, number INTEGER, PRIMARY KEY (version, relation, name))""",
    "CREATE INDEX model_datasets_name ON model_datasets (name, number)",
    """CREATE TABLE model_deployments (
        version INTEGER NOT NULL REFERENCES model_versions (id), name TEXT NOT NULL,
        created INTEGER NOT NULL, PRIMARY KEY (version, name)) WITHOUT ROWID""",
    """CREATE TABLE model_aliases (
        model INTEGER NOT NULL REFERENCES models (number), alias TEXT NOT NULL,
        version INTEGER NOT NULL REFERENCES model_versions (id), PRIMARY KEY (model, alias)) WITHOUT ROWID""",
    "CREATE INDEX model_aliases_version ON model_aliases (version)",
    # version and previous are numbers, not rows: what a history says stays when versions go.
    """CREATE TABLE model_moves (
        id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL REFERENCES models (number),
        alias TEXT NOT NULL, version INTEGER, previous INTEGER, action TEXT NOT NULL, time INTEGER NOT NULL,
        undoes INTEGER, data TEXT NOT NULL)""",
    "CREATE INDEX model_moves_alias ON model_moves (model, alias, id)",
    """CREATE TABLE model_recipes (
        model INTEGER NOT NULL REFERENCES models (number), name TEXT NOT NULL, snapshot TEXT,
        data TEXT NOT NULL, PRIMARY KEY (model, name)) WITHOUT ROWID""",
    """CREATE TABLE model_evaluations (
        version INTEGER NOT NULL REFERENCES model_versions (id) ON DELETE CASCADE, recipe TEXT NOT NULL,
        dataset TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (version, recipe, dataset)) WITHOUT ROWID""",
)

_DATA_ARCHIVED: Step = (
    # Kept in the version's data too: here it is what lists ask for.
    "ALTER TABLE dataset_versions ADD COLUMN archived INTEGER NOT NULL DEFAULT 0",
    """CREATE TABLE dataset_caches (
        name TEXT NOT NULL, version INTEGER NOT NULL, target TEXT NOT NULL, key TEXT NOT NULL,
        data TEXT NOT NULL, PRIMARY KEY (name, version, target, key)) WITHOUT ROWID""",
)

STEPS: tuple[Step, ...] = (
    _FIRST,
    _EVALUATIONS,
    _SWITCHES,
    _TABLE_OF_RUNS,
    _ENVIRONMENTS,
    _MACHINE_MINUTES,
    _ALERTS,
    _POOLS,
    _FORWARDS,
    _VIEWS,
    _CHILDREN,
    _INFINITE,
    _COMPARISONS,
    _IMPORTED,
    _ENVIRONMENT_VERSIONS,
    _DATA,
    _WORKSPACE,
    _RUN_DATA,
    _MODEL_REQUESTS,
    _MODELS,
    _DATA_ARCHIVED,
)
"""Step n leads from version n to n + 1; an empty file is version 0."""
