"""Datasets and datastores of the fixed world: a table with a profile, files on two machines, hostile names."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from tests.faces.fixed_runs import ago
from workbench.errors import Conflict, NotFound, StoreError
from workbench.text.asset_reference import parse, split_kind

HASH = "9f2c61d0aa" + "0" * 54
HOSTILE = "\x1b[31mred\x1b[0m \x1b]0;owned\x07" + "長い説明" * 60
LONG = "w" * 128
FILES = [
    ["train/images/a.png", 1 << 20, "1"], ["train/images/b\x1b[2J.png", 2 << 20, "1"],
    ["train/labels.csv", 4000, "1"], ["test/images/数字.png", 1 << 19, "1"], ["README.md", 900, "1"],
]  # fmt: skip
COLUMNS = [
    {"name": "day", "type": "datetime"}, {"name": "temp", "type": "float"}, {"name": "rain", "type": "integer"},
    {"name": "city\x1b[31m", "type": "text"},
]  # fmt: skip
ROWS = [
    ["2026-11-01", 3.5, 0, "Åbo"], ["2026-11-02", None, 4, "東京" * 40], ["2026-11-03", 5.5, 9, "a\x1b[2Jb"],
]  # fmt: skip
PROFILE = [
    {"column": "temp", "type": "float", "count": 2, "missing": 1, "min": 3.5, "max": 5.5, "mean": 4.5,
     "std": 1.41, "q25": 3.5, "median": 4.5, "q75": 5.5, "distinct": 2, "estimated": False},
    {"column": "rain", "type": "integer", "count": 3, "missing": 0, "min": 0, "max": 9, "mean": 4.333,
     "std": 4.5, "q25": 0, "median": 4, "q75": 9, "distinct": 120000, "estimated": True},
]  # fmt: skip


def version(name: str, number: int, **more: Any) -> dict[str, Any]:
    """A version as `datasets.versions` gives it."""
    return {
        "name": name, "version": number, "kind": "file", "locations": {}, "schema": [], "tags": {},
        "source": {"target": "gpu1", "paths": [f"/data/{name}"]}, "properties": {},
        "created": ago(days=9 - number), "created_by": "ann@laptop", **more,
    }  # fmt: skip


def seen(files: int, size: int, content: bool = False, manifest: str | None = None) -> dict[str, Any]:
    """A fingerprint."""
    found = {
        "hash": HASH,
        "content": content,
        "files": files,
        "bytes": size,
        "made_on": "gpu1",
        "made": ago(days=1),
    }
    return found | ({"manifest": manifest} if manifest else {})


class Data:
    """Answers calls of the nouns `datasets` and `datastores` as the server would, over a few dictionaries."""

    def __init__(self, world: Any) -> None:
        self.world = world
        source = {"datastore": "lake", "paths": ["raw/weather/*.csv"]}
        self.all = [
            version("weather", 1, kind="tabular", source=source, schema=COLUMNS[:2]),
            version("weather", 2, kind="tabular", source=source, schema=COLUMNS, fingerprint=seen(3, 90_000),
                    tags={"source": "station", "gold": None}, description="Daily measures of 40 stations",
                    table={"format": "delimited", "steps": [{"op": "filter"}]}, run=world.rows[2]["id"]),
            version("digits", 1, fingerprint=seen(5, 3_679_000, True, "m1"), locations={"lab-7": "/raid/digits"},
                    description="8 x 8 pictures of handwritten digits"),
            version("scans", 1, source={"target": "dgx-02", "paths": ["/raid/scans/2026", "/raid/scans/2025"]}),
            version(LONG, 1, description=HOSTILE, tags={"\x1b[31mkey": HOSTILE},
                    source={"paths": ["https://example.org/" + "長" * 300]}),
        ]  # fmt: skip
        self.stores = [
            store("workspaceblobstore", "folder", "datastores/workspaceblobstore", default=True),
            store(
                "lake",
                "s3",
                "bucket/raw",
                secret="lake_key",
                endpoint="https://minio:9000",
                tags={"zone": "eu"},
            ),
            store("raid", "machine", "~/lake", target="gpu1", read_only=True),
            store("gone", "folder", "/mnt/gone"),
        ]
        self.profiles: dict[str, dict[str, Any]] = {
            "weather:2": {
                "run": world.rows[2]["id"],
                "status": "Completed",
                "columns": PROFILE,
                "made": ago(hours=5),
            }
        }
        self.broken: dict[str, str] = {"gone": "there is no folder /mnt/gone"}
        self.same: bool | None = True
        world.answers |= {
            f"datasets.{name}": getattr(self, name)
            for name in ("list", "versions", "get", "register", "describe", "tag", "locate", "remove", "files",
                         "fingerprint", "manifest", "preview", "profile", "make_profile", "lineage", "last_used",
                         "bring", "archive", "cached")
        }  # fmt: skip
        world.answers |= {
            "datastores.list": lambda: self.stores,
            "datastores.get": self.store,
            "datastores.browse": self.browse,
            "datastores.add": self.add_store,
            "datastores.default": self.default_store,
            "datastores.remove": self.remove_store,
            "secrets.list": lambda: [{"name": "lake_key"}],
        }

    # Datasets

    def list(self, archived: bool = False, **_: Any) -> Any:
        found = []
        for name in sorted({one["name"] for one in self.all if archived or not one.get("archived")}):
            mine = self.versions(name, archived)
            found.append({"name": name, "versions": len(mine), "latest": mine[0]})
        return found

    def versions(self, name: str, archived: bool = True) -> Any:
        mine = [one for one in self.all if one["name"] == name and (archived or not one.get("archived"))]
        if not mine:
            raise NotFound(f"no dataset {name!r}", "wb data ls shows them; wb data register makes one")
        return sorted(mine, key=lambda one: -one["version"])

    def get(self, dataset: str) -> Any:
        named = parse(split_kind(dataset)[1])
        for one in self.versions(named.name):
            if named.version in (None, one["version"]):
                return one
        raise NotFound(f"{named.name} has no version {named.version}", "wb data versions lists them")

    def _changed(self, one: dict[str, Any], kind: str = "DatasetChanged") -> Any:
        self.world.happen(kind, f"data/{one['name']}:{one['version']}")
        return one

    def register(self, name: str, source: Any, new_version: bool, kind: str, **more: Any) -> Any:
        there = [one["version"] for one in self.all if one["name"] == name]
        if there and not new_version:
            raise Conflict(f"there is a dataset {name} already", "--new-version makes the next version of it")
        found = {key: value for key, value in more.items() if value is not None}
        made = version(name, max(there, default=0) + 1, source=source, kind=kind, **found)
        self.all.append(made)
        return self._changed(made, "DatasetRegistered")

    def describe(self, dataset: str, description: str | None = None) -> Any:
        one = self.get(dataset)
        one["description"] = description
        return self._changed(one)

    def tag(self, dataset: str, set: Any = None, remove: Any = None) -> Any:
        one = self.get(dataset)
        one["tags"] = {**{k: v for k, v in one["tags"].items() if k not in (remove or [])}, **(set or {})}
        return self._changed(one)

    def archive(self, dataset: str, archived: bool) -> Any:
        one = self.get(dataset)
        one["archived"] = archived
        return self._changed(one)

    def cached(self, dataset: str) -> Any:
        if not dataset.startswith("weather"):
            return []
        copy = {"key": HASH, "bytes": 90_000, "files": 3, "brought": ago(days=2)}
        return [{"target": "dgx-02", "used": ago(hours=3), **copy}, {"target": "lab-7", **copy}]

    def locate(self, dataset: str, set: Any = None, remove: Any = None) -> Any:
        one = self.get(dataset)
        left = {k: v for k, v in one["locations"].items() if k not in (remove or [])}
        one["locations"] = {**left, **(set or {})}
        return self._changed(one)

    def remove(self, dataset: str, all_versions: bool) -> Any:
        named = parse(dataset)
        gone = [one for one in self.versions(named.name) if all_versions or one["version"] == named.version]
        self.all = [one for one in self.all if one not in gone]
        for one in gone:
            self._changed(one)
        return {"removed": [f"{one['name']}:{one['version']}" for one in gone]}

    async def files(self, dataset: str) -> AsyncGenerator[Any, None]:
        if dataset.startswith("scans"):
            raise StoreError("dgx-02 has no /raid/scans", "wb files ls dgx-02 /raid")
        yield {"entries": [row[:2] for row in FILES[:2]]}
        yield {"entries": [row[:2] for row in FILES[2:]]}
        yield {"count": len(FILES), "bytes": 0}

    def manifest(self, dataset: str) -> Any:
        return {"entries": FILES}

    async def fingerprint(self, dataset: str, contents: bool) -> AsyncGenerator[Any, None]:
        yield {"files": 1, "bytes": 100}
        one = self.get(dataset)
        before, one["fingerprint"] = one.get("fingerprint"), seen(5, 3_679_000, contents, "m1")
        self._changed(one)
        yield {"version": one, "same": self.same if before else None, "left_out": 0}

    def preview(self, dataset: str, rows: int) -> Any:
        return {"columns": COLUMNS, "rows": ROWS, "cut": False}

    def profile(self, dataset: str) -> Any:
        if dataset not in self.profiles:
            raise NotFound(f"{dataset} has no profile", f"wb data profile {dataset}")
        return self.profiles[dataset]

    def make_profile(self, dataset: str, **_: Any) -> Any:
        self.profiles[dataset] = {"run": self.world.rows[0]["id"], "status": "Running"}
        self._changed(self.get(dataset))
        return {"id": self.world.rows[0]["id"], "name": "profile-weather-1", "experiment": "profiles"}

    def lineage(self, dataset: str) -> Any:
        one = self.get(dataset)
        if one["name"] != "weather":
            return {"version": one, "made_of": [], "read_by": [], "models": [], "became": []}
        made_by, reader = self.world.rows[2], self.world.rows[0]
        return {
            "version": one,
            "made_by": made_by,
            "made_of": [{"run": made_by["id"], "direction": "input", "name": "raw", "asset": "data:scans:1"}],
            "read_by": [reader],
            "models": [{"name": "churn", "version": 7, "run": reader["id"]}],
            "became": [{"run": reader["id"], "direction": "output", "name": "out", "asset": "data:digits:1"}],
        }

    def last_used(self) -> Any:
        reader = self.world.rows[0]
        return {"weather": {"run": reader["id"], "run_name": reader["name"], "experiment": reader["experiment"],
                            "version": "2", "created": reader["created"]}}  # fmt: skip

    async def bring(self, dataset: str, target: str) -> AsyncGenerator[Any, None]:
        yield {"doing": f"{dataset} to {target}", "done": 0, "total": 0}
        yield {"doing": "sending", "done": 50, "total": 100}
        if dataset.startswith("scans"):
            yield {
                "mechanism": "in place",
                "location": "/raid/scans",
                "files": None,
                "bytes": None,
                "sent": 0,
            }
        else:
            yield {"mechanism": "cache", "location": "/home/ann/.workbench/data/ab/tree", "files": 5,
                   "bytes": 3_679_000, "sent": 3_679_000}  # fmt: skip

    # Datastores

    def store(self, name: str | None = None) -> Any:
        for one in self.stores:
            if one["name"] == name or (name is None and one["default"]):
                return one
        raise NotFound(f"no datastore {name!r}", "wb datastore ls shows them; wb datastore add makes one")

    def browse(self, name: str, path: str = "") -> Any:
        if name in self.broken:
            raise StoreError(self.broken[name], "is it mounted?")
        if path:
            return {"folders": [], "items": [{"path": f"{path}/a.csv", "size": 10, "modified": ago(days=2)}],
                    "left_out": 0}  # fmt: skip
        return {
            "folders": ["raw", "長い名前\x1b[31m"],
            "items": [{"path": "notes.txt", "size": 2_000}],
            "left_out": 2,
        }

    def add_store(self, name: str, kind: str, root: str, **more: Any) -> Any:
        made = store(name, kind, root, **{key: value for key, value in more.items() if value is not None})
        self.stores.append(made)
        self.world.happen("DatastoreChanged", f"datastores/{name}")
        return made

    def default_store(self, name: str) -> Any:
        for one in self.stores:
            one["default"] = one["name"] == name
        self.world.happen("DatastoreChanged", f"datastores/{name}")
        return self.store(name)

    def remove_store(self, name: str) -> Any:
        self.stores = [one for one in self.stores if one["name"] != name]
        self.world.happen("DatastoreChanged", f"datastores/{name}")
        return {}


def store(name: str, kind: str, root: str, **more: Any) -> dict[str, Any]:
    """A datastore as `datastores.list` gives it."""
    return {"name": name, "kind": kind, "root": root, "options": {}, "read_only": False, "default": False,
            "tags": {}, "created": ago(days=30), **more}  # fmt: skip
