"""Columns that stand in the paths of files: {state}/{date:yyyy/MM/dd}/x.parquet. Pure."""

import re
from datetime import datetime
from typing import Any, Dict, List, Tuple

_HOLE = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")
_NAME = re.compile(r"[^\W\d][\w .-]{0,127}\Z")
_TIMES = (
    ("yyyy", "year", 4),
    ("MM", "month", 2),
    ("dd", "day", 2),
    ("HH", "hour", 2),
    ("mm", "minute", 2),
    ("ss", "second", 2),
)


class Partitions(object):
    """Reads the columns of a partition_format out of paths; raises ValueError for a format that is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.columns: List[Tuple[str, str]] = []
        pattern, at = [], 0
        for hole in _HOLE.finditer(text):
            pattern.append(self._literal(text[at : hole.start()]))
            pattern.append(self._hole(hole.group(1).strip(), hole.group(2)))
            at = hole.end()
        pattern.append(self._literal(text[at:]))
        if not self.columns:
            raise ValueError("partition_format names no column: write {name} or {name:yyyy/MM/dd}")
        if len(set(name for name, _ in self.columns)) < len(self.columns):
            raise ValueError("partition_format names a column twice")
        self._pattern = re.compile("(?:^|.*/)" + "".join(pattern).lstrip("/") + r"\Z", re.DOTALL)

    def _literal(self, text: str) -> str:
        if "{" in text or "}" in text:
            raise ValueError("partition_format has a { or } that belongs to nothing")
        return re.escape(text).replace(r"\/", "/")

    def _hole(self, name: str, form: Any) -> str:
        if not _NAME.match(name):
            raise ValueError("%.60r in partition_format is no name of a column" % name)
        number = len(self.columns)
        if form is None:
            self.columns.append((name, "text"))
            return "(?P<c%d>[^/]+)" % number
        self.columns.append((name, "datetime"))
        out, at, parts = [], 0, 0
        while at < len(form):
            for token, part, digits in _TIMES:
                if form.startswith(token, at):
                    out.append("(?P<c%d_%s>[0-9]{%d})" % (number, part, digits))
                    at += len(token)
                    parts += 1
                    break
            else:
                if form[at].isalnum():
                    raise ValueError("%.40r in partition_format: write yyyy, MM, dd, HH, mm, ss" % form)
                out.append(re.escape(form[at]).replace(r"\/", "/"))
                at += 1
        if "(?P<c%d_year>" % number not in "".join(out):
            raise ValueError("%.40r in partition_format has no year" % form)
        return "".join(out)

    def values(self, path: str) -> Dict[str, Any]:
        """The columns of one path; raises ValueError where the path is not of that form."""
        match = self._pattern.match(path)
        if match is None:
            raise ValueError("%.200r does not fit partition_format %.200r" % (path, self.text))
        found: Dict[str, Any] = {}
        groups = match.groupdict()
        for number, (name, kind) in enumerate(self.columns):
            if kind == "text":
                found[name] = groups["c%d" % number]
                continue
            parts = {part: groups.get("c%d_%s" % (number, part)) for _, part, _ in _TIMES}
            try:
                found[name] = datetime(
                    int(parts["year"] or 1),
                    int(parts["month"] or 1),
                    int(parts["day"] or 1),
                    int(parts["hour"] or 0),
                    int(parts["minute"] or 0),
                    int(parts["second"] or 0),
                )
            except ValueError:
                raise ValueError("%.200r has a date that is none" % path)
        return found
