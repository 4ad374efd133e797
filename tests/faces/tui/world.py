"""A fixed world behind the dashboard: services that answer from plain values, and events one can make happen."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Callable
from copy import deepcopy
from datetime import datetime
from typing import Any

from tests.faces.tui.world_files import FileServices
from tests.faces.tui.world_machines import MachineServices, target
from tests.faces.tui.world_room import RoomServices
from tests.faces.tui.world_runs import RunServices
from tests.faces.tui.world_times import NOW, ago
from tests.faces.tui.world_values import ValueServices
from tests.faces.tui.world_views import ViewServices
from tests.filter_rows import Row, holds
from workbench.errors import NotFound, ServerError, from_wire
from workbench.text.filter_parse import parse
from workbench.text.filter_problem import did_you_mean
from workbench.text.filter_tree import Kind, mentions


def row(number: int, name: str, **fields: Any) -> dict[str, Any]:
    """A row of `runs.table`."""
    return {
        "id": f"01JD{number:022d}",
        "name": name,
        "experiment": "mnist",
        "target": "gpu1",
        "status": "Completed",
        "created": ago(hours=1),
        "attempt": 1,
        "gpus": [],
        "warnings": 0,
        "archived": False,
        "sparkline": [],
        "params": {},
        "tags": {},
        "metrics": {},
        **fields,
    }


def falling(low: float, high: float = 2.3, count: int = 24, wobble: float = 0.05) -> list[float]:
    """A loss curve."""
    return [
        low + (high - low) * math.exp(-5 * at / count) * (1 + wobble * math.sin(at * 2.3)) for at in range(count)
    ]


def mnist(last: float, best: float | None = None, **more: Any) -> dict[str, Any]:
    """What a run of mnist has measured."""
    return {"metric": "loss", "last": last, "best": best if best is not None else last, "last_step": 990, "sparkline": falling(last), **more}


ROWS = [
    row(42, "calm-otter-42", status="Running", created=ago(minutes=4.5), started=ago(minutes=4.2), gpus=["2", "3"], as_of=ago(seconds=1), params={"lr": "3e-4"}, **mnist(0.0412)),
    row(41, "brisk-heron-41", status="Queued", created=ago(minutes=6), as_of=ago(seconds=2), message="2 GPUs wanted, 0 free, held by calm-otter-42 (ann)", params={"lr": "1e-2"}),
    row(40, "vivid-lark-40", target="lab-7", started=ago(minutes=59), ended=ago(minutes=37), exit_code=0, params={"lr": "1e-3"}, **mnist(0.0398)),
    row(39, "dull-ibis-39", target="lab-7", status="Failed", created=ago(hours=2), started=ago(hours=2), ended=ago(hours=1, minutes=59, seconds=29), exit_code=1, cause="exit", message="CUDA out of memory", params={"lr": "1e-1"}),
    row(38, "快乐-panda-38", status="Canceled", created=ago(days=3), started=ago(days=3), ended=ago(days=2, hours=21), params={"lr": "3e-3"}, **mnist(0.31)),
    row(37, "warm-finch-37", experiment="imagenet", target="dgx-02", status="Running", created=ago(hours=9), started=ago(hours=8.9), gpus=["0", "1", "4", "5"], as_of=ago(minutes=3), metric="acc", last=0.7412, best=0.7431, last_step=90000, sparkline=[1 - v / 2.4 for v in falling(0.6)], params={"lr": "0.1", "arch": "resnet50"}),
    row(36, "shy-crane-36", experiment="imagenet", target="dgx-02", created=ago(days=2), started=ago(days=2), ended=ago(days=1, hours=3), exit_code=0, metric="acc", last=0.7558, best=0.7561, last_step=120000, sparkline=[1 - v / 2.4 for v in falling(0.58)], params={"lr": "0.05", "arch": "resnet50"}),
    row(35, "old-wren-35", experiment="imagenet", target="dgx-02", status="Failed", created=ago(days=4), started=ago(days=4), ended=ago(days=3, hours=23), exit_code=137, signal=9, cause="memory", message="out of memory: the machine's kernel ended python (41.2 GB)", params={"lr": "0.4", "arch": "vit-b"}),
]

EXPERIMENTS = [
    {"id": "e1", "name": "mnist", "created": ago(days=9), "tags": {}, "primary_metric": "loss", "goal": "minimize", "primary_set": False, "archived": False, "runs": 5},
    {"id": "e2", "name": "imagenet", "created": ago(days=9), "tags": {}, "primary_metric": "acc", "goal": "maximize", "primary_set": True, "archived": False, "runs": 3},
]


class World(RoomServices, RunServices, ValueServices, MachineServices, ViewServices, FileServices):
    """Answers calls as the server would; `answers` may be replaced one by one, `calls` are kept."""

    def __init__(self, rows: list[dict[str, Any]] | None = None) -> None:
        self.rows = deepcopy(ROWS) if rows is None else [dict(item) for item in rows]
        self.experiments = deepcopy(EXPERIMENTS)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        super().__init__()
        self.submitted: list[dict[str, Any]] = []
        self.views: dict[str, dict[str, Any]] = {}
        self.sequence = 100
        self.gone: str | None = None
        self.answers: dict[str, Callable[..., Any]] = {}
        self._events: list[asyncio.Queue[dict[str, Any]]] = []

    # The four calls of the asyncio client

    async def call(self, noun: str, method: str, **parameters: Any) -> Any:
        self.loop = asyncio.get_running_loop()
        await asyncio.sleep(0)
        if self.gone is not None:
            raise ServerError(self.gone, "try again")
        said = {key: value for key, value in parameters.items() if value is not None}
        self.calls.append((f"{noun}.{method}", said))
        answer = self.answers.get(f"{noun}.{method}") or getattr(self, f"{noun}_{method}", None)
        if answer is None:
            raise NotFound(f"there is no {noun}.{method} in this world")
        found = answer(**said)
        return await found if asyncio.iscoroutine(found) else found

    async def items(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[Any, None]:
        if self.gone is not None:
            raise ServerError(self.gone, "try again")
        if (noun, method) != ("events", "watch"):
            async for item in self._stream(noun, method, parameters):
                yield item
            return
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._events.append(queue)
        try:
            while True:
                event = await queue.get()
                if "error" in event:
                    raise from_wire(event["error"])
                yield event
        finally:
            self._events.remove(queue)

    async def read(self, noun: str, method: str, **parameters: Any) -> AsyncGenerator[bytes, None]:
        async for block in self._stream(noun, method, parameters):
            yield block

    def _stream(self, noun: str, method: str, parameters: dict[str, Any]) -> AsyncGenerator[Any, None]:
        self.calls.append((f"{noun}.{method}", parameters))
        return (self.answers.get(f"{noun}.{method}") or getattr(self, f"{noun}_{method}"))(**parameters)

    def asked(self, name: str) -> list[dict[str, Any]]:
        """The parameters of every call of `noun.method`."""
        return [parameters for called, parameters in self.calls if called == name]

    # What happens in it

    def happen(self, kind: str, subject: str, /, **data: Any) -> None:
        """An event everybody who watches hears of."""
        self.sequence += 1
        event = {"sequence": self.sequence, "time": ago(), "actor": "ann", "kind": kind, "subject": subject, "data": data}
        for queue in self._events:
            queue.put_nowait(event)

    def change(self, run: str, kind: str = "RunStatusChanged", **fields: Any) -> None:
        """Change a run's row and say so."""
        found = self.run(run)
        found.update(fields)
        self.happen(kind, f"experiments/{found['experiment']}/runs/{found['id']}")

    def add(self, new: dict[str, Any]) -> None:
        """A run somebody submitted."""
        self.rows.insert(0, new)
        self.happen("RunCreated", f"experiments/{new['experiment']}/runs/{new['id']}")

    def vanish(self, words: str) -> None:
        """The server goes away; `gone = None` brings it back."""
        self.gone = words
        for queue in self._events:
            queue.put_nowait({"error": ServerError(words, "try again").to_wire()})

    def run(self, reference: str) -> dict[str, Any]:
        """A run's row by id or name."""
        for item in self.rows:
            if reference in (item["id"], item["name"]):
                return item
        raise NotFound(f"there is no run {reference}")

    # Services

    def events_last(self) -> Any:
        return {"sequence": self.sequence}

    def workspace_summary(self) -> Any:
        counts = [item["status"] for item in self.rows]
        return {"machines": len(self.targets), "connected": 3, "troubled": 1, "running": counts.count("Running"), "waiting": counts.count("Queued")}

    def experiments_list(self, **_: Any) -> Any:
        return self.experiments

    def runs_columns(self, experiment: str | None = None) -> Any:
        mine = self._fitting(experiment=experiment)
        return {"params": sorted({key for item in mine for key in item["params"]}), "tags": [], "metrics": []}

    def _fitting(self, experiment: str | None = None, status: list[str] | None = None, target: str | None = None, text: str | None = None, filter: str | None = None, active: bool = False, archived: bool | None = False, ids: list[str] | None = None, **_: Any) -> list[dict[str, Any]]:
        tree = parse(filter or "").tree
        archived = None if mentions(tree, "archived") else archived
        return [
            item
            for item in self.rows
            if (not filter or holds(tree, self._plain(item), NOW) is True)
            and (experiment is None or item["experiment"] == experiment)
            and (not status or item["status"] in status)
            and (target is None or item["target"] == target)
            and (text is None or text.lower() in item["name"].lower())
            and (not active or item["status"] in ("Running", "Queued"))
            and (archived is None or item["archived"] == archived or ids is not None)
            and (ids is None or item["id"] in ids)
            and (item.get("parent") is None or ids is not None or bool(filter or text))
        ]

    def _below(self, run: str, unfold: list[str], depth: int, depths: dict[str, int]) -> list[str]:
        found = []
        mine = [item for item in self.rows if item.get("parent") == run] if run in unfold else []
        for item in sorted(mine, key=lambda each: each["created"]):
            if item["id"] not in depths:
                depths[item["id"]] = depth
                found += [item["id"], *self._below(item["id"], unfold, depth + 1, depths)]
        return found

    def runs_children(self, run: str, **_: Any) -> Any:
        return [item for item in self.rows if item.get("parent") == run]

    def _plain(self, item: dict[str, Any]) -> Row:
        metrics = {name: [value] for name, value in [*item["metrics"].items(), (item.get("metric"), item.get("last"))] if value is not None}
        times = {key: None if item.get(key) is None else datetime.fromisoformat(item[key]) for key in ("created", "started", "ended")}
        return Row({"parent": None, **item, **times}, metrics, item["params"], item["tags"])

    def runs_check_filter(self, filter: str, experiment: str | None = None) -> Any:
        known = {name for item in self.rows for name in (*self._plain(item).metrics, *item["params"])}
        named = [each for each in parse(filter).named if each.field.kind is not Kind.ATTRIBUTE and each.field.name not in known]
        unknown = [{"name": field.name, "start": start, "stop": stop, "message": f"no run has {field.name}", "hint": did_you_mean(field.name, known)} for field, start, stop in named]
        return {"filter": filter, "unknown": unknown}

    def runs_order(self, sort: str = "created", descending: bool | None = None, grouped: bool = False, group: str | None = None, unfold: list[str] | None = None, **query: Any) -> Any:
        found = self._ordered(self._fitting(**query), sort, descending)
        groups: list[list[Any]] | None = None
        if group is not None:
            values = list(dict.fromkeys(self._value(item, group) for item in found))
            found.sort(key=lambda item: values.index(self._value(item, group)))
            groups = [[value, sum(self._value(item, group) == value for item in found)] for value in values]
        if grouped:
            names = list(dict.fromkeys(item["experiment"] for item in found))
            found.sort(key=lambda item: names.index(item["experiment"]))
            groups = [[name, sum(item["experiment"] == name for item in found)] for name in names]
        depths: dict[str, int] = {}
        ids = [run for item in found for run in (item["id"], *self._below(item["id"], unfold or [], 1, depths))]
        if groups is not None and depths:
            groups = [[name, sum(self.run(run)["experiment"] == name for run in ids)] for name, _ in groups]
        return {"ids": " ".join(ids), "groups": groups, "total": len(found), "depths": depths}

    def _value(self, item: dict[str, Any], by: str) -> Any:
        kind, _, name = by.partition(":")
        return item["params"].get(name) if kind == "param" else item[by]

    def runs_groups(self, by: str, **query: Any) -> Any:
        found: dict[Any, list[dict[str, Any]]] = {}
        for item in self._fitting(**query):
            found.setdefault(self._value(item, by), []).append(item)
        bests = {value: min((item["last"] for item in items if item.get("last")), default=None) for value, items in found.items()}
        return [{"value": value, "count": len(items), "active": 0, "failed": 0, "metric": "loss", "best": bests[value], "mean": bests[value], "measured": 1} for value, items in found.items()]

    def views_list(self) -> Any:
        return sorted(self.views.values(), key=lambda view: str(view["name"]))

    def views_get(self, name: str) -> Any:
        return self.views[name]

    def views_remove(self, name: str) -> Any:
        del self.views[name]
        return {}

    def views_save(self, name: str, **view: Any) -> Any:
        self.views[name] = {"name": name, "created": ago(), **{key: value for key, value in view.items() if value is not None}}
        return self.views[name]

    def _ordered(self, found: list[dict[str, Any]], sort: str, descending: bool | None) -> list[dict[str, Any]]:
        keys: dict[str, Callable[[dict[str, Any]], Any]] = {
            "created": lambda item: item["created"],
            "primary": lambda item: item.get("last"),
            "best": lambda item: item.get("best"),
        }
        key = keys.get(sort) or (lambda item: item.get(sort))
        have = [item for item in found if key(item) is not None]
        return sorted(have, key=key, reverse=descending is not False) + [item for item in found if key(item) is None]

    def runs_table(self, sort: str = "created", descending: bool | None = None, limit: int = 50, offset: int = 0, columns: Any = None, **query: Any) -> Any:
        query.pop("archived", None) if "ids" in query else None
        found = self._ordered(self._fitting(**query), sort, descending)
        rows = [dict(item) for item in found[offset : offset + limit]]
        if "metric:loss" in (columns or ()):
            rows = [{**item, "metrics": {"loss": item["last"]} if "last" in item else {}} for item in rows]
        return {"total": len(found), "rows": rows, "sequence": self.sequence}

    def runs_cancel(self, run: str) -> Any:
        self.change(run, status="CancelRequested")
        return self.run(run)

    def runs_archive(self, run: str, archived: bool) -> Any:
        self.run(run)["archived"] = archived
        self.happen("RunChanged", f"experiments/{self.run(run)['experiment']}/runs/{run}", archived=archived)
        return self.run(run)


def fleet(views: dict[str, dict[str, Any]]) -> World:
    """A world of these machines."""
    world = World()
    world.machines = views
    world.targets = [target(name, state=item["state"], problem="", facts={}) for name, item in views.items()]
    return world
