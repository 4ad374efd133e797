"""Lists of runs in the fixed world: filtered, ordered, grouped, unfolded; and what is saved of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.faces.fixed_runs import NOW, ago
from tests.filter_rows import Row, holds
from workbench.entities.experiment import guess_goal, metric_of_most
from workbench.errors import NotFound
from workbench.text.filter_parse import parse
from workbench.text.filter_problem import did_you_mean
from workbench.text.filter_tree import Kind, mentions


class ListServices:
    """What lists of runs ask."""

    rows: list[dict[str, Any]]
    sequence: int

    def __init__(self) -> None:
        super().__init__()
        self.views: dict[str, dict[str, Any]] = {}

    def run(self, reference: str) -> dict[str, Any]:
        """A run's row by id or name."""
        for item in self.rows:
            if reference in (item["id"], item["name"]):
                return item
        raise NotFound(f"there is no run {reference}")

    def runs_columns(self, experiment: str | None = None) -> Any:
        mine = self._fitting(experiment=experiment)
        return {"params": sorted({key for item in mine for key in item["params"]}), "tags": [], "metrics": []}

    def _fitting(
        self,
        experiment: str | None = None,
        status: list[str] | None = None,
        target: str | None = None,
        text: str | None = None,
        filter: str | None = None,
        active: bool = False,
        archived: bool | None = False,
        ids: list[str] | None = None,
        **_: Any,
    ) -> list[dict[str, Any]]:
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

    def runs_children_metric(self, run: str) -> Any:
        below = [item for item in self.runs_children(run) if item.get("last") is not None or item["metrics"]]
        counts = Counter(name for item in below for name in self._plain(item).metrics)
        found = metric_of_most(counts, "loss")
        return {"metric": found, "goal": guess_goal(found).value if found else "minimize"}

    def _plain(self, item: dict[str, Any]) -> Row:
        metrics = {
            name: [value]
            for name, value in [*item["metrics"].items(), (item.get("metric"), item.get("last"))]
            if value is not None
        }
        times = {
            key: None if item.get(key) is None else datetime.fromisoformat(item[key])
            for key in ("created", "started", "ended")
        }
        return Row({"parent": None, **item, **times}, metrics, item["params"], item["tags"])

    def runs_check_filter(self, filter: str, experiment: str | None = None) -> Any:
        known = {name for item in self.rows for name in (*self._plain(item).metrics, *item["params"])}
        named = [
            each
            for each in parse(filter).named
            if each.field.kind is not Kind.ATTRIBUTE and each.field.name not in known
        ]
        unknown = [
            {
                "name": field.name,
                "start": start,
                "stop": stop,
                "message": f"no run has {field.name}",
                "hint": did_you_mean(field.name, known),
            }
            for field, start, stop in named
        ]
        return {"filter": filter, "unknown": unknown}

    def runs_order(
        self,
        sort: str = "created",
        descending: bool | None = None,
        grouped: bool = False,
        group: str | None = None,
        unfold: list[str] | None = None,
        **query: Any,
    ) -> Any:
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
        ids = [
            run for item in found for run in (item["id"], *self._below(item["id"], unfold or [], 1, depths))
        ]
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
        bests = {
            value: min((item["last"] for item in items if item.get("last")), default=None)
            for value, items in found.items()
        }
        return [
            {
                "value": value,
                "count": len(items),
                "active": 0,
                "failed": 0,
                "metric": "loss",
                "best": bests[value],
                "mean": bests[value],
                "measured": 1,
            }
            for value, items in found.items()
        ]

    def views_list(self) -> Any:
        return sorted(self.views.values(), key=lambda view: str(view["name"]))

    def views_get(self, name: str) -> Any:
        return self.views[name]

    def views_remove(self, name: str) -> Any:
        del self.views[name]
        return {}

    def views_save(self, name: str, **view: Any) -> Any:
        self.views[name] = {
            "name": name,
            "created": ago(),
            **{key: value for key, value in view.items() if value is not None},
        }
        return self.views[name]

    def _ordered(
        self, found: list[dict[str, Any]], sort: str, descending: bool | None
    ) -> list[dict[str, Any]]:
        keys: dict[str, Callable[[dict[str, Any]], Any]] = {
            "created": lambda item: item["created"],
            "primary": lambda item: item.get("last"),
            "best": lambda item: item.get("best"),
        }
        key = keys.get(sort) or (lambda item: item.get(sort))
        have = [item for item in found if key(item) is not None]
        return sorted(have, key=key, reverse=descending is not False) + [
            item for item in found if key(item) is None
        ]

    def runs_table(
        self,
        sort: str = "created",
        descending: bool | None = None,
        limit: int = 50,
        offset: int = 0,
        columns: Any = None,
        **query: Any,
    ) -> Any:
        query.pop("archived", None) if "ids" in query else None
        found = self._ordered(self._fitting(**query), sort, descending)
        rows = [dict(item) for item in found[offset : offset + limit]]
        if any(str(name).startswith("metric:") for name in columns or ()):
            rows = [{**item, "metrics": self._figures(item)} for item in rows]
        return {"total": len(found), "rows": rows, "sequence": self.sequence}

    def _figures(self, item: Any) -> dict[str, float]:
        """The last value of each metric of a row."""
        primary = {} if item.get("last") is None else {item.get("metric") or "loss": item["last"]}
        return {**primary, **item["metrics"]}
