"""Conditions on the rows of a table as text: age > 5 and (state = 'CA' or not name is null). Pure.

What it makes is the plain JSON of `remote.tabular.conditions`.
"""

from __future__ import annotations

import re
from typing import Any

from workbench.errors import UsageError
from workbench.text.sanitize import clean_name

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<op>==|=|!=|<>|<=|>=|<|>|\(|\))
      | (?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
      | (?P<text>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*"|`[^`]*`)
      | (?P<word>[^\W\d][\w.]*)
    )""",
    re.VERBOSE,
)
_SAME = {"==": "=", "<>": "!="}
_HINT = "such as: age > 5 and state = 'CA'; columns with spaces stand in \"double quotes\""
LONGEST = 10_000


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise UsageError(f"the condition is not understood at {clean_name(text[at:], 40)!r}", _HINT)
            self._tokens.append((str(match.lastgroup), match.group(str(match.lastgroup))))
            at = match.end()
        self._at = 0

    def _next(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _word(self, *words: str) -> bool:
        kind, text = self._next()
        if kind == "word" and text.lower() in words:
            self._at += 1
            return True
        return False

    def _op(self, text: str) -> bool:
        if self._next() == ("op", text):
            self._at += 1
            return True
        return False

    def whole(self) -> list[Any]:
        found = self._any()
        if self._next()[0] != "end":
            raise UsageError(f"the condition ends before {clean_name(self._next()[1], 40)!r}", _HINT)
        return found

    def _any(self) -> list[Any]:
        parts = [self._all()]
        while self._word("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else ["or", *parts]

    def _all(self) -> list[Any]:
        parts = [self._one()]
        while self._word("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else ["and", *parts]

    def _one(self) -> list[Any]:
        if self._word("not"):
            return ["not", self._one()]
        if self._op("("):
            found = self._any()
            if not self._op(")"):
                raise UsageError("a parenthesis of the condition is not closed", _HINT)
            return found
        column = self._column()
        if self._word("is"):
            negated = self._word("not")
            if not self._word("null"):
                raise UsageError("write: COLUMN is null, or COLUMN is not null", _HINT)
            return ["not", ["null", column]] if negated else ["null", column]
        kind, text = self._next()
        if kind != "op" or text in "()":
            raise UsageError(f"{clean_name(column, 40)!r} is compared with nothing", _HINT)
        self._at += 1
        return [_SAME.get(text, text), column, self._value()]

    def _column(self) -> str:
        kind, text = self._next()
        if kind not in ("word", "quoted"):
            raise UsageError(f"a column is expected, not {clean_name(text, 40)!r}", _HINT)
        self._at += 1
        return text if kind == "word" else text[1:-1].replace('""', '"')

    def _value(self) -> str | int | float | bool:
        kind, text = self._next()
        self._at += 1
        if kind == "number":
            return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else float(text)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "word" and text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise UsageError(
            f"a value is expected, not {clean_name(text, 40)!r}", "texts stand in 'single quotes'"
        )


def read_condition(text: str) -> list[Any]:
    """The condition that text is; raises UsageError."""
    if not text.strip() or len(text) > LONGEST:
        raise UsageError("the condition is empty, or longer than any should be", _HINT)
    try:
        return _Reader(text).whole()
    except RecursionError:
        raise UsageError("the condition is nested too deeply") from None
