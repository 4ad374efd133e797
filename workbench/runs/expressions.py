"""The `${{...}}` expressions of a command: found, checked and replaced as text (AZ-57 for literals). Pure.

The replacement is textual, as in the format this follows: quoting is the command's own business.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping

EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_INPUT = re.compile(r"inputs\.([A-Za-z_][A-Za-z0-9_]*)")
_OUTPUT = re.compile(r"outputs\.([A-Za-z_][A-Za-z0-9_]*)")
_NOT_YET = {
    "search_space": "belongs to a sweep, which is not supported yet",
    "parent": "belongs to a pipeline, which is not supported yet",
}


def replace_expressions(
    text: str, values: Mapping[str, str], data: Collection[str] = (), outputs: Collection[str] = ()
) -> tuple[str, list[str]]:
    """text with every ${{inputs.x}} replaced by values[x], and a sentence for each that cannot be.

    Those of inputs that are data, and of outputs, stay: the machine knows where they lie. What cannot be
    replaced stays as it stands; the text that is put in is not looked at again.
    """
    complaints: list[str] = []

    def put(match: re.Match[str]) -> str:
        inner = match.group(1).strip()
        of_input, of_output = _INPUT.fullmatch(inner), _OUTPUT.fullmatch(inner)
        name = of_input.group(1) if of_input else of_output.group(1) if of_output else None
        if of_input and name in values:
            return values[of_input.group(1)]
        if (of_input and name in data) or (of_output and name in outputs):
            return match.group(0)
        known = [*values, *data] if of_input else list(outputs)
        kind = "input" if of_input else "output"
        complaints.append(_complaint(match.group(0), inner, name, kind, known))
        return match.group(0)

    replaced = EXPRESSION.sub(put, text)
    if "${{" in EXPRESSION.sub("", text):
        complaints.append("a ${{ is never closed by }}")
    return replaced, complaints


def named_inputs(text: str) -> set[str]:
    """The inputs that replace_expressions would put in."""
    inner = (match.group(1).strip() for match in EXPRESSION.finditer(text))
    return {found.group(1) for words in inner if (found := _INPUT.fullmatch(words))}


def has_expressions(text: str) -> bool:
    """Whether text holds anything that replace_expressions would look at."""
    return "${{" in text


def _complaint(whole: str, inner: str, name: str | None, kind: str, known: list[str]) -> str:
    shown = whole if len(whole) <= 80 else whole[:77] + "..."
    if name is not None:
        close = difflib.get_close_matches(name, known, 1)
        return f"{shown}: there is no {kind} {name}" + (f", did you mean {close[0]}?" if close else "")
    usable = "unknown expression; ${{inputs.NAME}} and ${{outputs.NAME}} are what can be used"
    return f"{shown}: {_NOT_YET.get(inner.partition('.')[0], usable)}"
