"""Whoever is asked, as a table of what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from tapo_automate.wire.codes import refusal

Answer: TypeAlias = Mapping[str, Any] | int | Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Recorded:
    """Answers each method with a result, an error code, or what a function makes of its parameters.

    A method without an answer is unknown to it.  asked: (method, parameters) in order.
    """

    host = "10.0.0.5"

    def __init__(self, answers: Mapping[str, Answer | None] | None = None, /, **more: Answer) -> None:
        self.answers = {**(answers or {}), **more}
        self.asked: list[tuple[str, dict[str, Any] | None]] = []

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        self.asked.append((method, None if params is None else dict(params)))
        answer = self.answers.get(method)
        if answer is None:
            answer = -1002
        if isinstance(answer, int):
            raise refusal(self.host, method, answer)
        return dict(answer(params or {}) if callable(answer) else answer)


def listed(**components: int) -> dict[str, Any]:
    """Return the answer to `component_nego` of a device with these components."""
    return {"component_list": [{"id": name, "ver_code": version} for name, version in components.items()]}
